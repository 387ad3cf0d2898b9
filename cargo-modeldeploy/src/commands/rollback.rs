//! `rollback`: back to the pin that a model had before.

use super::update;
use crate::exit::Failure;
use crate::output::Output;
use crate::sources::{UNCHANGED, Want, diagnostic, earlier_pin, source};
use crate::workspace::Workspace;
use modeldeploy_compiler::diagnostic::Diagnostic;
use modeldeploy_registry::journal::Journal;
use modeldeploy_registry::{Source, locked_pin};
use semver::Version;
use std::path::PathBuf;

const EXAMPLES: &str = "\
Examples:
  cargo modeldeploy rollback query-encoder    a step back; once more, a step further back";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The model
    model: String,
    /// The manifest, if it is not that of the current folder
    #[arg(long, value_name = "PATH")]
    manifest_path: Option<PathBuf>,
}

pub(crate) fn run(args: &Args, output: &mut Output<'_>) -> Result<(), Failure> {
    let workspace = Workspace::find(args.manifest_path.as_deref())?.models()?;
    let names = std::slice::from_ref(&args.model);
    let selected = workspace.select(names)?;
    let (manifest, entry) = *selected.first().expect("a selected model is there");
    let current = workspace.lock()?.model(&args.model).and_then(locked_pin).ok_or_else(|| {
        let message = format!("model `{}` has no pin: it is not locked, or comes from a folder", args.model);
        Diagnostic::new(UNCHANGED, message)
            .at(&entry.place)
            .help("git has the older states of a folder and of Model.lock")
    })?;
    let pin = earlier_pin(&workspace, &args.model, &current)?;
    if let Source::Registry(reference) = source(manifest, entry)? {
        let version = pin.version.as_deref().and_then(|version| Version::parse(version).ok());
        if version.as_ref().is_none_or(|version| !reference.range.matches(version)) {
            let version = pin.version.unwrap_or_default();
            let message = format!(
                "the pin before was version {version}, which is not in the manifest's range `{}`",
                reference.range
            );
            let help = format!("write a range that has it, such as `@={version}`, and run it again");
            return Err(Diagnostic::new(UNCHANGED, message).at(&entry.place).help(help).into());
        }
    }
    update::step(names, Want::Pin(&pin), args.manifest_path.as_deref(), output)?;
    let mut journal = Journal::read(workspace.store.root()).map_err(diagnostic)?;
    journal.back_to(&args.model, &pin).map_err(diagnostic)?;
    Ok(())
}
