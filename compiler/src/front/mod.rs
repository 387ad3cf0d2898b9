//! A model's folder, as the Hugging Face libraries and sentence-transformers write it, to a graph: the compiler's first stage, and
//! the only one that reads files.
//!
//! Nothing of a folder is trusted: every size is bounded before memory is taken for it, no path leads out of the folder, and all
//! that is wrong is told in one run, each with file, key or tensor. Nothing is left out in silence: a tensor that the task does not
//! use is named in [`Loaded::notes`], one that has no place in the architecture is an error.

mod activation;
mod architectures;
pub mod codes;
pub mod config;
mod emitter;
mod folder;
mod json;
pub mod onnx;
mod output;
mod ranker;
mod sentence;
mod tensors;
mod tokenizer;
pub mod weights;

pub use folder::SourceFile;
pub use ranker::{ITEMS, LoadedRanker, LoadedScorer, RankerOptions, load_ranker};

use crate::diagnostic::Diagnostic;
use crate::graph::Graph;
use config::Config;
use emitter::Emitter;
use folder::Folder;
use modeldeploy_format::{Digest, Signature, Task};
use sentence::{Pipeline, Settings};
use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use tensors::Tensors;
use weights::Weights;

/// What is wanted of a model.
#[derive(Clone, Copy, Debug)]
pub struct LoadOptions {
    /// What it is to do.
    pub task: Task,
    /// The most tokens of a text, special tokens included; where it is not given, what the folder's files say.
    pub max_tokens: Option<u32>,
}

impl LoadOptions {
    /// For that task, with the folder's own length of texts.
    pub fn new(task: Task) -> LoadOptions {
        LoadOptions { task, max_tokens: None }
    }
}

/// A model that was read.
#[derive(Clone)]
pub struct Loaded {
    /// What it computes for one text, in primitives; one output, `f32[signature.outputs]`.
    pub graph: Graph,
    /// What it takes and gives.
    pub signature: Signature,
    /// The tables of its tokenizer, as they stand in a pack.
    pub tokenizer: Vec<u8>,
    /// Every file that was read, sorted by path.
    pub files: Vec<SourceFile>,
    /// The paths of files that were looked for and not there, sorted: with one of them the folder would be read differently.
    pub absent: Vec<String>,
    /// The architecture's name: the `model_type` of its configuration.
    pub architecture: String,
    /// Besides the weights, what decides what its vectors mean: two models' vectors may be compared only if these agree.
    pub space: BTreeMap<String, String>,
    /// What a person should know of how the folder was read, a sentence each.
    pub notes: Vec<String>,
}

impl fmt::Debug for Loaded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Loaded")
            .field("architecture", &self.architecture)
            .field("signature", &self.signature)
            .field("space", &self.space)
            .field("notes", &self.notes)
            .finish_non_exhaustive()
    }
}

/// Reads a model's folder.
///
/// # Errors
///
/// All that is wrong with it: `MD01xx` for the folder and its configuration, `MD02xx` for weights, `MD03xx` for the tokenizer.
pub fn load(dir: &Path, options: &LoadOptions) -> Result<Loaded, Vec<Diagnostic>> {
    let mut folder = Folder::open(dir).map_err(|error| vec![error])?;
    let mut errors = Vec::new();
    let pipeline = keep(sentence::pipeline(&mut folder, options.task), &mut errors);
    if pipeline.is_none() && !folder.has("config.json") {
        return Err(errors);
    }
    let base = pipeline.as_ref().map_or(String::new(), |pipeline| pipeline.base.clone());
    let config = keep(read_config(&mut folder, &base), &mut errors);
    let settings = keep(Settings::read(&mut folder, &base, options.task), &mut errors);
    let source = keep(Source::read(&mut folder, &base), &mut errors);
    let lower_case = settings.as_ref().is_some_and(|settings| settings.lower_case);
    let tokenizer = keep(tokenizer::compile(&mut folder, &base, lower_case), &mut errors);
    let (Some(pipeline), Some(config), Some(settings), Some(source)) = (pipeline, config, settings, source) else {
        return Err(errors);
    };
    let mut notes = pipeline.notes.clone();
    let max_tokens = keep(max_tokens(&folder, &config, &settings, options, &mut notes), &mut errors);

    let mut emitter = Emitter::new();
    let output = match source {
        Source::Weights(weights) => {
            let mut tensors = Tensors::new(&weights, folder.place(&base), config.architecture.prefix);
            let emitted =
                output::emit(&mut folder, &mut emitter, &mut tensors, &config, &settings, &pipeline, options.task);
            let output = match emitted {
                Ok(output) => Some(output),
                Err(more) => {
                    errors.extend(more.errors);
                    if more.stop {
                        return Err(errors);
                    }
                    None
                }
            };
            if let Some(left_out) = keep(tensors.finish(config.architecture.may_stay), &mut errors)
                && !left_out.is_empty()
            {
                notes.push(format!("left out, for `{}` does not use them: {}", options.task, left_out.join(", ")));
            }
            output
        }
        Source::Onnx { path, model } => {
            let longest = config.size.positions - config.size.first_position;
            let imported = onnx::import(&model, &folder.place(&path), &config, options.task, longest);
            keep(imported, &mut errors).and_then(|imported| {
                emitter = imported.emit;
                let value = imported.value;
                let output =
                    output::follow(&mut folder, &mut emitter, value, &config, &settings, &pipeline, options.task);
                keep(output, &mut errors)
            })
        }
    };
    if let Some(tokenizer) = &tokenizer {
        let rows = config.size.vocabulary;
        match keep(tokenizer::fits(&folder, &base, tokenizer, rows), &mut errors) {
            Some(count) if count < rows => {
                notes.push(format!(
                    "the embedding has {rows} rows and the tokenizer {count} tokens: the rest is never read"
                ));
            }
            _ => {}
        }
    }
    let value = output.as_ref().and_then(|output| output.value);
    let graph = keep(emitter.finish(value), &mut errors).flatten();
    let (Some(graph), Some(output), Some(tokenizer), Some(max_tokens)) = (graph, output, tokenizer, max_tokens) else {
        return Err(errors);
    };
    if !errors.is_empty() {
        return Err(errors);
    }
    let space = space(&pipeline, &settings, &tokenizer);
    let (files, absent) = folder.finish();
    let signature = Signature {
        task: options.task,
        max_tokens,
        outputs: output.width,
        normalized: output.normalized,
        labels: output.labels,
        prompts: settings.prompts,
        default_prompt: settings.default_prompt,
        features: vec![],
    };
    Ok(Loaded {
        graph,
        signature,
        tokenizer,
        files,
        absent,
        architecture: config.architecture.model_type.to_owned(),
        space,
        notes,
    })
}

/// What the encoder is made of.
enum Source {
    /// A checkpoint, whose architecture the configuration names.
    Weights(Weights),
    /// An ONNX model, which is the graph as well.
    Onnx { path: String, model: Box<crate::onnx::Model> },
}

impl Source {
    /// Of a folder with both, the checkpoint is read: it is what the ONNX model was made of.
    fn read(folder: &mut Folder, base: &str) -> Result<Source, Vec<Diagnostic>> {
        if !Weights::are_in(folder, base)
            && let Some(path) = onnx::find(folder, base)
        {
            let model = Box::new(onnx::read(folder, &path)?);
            return Ok(Source::Onnx { path, model });
        }
        Weights::load(folder, base).map(Source::Weights)
    }
}

/// The value, or `None` and its errors among the others.
fn keep<T>(result: Result<T, Vec<Diagnostic>>, errors: &mut Vec<Diagnostic>) -> Option<T> {
    result.map_err(|more| errors.extend(more)).ok()
}

fn read_config(folder: &mut Folder, base: &str) -> Result<Config, Vec<Diagnostic>> {
    let path = format!("{base}config.json");
    let place = folder.place(&path);
    let bytes = folder.read(&path).map_err(|error| vec![error])?.ok_or_else(|| {
        vec![
            Diagnostic::new(codes::NO_FILE, "the folder has no `config.json`")
                .at(&place)
                .help("name the folder that `model.save_pretrained(…)` or sentence-transformers wrote"),
        ]
    })?;
    config::parse(&place, &bytes)
}

/// The most tokens of a text: what is asked for, or what the files say, and never more than the model has positions. Where they say
/// more, that is a note.
fn max_tokens(
    folder: &Folder,
    config: &Config,
    settings: &Settings,
    options: &LoadOptions,
    notes: &mut Vec<String>,
) -> Result<u32, Vec<Diagnostic>> {
    /// A pair of texts has up to four special tokens.
    const LEAST: u32 = 4;
    let positions = config.size.positions - config.size.first_position;
    let positions = u32::try_from(positions).expect("the configuration bounds the positions");
    let root = || folder.root().display().to_string();
    let too_many = |message: String, place: String, help: String| {
        Err(vec![Diagnostic::new(codes::TOO_MANY_TOKENS, message).at(place).help(help)])
    };
    if positions < LEAST {
        let message = format!("the model has {positions} positions, and a text needs {LEAST}");
        return too_many(message, root(), "use a model with more positions".to_owned());
    }
    let (tokens, place) = match (options.max_tokens, &settings.max_tokens) {
        (Some(asked), _) => (asked, root()),
        (None, Some(said)) => {
            let tokens = u32::try_from(said.tokens).unwrap_or(u32::MAX);
            if tokens > positions {
                notes.push(format!(
                    "a text has at most {positions} tokens, for the model has no more positions: {} says {tokens}",
                    said.place
                ));
            }
            (tokens.min(positions), said.place.clone())
        }
        (None, None) => (positions, root()),
    };
    if (LEAST..=positions).contains(&tokens) {
        return Ok(tokens);
    }
    let message = format!("a limit of {tokens} tokens is not possible: the model takes {LEAST} to {positions}");
    too_many(message, place, format!("set `max-tokens` between {LEAST} and {positions}, or leave it out"))
}

fn space(pipeline: &Pipeline, settings: &Settings, tokenizer: &[u8]) -> BTreeMap<String, String> {
    let mut space = BTreeMap::new();
    let mut fact = |name: &str, value: String| space.insert(name.to_owned(), value);
    fact("tokenizer", Digest::of(tokenizer).to_string());
    if let Some(pooled) = &pipeline.pooling {
        fact("pooling", sentence::pooling_name(pooled.pooling).to_owned());
    }
    let modules: Vec<String> = pipeline.modules.iter().map(ToString::to_string).collect();
    fact("modules", modules.join(", "));
    for (name, text) in &settings.prompts {
        fact(&format!("prompt {name}"), text.clone());
    }
    if let Some(name) = &settings.default_prompt {
        fact("default prompt", name.clone());
    }
    if let Some(name) = &settings.similarity {
        fact("similarity", name.clone());
    }
    space
}
