//! `clean`: drops from the store what the lock does not name.

use crate::exit::Failure;
use crate::figures;
use crate::output::Output;
use crate::workspace::Workspace;
use modeldeploy_compiler::diagnostic::Diagnostic;
use modeldeploy_compiler::pipeline;
use modeldeploy_compiler::store::{IO, Kind};
use serde_json::json;
use std::path::PathBuf;

const EXAMPLES: &str = "\
Examples:
  cargo modeldeploy clean          keeps what Model.lock names
  cargo modeldeploy clean --all    everything: `build` makes it again from the models' folders";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Drop what the lock names, too
    #[arg(long)]
    all: bool,
    /// The manifest, if it is not that of the current folder
    #[arg(long, value_name = "PATH")]
    manifest_path: Option<PathBuf>,
}

pub(crate) fn run(args: &Args, output: &mut Output<'_>) -> Result<(), Failure> {
    let workspace = Workspace::find(args.manifest_path.as_deref())?.models()?;
    let mut waited = false;
    let _hold = workspace.store.hold(|| waited = true)?;
    // Read once the store is held: a `lock` that this waited for has written another.
    let keep = if args.all { vec![] } else { locked(&workspace)? };
    if waited {
        output.note("another build had the store; this one waited for it");
    }
    let others = workspace.store.others(&keep)?;
    let mut wrong = vec![];
    for (path, _) in &others {
        if let Err(error) = std::fs::remove_file(path) {
            wrong.push(
                Diagnostic::new(IO, format!("a file of the store cannot be removed: {error}"))
                    .at(path.display().to_string()),
            );
        }
    }
    if !wrong.is_empty() {
        return Err(wrong.into());
    }
    let bytes: u64 = others.iter().map(|(_, bytes)| bytes).sum();
    output.step("Removed", format_args!("{}, {}", figures::count(others.len(), "file"), figures::bytes(bytes)));
    output.result("", json!({"files": others.len(), "bytes": bytes}))?;
    Ok(())
}

/// Every file that the lock names.
fn locked(workspace: &pipeline::Workspace) -> Result<Vec<PathBuf>, Failure> {
    let store = &workspace.store;
    let lock = workspace.old_lock()?.unwrap_or_default();
    let of_model = lock.models.iter().flat_map(|model| {
        let packs = model.packs.iter().map(|pack| store.path(&pack.digest, Kind::Pack));
        packs.chain([store.path(&model.compressed, Kind::Compressed), store.path(&model.golden, Kind::Golden)])
    });
    Ok(of_model.chain(lock.indexes.iter().map(|index| store.path(&index.digest, Kind::Index))).collect())
}
