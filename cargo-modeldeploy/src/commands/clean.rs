//! `clean`: drops from the store what no lock names.

use crate::exit::Failure;
use crate::figures;
use crate::output::Output;
use crate::progress;
use crate::workspace::Workspace;
use modeldeploy_compiler::pipeline;
use serde_json::json;
use std::path::PathBuf;

const EXAMPLES: &str = "\
Examples:
  cargo modeldeploy clean          keeps what Model.lock names, and the locks of workspaces that share the store
  cargo modeldeploy clean --all    also what Model.lock names: `build` makes it again from the models' folders";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Drop what this workspace's lock names, too
    #[arg(long)]
    all: bool,
    /// The manifest, if it is not that of the current folder
    #[arg(long, value_name = "PATH")]
    manifest_path: Option<PathBuf>,
}

pub(crate) fn run(args: &Args, output: &mut Output<'_>) -> Result<(), Failure> {
    let workspace = Workspace::find(args.manifest_path.as_deref())?.models()?;
    let cleaned = progress::during(output, |progress| pipeline::clean(&workspace, args.all, progress))?;
    let files = figures::count(cleaned.files, "file");
    output.step("Removed", format_args!("{files}, {}", figures::bytes(cleaned.bytes)));
    output.result("", json!({"files": cleaned.files, "bytes": cleaned.bytes}))?;
    Ok(())
}
