//! `remove`: takes a model, and the indexes that it makes, out of the manifest that names them.

use crate::exit::Failure;
use crate::output::Output;
use crate::workspace::Workspace;
use modeldeploy_compiler::diagnostic::Diagnostic;
use modeldeploy_compiler::manifest::{UNREADABLE, remove_model};
use modeldeploy_compiler::store::write_atomically;
use serde_json::json;
use std::path::PathBuf;

const EXAMPLES: &str = "\
Examples:
  cargo modeldeploy remove query-encoder";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The model's name
    name: String,
    /// The manifest, if it is not that of the current folder
    #[arg(long, value_name = "PATH")]
    manifest_path: Option<PathBuf>,
}

pub(crate) fn run(args: &Args, output: &mut Output<'_>) -> Result<(), Failure> {
    let workspace = Workspace::find(args.manifest_path.as_deref())?.models()?;
    let found = workspace.select(std::slice::from_ref(&args.name))?;
    let (manifest, _) = found.first().expect("a selected model is there");
    let (path, shown) = (&manifest.path, manifest.path.display().to_string());
    let text = std::fs::read_to_string(path)
        .map_err(|error| Diagnostic::new(UNREADABLE, format!("the manifest cannot be read: {error}")).at(&shown))?;
    let (text, indexes) = remove_model(&text, &shown, &args.name)?;
    write_atomically(path, text.as_bytes())?;
    output.step("Removed", format_args!("model `{}` from {shown}", args.name));
    indexes.iter().for_each(|index| output.step("Removed", format_args!("index `{index}`, which it made")));
    output.note("`cargo modeldeploy lock` brings Model.lock up to date");
    output.result("", json!({"removed": args.name, "indexes": indexes, "manifest": shown}))?;
    Ok(())
}
