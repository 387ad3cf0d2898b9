//! `update`: moves the pin of a model from a registry or a hub, and says what that changes.

use super::lock;
use crate::exit::Failure;
use crate::governed::Governed;
use crate::output::Output;
use crate::sources::{self, UNCHANGED, Want, changes_for_people, changes_for_programs};
use crate::workspace::Workspace;
use modeldeploy_compiler::diagnostic::Diagnostic;
use modeldeploy_compiler::manifest::is_remote;
use serde_json::json;
use std::path::PathBuf;

const EXAMPLES: &str = "\
Examples:
  cargo modeldeploy update                                every model to the newest compatible version of its range
  cargo modeldeploy update query-encoder
  cargo modeldeploy update query-encoder --precise 1.2.0  this version, compatible or not; on a hub a revision";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The models; without any all that come from a registry or a hub
    models: Vec<String>,
    /// The version or revision to go to; it must be in the manifest's range
    #[arg(long, value_name = "VERSION", requires = "models")]
    precise: Option<String>,
    /// The manifest, if it is not that of the current folder
    #[arg(long, value_name = "PATH")]
    manifest_path: Option<PathBuf>,
}

pub(crate) fn run(args: &Args, output: &mut Output<'_>) -> Result<(), Failure> {
    let want = args.precise.as_deref().map_or(Want::Newest, Want::Precise);
    step(&args.models, want, args.manifest_path.as_deref(), output)
}

/// Moves pins, locks what they lead to and says what changes.
pub(crate) fn step(
    names: &[String],
    want: Want<'_>,
    manifest: Option<&std::path::Path>,
    output: &mut Output<'_>,
) -> Result<(), Failure> {
    let mut workspace = Workspace::find(manifest)?.models()?;
    let selected = workspace.select(names)?;
    let folders = selected.iter().filter(|(_, entry)| !is_remote(&entry.source));
    let folders: Vec<Diagnostic> = folders
        .map(|(_, entry)| {
            let message = format!("model `{}` comes from a folder, which has no versions", entry.name);
            Diagnostic::new(UNCHANGED, message)
                .at(&entry.place)
                .help("`cargo modeldeploy lock` locks what the folder has now")
        })
        .collect();
    if !names.is_empty() && !folders.is_empty() {
        return Err(folders.into());
    }
    let moved: Vec<String> =
        selected.iter().filter(|(_, entry)| is_remote(&entry.source)).map(|(_, entry)| entry.name.clone()).collect();
    if moved.is_empty() {
        output.note("no model comes from a registry or a hub");
        output.result("", json!([]))?;
        return Ok(());
    }
    let before = workspace.old_lock()?.unwrap_or_default();
    Governed::read(&workspace)?.manifests(&moved)?;
    sources::settle(&mut workspace, &moved, want, output)?;
    let report = lock::judged(&workspace, &moved, false, output)?;
    // Who goes back sees to the journal himself: what was gone back from must not stand before where one is.
    if !matches!(want, Want::Pin(_)) {
        sources::remember(&workspace, &before)?;
        sources::remember(&workspace, &report.lock)?;
    }
    let (mut lines, mut facts) = (vec![], vec![]);
    for name in &moved {
        let new = report.lock.model(name).expect("what was asked for is locked");
        match before.model(name) {
            Some(old) => {
                lines.push(changes_for_people(old, new, &report.lock));
                facts.push(changes_for_programs(old, new));
            }
            None => {
                lines.push(format!("{name} {}: locked for the first time", new.version));
                facts.push(json!({"name": name, "old": null, "new": {"version": new.version, "origin": new.origin}}));
            }
        }
    }
    output.step(if report.changed { "Locked" } else { "Fresh" }, workspace.lock_path().display());
    output.result(lines.join("\n"), &facts)?;
    Ok(())
}
