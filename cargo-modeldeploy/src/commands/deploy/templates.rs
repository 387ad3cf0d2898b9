//! `deploy templates`: which there are, and their texts to begin one's own from.

use super::number::failure;
use crate::exit::Failure;
use crate::output::Output;
use modeldeploy_deploy::Templates;
use serde_json::json;
use std::path::PathBuf;

const EXAMPLES: &str = "\
A template of one's own goes before the one of its name inside; what is not to change is deleted again.

Examples:
  cargo modeldeploy deploy templates
  cargo modeldeploy deploy templates --write deploy/templates";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// A folder to write them to
    #[arg(long, value_name = "FOLDER")]
    write: Option<PathBuf>,
}

pub(crate) fn run(args: &Args, output: &mut Output<'_>) -> Result<(), Failure> {
    let names = match &args.write {
        Some(folder) => Templates::export(folder).map_err(|problem| failure([problem]))?,
        None => Templates::inside().map(|(name, _)| name.to_owned()).collect(),
    };
    if let Some(folder) = &args.write {
        output.step("Wrote", folder.display());
    }
    output.result(names.join("\n"), json!({"templates": names, "written": args.write}))?;
    Ok(())
}
