//! `verify`: a program is what its sources make.

use super::audit;
use crate::exit::Failure;
use crate::output::Output;
use crate::rebuild::rebuild;
use serde_json::json;
use std::path::PathBuf;

const EXAMPLES: &str = "\
Examples:
  cargo modeldeploy verify target/release/shop --rebuild
  cargo modeldeploy verify /usr/local/bin/shop --rebuild --folder /tmp/again";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The program, proved as `audit` does
    program: PathBuf,
    /// Build it again from the sources of this workspace, in a fresh folder, and compare every byte
    #[arg(long)]
    rebuild: bool,
    /// Where to build; it must be new or empty, and is kept
    #[arg(long, value_name = "FOLDER", requires = "rebuild")]
    folder: Option<PathBuf>,
}

pub(crate) fn run(args: &Args, output: &mut Output<'_>) -> Result<(), Failure> {
    let (program, audited) = audit::prove_program(&args.program)?;
    let digest = rebuild(&args.program, &program, &audited, args.folder.as_deref(), output)?;
    let shown = args.program.display().to_string();
    output.result(
        format_args!("{shown} was built again from these sources: the same {} bytes, {digest}", program.bytes().len()),
        json!({"program": shown, "digest": digest, "rebuilt": true}),
    )?;
    Ok(())
}
