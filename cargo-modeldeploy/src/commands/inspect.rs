//! `inspect`: what is in a model's folder, a pack's file, or a locked model.

use super::add::TaskName;
use crate::exit::Failure;
use crate::figures::{bytes, count};
use crate::output::Output;
use crate::workspace::Workspace;
use modeldeploy_compiler::compress::error_by_layer;
use modeldeploy_compiler::diagnostic::{Code, Diagnostic};
use modeldeploy_compiler::emit::{BAD_PACK, arena_bytes, listing};
use modeldeploy_compiler::front::{LoadOptions, RankerOptions, load, load_ranker};
use modeldeploy_compiler::store::{self, Kind};
use modeldeploy_compiler::{passes, pipeline};
use modeldeploy_format::features::{Fact, MOST_TOGETHER};
use modeldeploy_format::forest::Forest;
use modeldeploy_format::lock::LockedModel;
use modeldeploy_format::pack::{Aligned, Ranker};
use modeldeploy_format::{Artifact, Digest, Signature, Task};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};

/// A file that is no pack, or a name that is nothing here.
const NOTHING: Code = Code("MD0806");

const EXAMPLES: &str = "\
Examples:
  cargo modeldeploy inspect ../all-MiniLM-L6-v2 --task embed
  cargo modeldeploy inspect query-encoder              a locked model
  cargo modeldeploy inspect query-encoder --layers     and what quantization costs, layer by layer
  cargo modeldeploy inspect query-encoder --tokens 4096 --texts 64     the memory of a session for such batches
  cargo modeldeploy inspect .modeldeploy/sha256/ab/abcd….pack";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The name of a locked model, a model's folder or a pack's file; `./name` is a path whatever is locked
    what: String,
    /// What the model of a folder is for
    #[arg(long, value_enum, default_value = "embed")]
    task: TaskName,
    /// The most candidates that the network of a ranker's folder scores together; the size of its batch where that is fixed
    #[arg(long, value_name = "CANDIDATES", value_parser = clap::value_parser!(u32).range(1..=i64::from(MOST_TOGETHER)))]
    max_batch: Option<u32>,
    /// Measure the error of each layer of a model: this makes it anew
    #[arg(long)]
    layers: bool,
    /// Count a session's memory for batches of so many tokens; without it, for the longest text
    #[arg(long, value_name = "N")]
    tokens: Option<NonZeroU32>,
    /// And for batches of so many texts
    #[arg(long, value_name = "N", default_value = "1")]
    texts: NonZeroU32,
    /// The manifest, if it is not that of the current folder
    #[arg(long, value_name = "PATH")]
    manifest_path: Option<PathBuf>,
}

pub(crate) fn run(args: &Args, output: &mut Output<'_>) -> Result<(), Failure> {
    let path = Path::new(&args.what);
    let (human, program) = if is_locked(args) {
        locked(args, output)?
    } else if path.is_dir() {
        folder(path, args)?
    } else if path.is_file() {
        let read = std::fs::read(path);
        let read = read
            .map_err(|error| Diagnostic::new(store::IO, format!("the file cannot be read: {error}")).at(&args.what))?;
        store::prove(path, &read)?;
        pack(args, &args.what, &Aligned::copy(&read))?
    } else {
        locked(args, output)?
    };
    output.result(human, program)?;
    Ok(())
}

/// Whether it is the name of a locked model here, which comes before a folder of that name. What is wrong with the lock matters to
/// those alone who name no path.
fn is_locked(args: &Args) -> bool {
    let workspace = || Workspace::find(args.manifest_path.as_deref()).ok()?.models().ok()?.old_lock().ok()?;
    !args.what.contains(['/', '\\']) && workspace().is_some_and(|lock| lock.model(&args.what).is_some())
}

fn folder(path: &Path, args: &Args) -> Result<(String, Value), Failure> {
    if args.task.0 == Task::Rank {
        return ranker_folder(path, args.max_batch);
    }
    let mut loaded = load(path, &LoadOptions::new(args.task.0))?;
    let before = loaded.graph.len();
    passes::run(&mut loaded.graph);
    let mut operators: BTreeMap<&str, usize> = BTreeMap::new();
    let mut weights = 0;
    for (id, node) in loaded.graph.nodes() {
        match loaded.graph.as_const(id) {
            Some(constant) => weights += constant.bytes().len() as u64,
            None => *operators.entry(node.op.name()).or_default() += 1,
        }
    }
    let files: u64 = loaded.files.iter().map(|file| file.size).sum();
    let mut text = format!(
        "{} ({})\n{}\n  {} in {}, {} of weights\n  {before} nodes as read, {} after the passes\noperators",
        path.display(),
        loaded.architecture,
        signature(&loaded.signature),
        bytes(files),
        count(loaded.files.len(), "file"),
        bytes(weights),
        loaded.graph.len(),
    );
    operators.iter().for_each(|(name, count)| text.push_str(&format!("\n  {count:>5}  {name}")));
    loaded.notes.iter().for_each(|note| text.push_str(&format!("\nnote: {note}")));
    let files: Vec<Value> =
        loaded.files.iter().map(|file| json!({"path": file.path, "size": file.size, "digest": file.digest})).collect();
    let program = json!({
        "architecture": loaded.architecture,
        "signature": loaded.signature,
        "files": files,
        "weight-bytes": weights,
        "operators": operators,
        "notes": loaded.notes,
    });
    Ok((text, program))
}

fn ranker_folder(path: &Path, max_batch: Option<u32>) -> Result<(String, Value), Failure> {
    let loaded = load_ranker(path, RankerOptions { max_batch, ..RankerOptions::default() })?;
    let files: u64 = loaded.files.iter().map(|file| file.size).sum();
    let text = format!(
        "{} ({})\n{}\n  {} in {}, {} to hold it against",
        path.display(),
        loaded.architecture(),
        signature(&loaded.signature),
        bytes(files),
        count(loaded.files.len(), "file"),
        count(loaded.expected(), "candidate"),
    );
    let files: Vec<Value> =
        loaded.files.iter().map(|file| json!({"path": file.path, "size": file.size, "digest": file.digest})).collect();
    let program = json!({ "signature": loaded.signature, "architecture": loaded.architecture(), "files": files });
    Ok((text, program))
}

fn trees_pack(shown: &str, bytes_of_pack: &Aligned, artifact: &Artifact<'_>, forest: &Forest<'_>) -> (String, Value) {
    let digest = Digest::of(bytes_of_pack);
    let questions: usize = forest.trees().iter().map(|tree| tree[1] as usize).sum();
    let text = format!(
        "{shown}\n  {digest}\n{}\n  {} in all: {}, {} to {}; {} golden rows",
        signature(artifact.signature()),
        bytes(bytes_of_pack.len() as u64),
        count(forest.trees().len(), "tree"),
        count(questions, "question"),
        count(forest.columns(), "column"),
        artifact.golden_rows().len(),
    );
    let program = json!({
        "digest": digest,
        "size": bytes_of_pack.len(),
        "signature": artifact.signature(),
        "trees": forest.trees().len(),
        "questions": questions,
        "columns": forest.columns(),
    });
    (text, program)
}

fn pack(args: &Args, shown: &str, bytes_of_pack: &Aligned) -> Result<(String, Value), Failure> {
    let artifact = Artifact::parse(bytes_of_pack).map_err(|error| {
        Diagnostic::new(NOTHING, error.to_string())
            .at(shown)
            .help("name a folder, a `.pack` of the store, or a locked model")
    })?;
    if let Some(forest) = artifact.ranker().and_then(Ranker::forest) {
        return Ok(trees_pack(shown, bytes_of_pack, &artifact, forest));
    }
    let tokens = args.tokens.map_or(artifact.signature().max_tokens, NonZeroU32::get);
    let (texts, list) = (args.texts.get(), listing(&artifact));
    let arena = arena_bytes(&artifact, tokens as usize, texts as usize)
        .map_err(|error| Diagnostic::new(BAD_PACK, format!("no session can run it: {error}")).at(shown))?;
    let digest = Digest::of(bytes_of_pack);
    let mut text = format!(
        "{shown}\n  {digest}\n{}\n  {} in all, {} of tensors, ",
        signature(artifact.signature()),
        bytes(bytes_of_pack.len() as u64),
        bytes(list.tensor_bytes),
    );
    let (beside, arena_bytes) = (bytes(artifact.tokenizer().len() as u64), bytes(arena as u64));
    let (each_token, each_text) = (bytes(list.token_bytes), bytes(list.text_bytes));
    text.push_str(&match artifact.ranker() {
        None => format!(
            "{beside} of tokenizer, {} golden vectors\n  \
             memory: {each_token} for each token of a batch, {each_text} for each text; {arena_bytes} for {} of {}, scratch included",
            artifact.goldens().len(),
            count(tokens as usize, "token"),
            count(texts as usize, "text"),
        ),
        Some(_) => format!(
            "{beside} of features, {} golden requests\n  \
             memory: {each_token} for each item of a session, {each_text} for a user, {} for each candidate; {arena_bytes} for {} and {}, \
             scratch included",
            artifact.golden_requests().len(),
            bytes(list.candidate_bytes),
            count(tokens as usize, "item"),
            count(texts as usize, "candidate"),
        ),
    });
    text.push_str("\nsteps");
    for (at, step) in list.steps.iter().enumerate() {
        text.push_str(&format!(
            "\n  {at:>3} {:<12} {:>9}  {} → {}  {}",
            step.step,
            bytes(step.bytes),
            step.inputs.join(", "),
            step.outputs.join(", "),
            step.name
        ));
    }
    let steps = list.steps.iter().map(|step| {
        json!({"step": step.step, "name": step.name, "inputs": step.inputs, "outputs": step.outputs,
               "bytes": step.bytes, "macs": step.macs, "macs-by-token": step.macs_by_token})
    });
    let program = json!({
        "digest": digest,
        "size": bytes_of_pack.len(),
        "signature": artifact.signature(),
        "tensor-bytes": list.tensor_bytes,
        "token-bytes": list.token_bytes,
        "text-bytes": list.text_bytes,
        "candidate-bytes": list.candidate_bytes,
        "arena": {"tokens": tokens, "texts": texts, "bytes": arena},
        "steps": steps.collect::<Vec<_>>(),
    });
    Ok((text, program))
}

fn locked(args: &Args, output: &mut Output<'_>) -> Result<(String, Value), Failure> {
    let workspace = Workspace::find(args.manifest_path.as_deref())?.models()?;
    let lock = workspace.old_lock()?.unwrap_or_default();
    let Some(model) = lock.model(&args.what) else {
        let names: Vec<String> = lock.models.iter().map(|model| format!("`{}`", model.name)).collect();
        let help = match names.as_slice() {
            [] => "no model is locked: name a folder or a pack's file, or run `cargo modeldeploy lock`".to_owned(),
            names => format!("locked are {}", names.join(", ")),
        };
        let message = format!("`{}` is no folder, no file and no locked model", args.what);
        return Err(Diagnostic::new(NOTHING, message)
            .at(workspace.lock_path().display().to_string())
            .help(help)
            .into());
    };
    let mut text = entry(model);
    let mut program = json!({"locked": model});
    match workspace.store.get(&model.packs[0].digest, Kind::Pack) {
        Ok(stored) => {
            let path = workspace.store.path(&model.packs[0].digest, Kind::Pack).display().to_string();
            let (more, facts) = pack(args, &path, &stored)?;
            text.push_str(&format!("\n{more}"));
            program["pack"] = facts;
        }
        Err(error) if error.code == store::ABSENT => {
            output.note("the pack is not in the store: `cargo modeldeploy build` makes it");
        }
        Err(error) => return Err(error.into()),
    }
    if args.layers {
        let selected = workspace.select(std::slice::from_ref(&args.what))?;
        let (manifest, entry) = *selected.first().expect("a selected model is there");
        let derived = crate::progress::during(output, |progress| pipeline::derive(manifest, entry, progress))?;
        let samples = &derived.samples[..derived.samples.len().min(16)];
        let layers = error_by_layer(&derived.loaded.graph, &derived.compressed_graph, samples)?;
        text.push_str("\nrelative error of each layer's output against f32: in all, its own");
        for layer in &layers {
            text.push_str(&format!("\n  {:.6}  {:.6}  {}", layer.relative, layer.own, layer.name));
        }
        let facts =
            layers.iter().map(|layer| json!({"name": layer.name, "relative": layer.relative, "own": layer.own}));
        program["layers"] = facts.collect();
    }
    Ok((text, program))
}

fn entry(model: &LockedModel) -> String {
    let recipe: Vec<String> = model.recipe.iter().map(|(key, value)| format!("{key} = {value}")).collect();
    let mut text = format!(
        "{} {} of package `{}`\n  source {} ({})\n  license {}\n  recipe {}\n  space {}",
        model.name,
        model.version,
        model.package,
        model.source,
        count(model.files.len(), "file"),
        model.license.as_deref().unwrap_or("not stated"),
        recipe.join(", "),
        model.space,
    );
    if let Some(origin) = &model.origin {
        text.push_str(&format!("\n  resolved to {}, files {}", origin.revision, origin.tree));
    }
    if let Some(gate) = &model.gate {
        text.push_str(&format!("\n  gate {}: f32 {}, pack {}", gate.metric, gate.base, gate.got));
        gate.figures.iter().for_each(|(name, figure)| text.push_str(&format!(", {name} {figure}")));
    }
    text
}

fn signature(signature: &Signature) -> String {
    let Signature { task, max_tokens, outputs, normalized, labels, prompts, features, .. } = signature;
    if *task == Task::Rank {
        let name = |feature: &Fact| match feature.kind.embedding() {
            Some(_) => format!("{} ({})", feature.name, feature.kind),
            None => feature.name.clone(),
        };
        let features: Vec<String> = features.iter().map(name).collect();
        let all = count(features.len(), "feature");
        return format!("  {task}: {all} → {outputs} values\n  features: {}", features.join(", "));
    }
    let unit = if *normalized { " of unit length" } else { "" };
    let mut text = format!("  {task}: texts of at most {max_tokens} tokens → {outputs} values{unit}");
    if !labels.is_empty() {
        text.push_str(&format!("\n  labels: {}", labels.join(", ")));
    }
    prompts.iter().for_each(|(name, prompt)| text.push_str(&format!("\n  prompt {name}: {prompt:?}")));
    text
}
