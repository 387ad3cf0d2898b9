//! `lock`: compresses the models, measures what that cost, refuses what is under its gate, and pins the rest.

use crate::exit::Failure;
use crate::figures;
use crate::governed::Governed;
use crate::output::Output;
use crate::progress;
use crate::sources::{self, Want};
use crate::workspace::Workspace;
use modeldeploy_compiler::pipeline::{self, LockReport, ModelReport};
use modeldeploy_format::lock::{FILE_NAME, LockedModel};
use serde_json::json;
use std::path::PathBuf;

const EXAMPLES: &str = "\
Examples:
  cargo modeldeploy lock                  what has changed is made anew and measured
  cargo modeldeploy lock query-encoder    this model only
  cargo modeldeploy lock --check          make everything again and compare: for CI";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The models; without any all of the workspace
    models: Vec<String>,
    /// Leave the lock as it is, and say what differs from it; what came out so before, of the same bytes, is not made again
    #[arg(long)]
    check: bool,
    /// Make the models anew even if nothing has changed, or the lock cannot be read; with `--check` compare all of them, made again
    #[arg(long)]
    fresh: bool,
    /// The manifest, if it is not that of the current folder
    #[arg(long, value_name = "PATH")]
    manifest_path: Option<PathBuf>,
}

pub(crate) fn run(args: &Args, output: &mut Output<'_>) -> Result<(), Failure> {
    let mut workspace = Workspace::find(args.manifest_path.as_deref())?.models()?;
    Governed::read(&workspace)?.manifests(&args.models)?;
    if args.check {
        let stale =
            progress::during(output, |progress| pipeline::check(&workspace, &args.models, args.fresh, progress))?;
        if !stale.is_empty() {
            return Err(Failure::Stale(stale));
        }
        Governed::read(&workspace)?.lock(&workspace.lock()?)?;
        output.result(format_args!("{FILE_NAME} is as the manifests and the models say"), json!({"current": true}))?;
        return Ok(());
    }
    if workspace.models().is_empty() {
        output.note("no manifest names a model: `cargo modeldeploy add <folder> --name <name> --task embed` adds one");
    }
    let before = workspace.old_lock().ok().flatten().unwrap_or_default();
    sources::settle(&mut workspace, &args.models, Want::Pinned, output)?;
    let report = judged(&workspace, &args.models, args.fresh, output)?;
    sources::remember(&workspace, &before)?;
    sources::remember(&workspace, &report.lock)?;
    let verb = if report.changed { "Locked" } else { "Fresh" };
    let models = figures::count(report.models.len(), "model");
    output.step(verb, format_args!("{models} in {}", workspace.lock_path().display()));
    output.result(human(&report), program(&report))?;
    Ok(())
}

/// Locks models whose sources are settled, by the rules of the workspace.
pub(super) fn judged(
    workspace: &pipeline::Workspace,
    names: &[String],
    fresh: bool,
    output: &mut Output<'_>,
) -> Result<LockReport, Failure> {
    let governed = Governed::read(workspace)?;
    let judge = |manifest: &_, entry: &_, files: &_| governed.files(manifest, entry, files);
    Ok(progress::during(output, |progress| pipeline::lock(workspace, names, fresh, &judge, progress))?)
}

fn human(report: &LockReport) -> String {
    let blocks = report.models.iter().filter_map(|model| Some(block(model, report.lock.model(&model.name)?)));
    let indexes = report.lock.indexes.iter().map(|index| {
        format!(
            "{} (index)\n  {} vectors of {} by {}, {}",
            index.name, index.rows, index.width, index.model, index.digest
        )
    });
    blocks.chain(indexes).collect::<Vec<_>>().join("\n")
}

fn block(report: &ModelReport, locked: &LockedModel) -> String {
    let pack = &locked.packs[0];
    let quantize = locked.recipe.get("quantize").map_or("as trained", String::as_str);
    let kept = if report.kept { ", unchanged" } else { "" };
    let mut text = format!(
        "{} {} ({}, {quantize}{kept})\n  {} of files → pack of {}\n  {}",
        locked.name,
        locked.version,
        locked.signature.task,
        figures::bytes(report.source_bytes),
        figures::bytes(pack.size),
        pack.digest,
    );
    match (&report.evaluation, &locked.gate) {
        (Some(evaluation), _) => text.push_str(&format!("\n{}", figures::table(evaluation))),
        (None, Some(gate)) => text.push_str(&format!("\n  {}: f32 {}, pack {}", gate.metric, gate.base, gate.got)),
        (None, None) => text.push_str("\n  no gate: nothing was measured"),
    }
    text
}

fn program(report: &LockReport) -> serde_json::Value {
    let model = |it: &ModelReport| {
        let locked = report.lock.model(&it.name).expect("a reported model is locked");
        json!({
            "name": it.name,
            "version": locked.version,
            "kept": it.kept,
            "pack": locked.packs[0],
            "space": locked.space,
            "recipe": locked.recipe,
            "gate": locked.gate,
            "evaluation": it.evaluation.as_ref().map(figures::program),
        })
    };
    let models: Vec<_> = report.models.iter().map(model).collect();
    json!({"changed": report.changed, "models": models, "indexes": report.lock.indexes})
}
