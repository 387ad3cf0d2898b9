//! `init`: prepares a workspace for models: the store is ignored by git, and the user learns what comes next.

use crate::exit::Failure;
use crate::output::Output;
use crate::workspace::Workspace;
use modeldeploy_compiler::diagnostic::{Code, Diagnostic};
use modeldeploy_compiler::store::write_atomically;
use modeldeploy_format::lock::STORE_FOLDER;
use std::path::PathBuf;

/// A file of the package cannot be read or written.
const FILE: Code = Code("MD0905");

const EXAMPLES: &str = "\
Examples:
  cargo modeldeploy init
  cargo modeldeploy init --manifest-path shop/Cargo.toml";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The manifest, if it is not that of the current folder
    #[arg(long, value_name = "PATH")]
    manifest_path: Option<PathBuf>,
}

pub(crate) fn run(args: &Args, output: &mut Output<'_>) -> Result<(), Failure> {
    let workspace = Workspace::find(args.manifest_path.as_deref())?;
    let path = workspace.root().join(".gitignore");
    let wrong = |error: std::io::Error| Diagnostic::new(FILE, error.to_string()).at(path.display().to_string());
    let mut text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(wrong(error).into()),
    };
    let line = format!("{STORE_FOLDER}/");
    let is_store = |known: &str| known.trim().trim_start_matches('/').trim_end_matches('/') == STORE_FOLDER;
    let changed = !text.lines().any(is_store);
    if changed {
        if !text.is_empty() && !text.ends_with('\n') {
            text.push('\n');
        }
        text.push_str(&line);
        text.push('\n');
        write_atomically(&path, text.as_bytes())?;
        output.step("Ignoring", format_args!("{line} in {}", path.display()));
    }
    output.note("`cargo modeldeploy add <folder> --name <name> --task embed` names a model next");
    output.result("", serde_json::json!({"gitignore": path, "changed": changed}))?;
    Ok(())
}
