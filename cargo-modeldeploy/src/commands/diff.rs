//! `diff`: two locks, packs or models' folders side by side: signature, space, files, and every tensor.

use super::semver_check::{NOTHING, read};
use crate::exit::Failure;
use crate::figures::count;
use crate::output::Output;
use crate::sources::{changes_for_people, changes_for_programs};
use modeldeploy_compiler::compare::{Change, Tensors};
use modeldeploy_compiler::diagnostic::Diagnostic;
use modeldeploy_compiler::store::{self, Kind, Store};
use modeldeploy_format::lock::{FILE_NAME, Lock, LockedModel};
use modeldeploy_format::pack::Aligned;
use modeldeploy_format::{Artifact, Digest};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// How many tensors are told to people; programs get all.
const TENSORS: usize = 40;

/// The most files of a folder.
const FILES: usize = 10_000;

const EXAMPLES: &str = "\
Examples:
  cargo modeldeploy diff models/encoder-1 models/encoder-2            files, and tensors of the checkpoints
  cargo modeldeploy diff old/Model.lock Model.lock                    what is locked, and tensors that the stores have
  cargo modeldeploy diff .modeldeploy/sha256/ab/ab….pack other.pack   tensors as the kernels read them";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// A Model.lock, a pack or a model's folder
    old: PathBuf,
    /// Another of its kind
    new: PathBuf,
}

/// What is compared.
enum Side {
    Folder(BTreeMap<String, Digest>, Tensors),
    Pack(Aligned),
    Lock(Lock, Store),
}

pub(crate) fn run(args: &Args, output: &mut Output<'_>) -> Result<(), Failure> {
    let (human, program) = match (open(&args.old)?, open(&args.new)?) {
        (Side::Folder(old_files, old), Side::Folder(new_files, new)) => {
            let (files, file_facts) = files(&old_files, &new_files);
            let (tensors, tensor_facts) = tensors(&old, &new);
            (format!("{files}{tensors}"), json!({"files": file_facts, "tensors": tensor_facts}))
        }
        (Side::Pack(old), Side::Pack(new)) => packs(args, &old, &new)?,
        (Side::Lock(old, old_store), Side::Lock(new, new_store)) => locks(&old, &old_store, &new, &new_store)?,
        _ => {
            let message = "one of them is of another kind than the other";
            let help = "name two folders, two packs or two locks";
            return Err(Diagnostic::new(NOTHING, message).at(args.new.display().to_string()).help(help).into());
        }
    };
    let human = human.trim_end();
    output.result(if human.is_empty() { "nothing differs" } else { human }, program)?;
    Ok(())
}

fn open(path: &Path) -> Result<Side, Failure> {
    let shown = path.display().to_string();
    if path.is_dir() {
        let (mut digests, mut tensors) = (BTreeMap::new(), Tensors::default());
        for file in walk(path)? {
            let mapping = store::map(&file)?;
            let name = file.strip_prefix(path).unwrap_or(&file).display().to_string();
            digests.insert(name, Digest::of(mapping.bytes()));
            if file.extension().is_some_and(|ending| ending == "safetensors") {
                tensors.add_checkpoint(&file.display().to_string(), mapping)?;
            }
        }
        return Ok(Side::Folder(digests, tensors));
    }
    if path.file_name().is_some_and(|name| name == FILE_NAME) || path.extension().is_some_and(|it| it == "lock") {
        let folder = path.parent().unwrap_or(Path::new(""));
        return Ok(Side::Lock(read(&shown)?, Store::beside(folder)));
    }
    let bytes = std::fs::read(path)
        .map_err(|error| Diagnostic::new(store::IO, format!("the file cannot be read: {error}")).at(&shown))?;
    store::prove(path, &bytes)?;
    Ok(Side::Pack(Aligned::copy(&bytes)))
}

fn walk(root: &Path) -> Result<Vec<PathBuf>, Diagnostic> {
    let unreadable = |path: &Path, error: std::io::Error| {
        Diagnostic::new(store::IO, format!("the folder cannot be read: {error}")).at(path.display().to_string())
    };
    let (mut folders, mut found) = (vec![root.to_owned()], vec![]);
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).map_err(|error| unreadable(&folder, error))? {
            let entry = entry.map_err(|error| unreadable(&folder, error))?;
            let kind = entry.file_type().map_err(|error| unreadable(&folder, error))?;
            match (kind.is_dir(), kind.is_file()) {
                (true, _) if entry.file_name() != ".git" => folders.push(entry.path()),
                (_, true) if entry.metadata().is_ok_and(|facts| facts.len() > 0) => found.push(entry.path()),
                _ => {}
            }
        }
        if found.len() > FILES {
            let message = format!("it has more than {FILES} files");
            return Err(Diagnostic::new(NOTHING, message).at(root.display().to_string()).help("name a model's folder"));
        }
    }
    found.sort();
    Ok(found)
}

fn files(old: &BTreeMap<String, Digest>, new: &BTreeMap<String, Digest>) -> (String, Value) {
    let names: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    let (mut text, mut facts) = (String::new(), vec![]);
    for name in names {
        let change = match (old.get(name), new.get(name)) {
            (None, _) => "added",
            (_, None) => "removed",
            (was, is) if was != is => "changed",
            _ => continue,
        };
        text.push_str(&format!("file {name}: {change}\n"));
        facts.push(json!({"path": name, "change": change, "old": old.get(name), "new": new.get(name)}));
    }
    (text, facts.into())
}

fn tensors(old: &Tensors, new: &Tensors) -> (String, Value) {
    let changes = old.compare(new);
    let mut text = String::new();
    for (name, change) in changes.iter().take(TENSORS) {
        text.push_str(&format!("tensor {name}: {}\n", shown(change)));
    }
    if changes.len() > TENSORS {
        text.push_str(&format!("and {} more; `--format json` has all\n", changes.len() - TENSORS));
    }
    if !changes.is_empty() {
        let all = count(old.count().max(new.count()), "tensor");
        text.push_str(&format!("{} of {all} differ\n", changes.len()));
    }
    let facts = changes.iter().map(|(name, change)| match change {
        Change::Added => json!({"name": name, "change": "added"}),
        Change::Removed => json!({"name": name, "change": "removed"}),
        Change::Reshaped(was, is) => json!({"name": name, "change": "reshaped", "old": was, "new": is}),
        Change::Changed { largest, cosine } => {
            json!({"name": name, "change": "changed", "largest-difference": largest, "cosine": cosine})
        }
    });
    (text, facts.collect())
}

fn shown(change: &Change) -> String {
    let figure = |value: &Option<f64>| value.map_or("unknown".to_owned(), |value| format!("{value:.6}"));
    match change {
        Change::Added => "added".into(),
        Change::Removed => "removed".into(),
        Change::Reshaped(was, is) => format!("was {was}, is {is}"),
        Change::Changed { largest, cosine } => {
            format!("largest difference {}, cosine {}", figure(largest), figure(cosine))
        }
    }
}

fn packs(args: &Args, old: &Aligned, new: &Aligned) -> Result<(String, Value), Diagnostic> {
    let parse = |path: &Path, pack: &Aligned| -> Result<(Tensors, modeldeploy_format::Signature), Diagnostic> {
        let wrong = |what: String| {
            let help = "name a Model.lock, a `.pack` of a store or a model's folder";
            Diagnostic::new(NOTHING, what).at(path.display().to_string()).help(help)
        };
        let signature = Artifact::parse(pack).map_err(|error| wrong(error.to_string()))?.signature().clone();
        Ok((Tensors::of_pack(pack).map_err(wrong)?, signature))
    };
    let ((old, was), (new, is)) = (parse(&args.old, old)?, parse(&args.new, new)?);
    let (tensors, facts) = tensors(&old, &new);
    let signature = if was == is { String::new() } else { format!("signature was {was:?}\nsignature is  {is:?}\n") };
    Ok((format!("{signature}{tensors}"), json!({"same-signature": was == is, "tensors": facts})))
}

fn locks(old: &Lock, old_store: &Store, new: &Lock, new_store: &Store) -> Result<(String, Value), Diagnostic> {
    let names: BTreeSet<&String> = old.models.iter().chain(&new.models).map(|model| &model.name).collect();
    let (mut text, mut facts) = (String::new(), vec![]);
    for name in names {
        match (old.model(name), new.model(name)) {
            (Some(was), Some(is)) if was != is => {
                text.push_str(&format!("{}\n", changes_for_people(was, is, new)));
                let by_path =
                    |model: &LockedModel| model.files.iter().map(|file| (file.path.clone(), file.digest)).collect();
                let (files, file_facts) = files(&by_path(was), &by_path(is));
                text.push_str(&files);
                let mut fact = changes_for_programs(was, is);
                fact["changed-files"] = file_facts;
                fact["tensors"] = Value::Null;
                if let (Some(was), Some(is)) = (compressed(was, old_store)?, compressed(is, new_store)?) {
                    let (said, tensor_facts) = tensors(&was, &is);
                    text.push_str(&said);
                    fact["tensors"] = tensor_facts;
                } else {
                    text.push_str("tensors are not compared: a store lacks the compressed model\n");
                }
                facts.push(fact);
            }
            (None, Some(is)) => {
                text.push_str(&format!("model {name} {}: added\n", is.version));
                facts.push(json!({"name": name, "change": "added"}));
            }
            (Some(was), None) => {
                text.push_str(&format!("model {name} {}: removed\n", was.version));
                facts.push(json!({"name": name, "change": "removed"}));
            }
            _ => {}
        }
    }
    Ok((text, json!({"models": facts})))
}

/// The tensors of a locked model, where its store has them.
fn compressed(model: &LockedModel, store: &Store) -> Result<Option<Tensors>, Diagnostic> {
    if !store.has(&model.compressed, Kind::Compressed) {
        return Ok(None);
    }
    let file = store.get(&model.compressed, Kind::Compressed)?;
    Tensors::of_compressed(&file, &store.path(&model.compressed, Kind::Compressed).display().to_string()).map(Some)
}
