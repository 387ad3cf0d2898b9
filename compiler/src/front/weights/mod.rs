//! The tensors of a checkpoint: one `model.safetensors`, or shards that an index lists.

mod header;
mod index;

pub use header::{Dtype, Entry, parse as parse_header};
pub use index::parse as parse_index;
pub use modeldeploy::link::Mapping;

use super::codes;
use super::folder::Folder;
use crate::diagnostic::Diagnostic;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The usual name of a checkpoint in one file.
const SINGLE: &str = "model.safetensors";
/// The usual name of the list of shards.
const INDEX: &str = "model.safetensors.index.json";
/// What PyTorch writes without the safetensors library.
const PICKLES: [&str; 2] = ["pytorch_model.bin", "pytorch_model.bin.index.json"];

/// The tensors of a checkpoint by name.
#[derive(Debug, Default)]
pub(super) struct Weights {
    tensors: BTreeMap<String, Stored>,
}

/// A tensor and the file that holds it.
#[derive(Clone, Debug)]
pub(super) struct Stored {
    /// Its entry in the header.
    pub(super) entry: Entry,
    /// The file.
    pub(super) mapping: Arc<Mapping>,
    /// The file's place, as errors name it.
    pub(super) file: String,
}

impl Stored {
    /// Its bytes.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.mapping.bytes()[self.entry.range.clone()]
    }

    /// The file and the tensor, as errors name them.
    pub(super) fn place(&self) -> String {
        format!("{}, tensor `{}`", self.file, self.entry.name)
    }
}

impl Weights {
    /// Whether a checkpoint is in the subfolder `base`.
    pub(super) fn are_in(folder: &mut Folder, base: &str) -> bool {
        folder.has(&format!("{base}{SINGLE}")) || folder.has(&format!("{base}{INDEX}"))
    }

    /// The checkpoint in the subfolder `base` (empty, or ending in `/`).
    pub(super) fn load(folder: &mut Folder, base: &str) -> Result<Weights, Vec<Diagnostic>> {
        let single = format!("{base}{SINGLE}");
        let index = format!("{base}{INDEX}");
        let mut weights = Weights::default();
        if folder.has(&single) {
            weights.add_file(folder, &single)?;
            return Ok(weights);
        }
        if folder.has(&index) {
            return Weights::load_shards(folder, base, &index);
        }
        Err(vec![absent(folder, base)])
    }

    fn load_shards(folder: &mut Folder, base: &str, path: &str) -> Result<Weights, Vec<Diagnostic>> {
        let place = folder.place(path);
        let bytes = folder.read(path).map_err(|error| vec![error])?.unwrap_or_default();
        let listed = index::parse(&place, &bytes)?;
        let mut weights = Weights::default();
        let mut errors = Vec::new();
        let shards: BTreeSet<&String> = listed.values().collect();
        for shard in shards {
            if let Err(more) = weights.add_file(folder, &format!("{base}{shard}")) {
                errors.extend(more);
            }
        }
        if !errors.is_empty() {
            return Err(errors);
        }
        for (name, shard) in &listed {
            let found = weights.tensors.get(name);
            if found.is_none_or(|stored| stored.file != folder.place(&format!("{base}{shard}"))) {
                let message = format!("the index says that `{shard}` holds the tensor `{name}`, which it does not");
                errors.push(
                    Diagnostic::new(codes::BAD_INDEX, message).at(&place).help("download the model's files again"),
                );
            }
        }
        for (name, stored) in &weights.tensors {
            if !listed.contains_key(name) {
                let message = format!("the index `{path}` does not list the tensor `{name}`");
                errors.push(
                    Diagnostic::new(codes::BAD_INDEX, message)
                        .at(stored.place())
                        .help("download the model's files again"),
                );
            }
        }
        if errors.is_empty() { Ok(weights) } else { Err(errors) }
    }

    fn add_file(&mut self, folder: &mut Folder, path: &str) -> Result<(), Vec<Diagnostic>> {
        let mapping = Arc::new(folder.map(path).map_err(|error| vec![error])?);
        let file = folder.place(path);
        let entries = header::parse(&file, mapping.bytes()).map_err(|error| vec![error])?;
        let mut errors = Vec::new();
        for entry in entries {
            let name = entry.name.clone();
            let stored = Stored { entry, mapping: mapping.clone(), file: file.clone() };
            if let Some(other) = self.tensors.get(&name) {
                let message = format!("the tensor `{name}` stands in two shards, here and in {}", other.file);
                errors.push(
                    Diagnostic::new(codes::DUPLICATE_TENSOR, message)
                        .at(stored.place())
                        .help("download the model's files again"),
                );
            } else {
                self.tensors.insert(name, stored);
            }
        }
        if errors.is_empty() { Ok(()) } else { Err(errors) }
    }

    /// The tensor of that name.
    pub(super) fn get(&self, name: &str) -> Option<&Stored> {
        self.tensors.get(name)
    }

    /// All of them, sorted by name.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Stored> {
        self.tensors.values()
    }
}

fn absent(folder: &mut Folder, base: &str) -> Diagnostic {
    let place = folder.place(base);
    if let Some(pickle) = PICKLES.iter().find(|name| folder.has(&format!("{base}{name}"))) {
        let help = if base.is_empty() || base == "0_Transformer/" {
            format!(
                "convert it once: python -c \"from transformers import AutoConfig as C; import transformers as t; p='{place}'; \
                 getattr(t, C.from_pretrained(p).architectures[0]).from_pretrained(p).save_pretrained(p)\""
            )
        } else {
            format!(
                "convert it once: python -c \"import torch, safetensors.torch as s; p='{place}'; \
                 s.save_file(torch.load(p + 'pytorch_model.bin', map_location='cpu', weights_only=True), p + '{SINGLE}')\""
            )
        };
        let message =
            format!("the weights are only there as `{pickle}`, a pickle, which is a program that could do anything");
        return Diagnostic::new(codes::PICKLED_WEIGHTS, message).at(place).help(help);
    }
    Diagnostic::new(codes::NO_FILE, format!("neither `{SINGLE}` nor `{INDEX}` is there"))
        .at(place)
        .help("download the weights, or save them with `model.save_pretrained(…)`")
}
