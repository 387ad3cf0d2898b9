//! `provenance`: how a program was built, in SLSA's form, not signed.

use super::audit;
use crate::built::Origin;
use crate::exit::Failure;
use crate::output::Output;
use modeldeploy_compiler::diagnostic::{Code, Diagnostic};
use modeldeploy_format::Digest;
use serde_json::Value;
use std::path::PathBuf;

/// A program that does not say how it was built.
const SILENT: Code = Code("MD1118");

const EXAMPLES: &str = "\
Examples:
  cargo modeldeploy provenance target/release/shop > shop.provenance.json
  cargo modeldeploy provenance target/release/shop --builder https://ci.shop.example/runner/1";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The program, proved as `audit` does; the result is an in-toto statement of SLSA provenance v1, which `sign` signs
    program: PathBuf,
    #[command(flatten)]
    origin: Origin,
}

pub(crate) fn run(args: &Args, output: &mut Output<'_>) -> Result<(), Failure> {
    let (program, audited) = audit::prove_program(&args.program)?;
    let name = args.program.file_name().unwrap_or(args.program.as_os_str()).to_string_lossy();
    let Some(statement) = args.origin.statement(&name, Digest::of(program.bytes()), &audited, output)? else {
        return Err(Diagnostic::new(SILENT, "the program does not say how it was built")
            .at(args.program.display().to_string())
            .help("`cargo modeldeploy build --release` puts a bill into a program that has a model")
            .into());
    };
    let document: Value = serde_json::from_slice(&statement.to_bytes()).expect("a statement is JSON");
    output.result(format_args!("{document:#}"), &document)?;
    Ok(())
}
