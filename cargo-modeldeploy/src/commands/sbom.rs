//! `sbom`: a bill of materials of a program, for tools that read such.

use super::audit;
use crate::exit::Failure;
use crate::output::Output;
use modeldeploy_audit::cyclonedx;
use modeldeploy_format::Digest;
use std::path::PathBuf;

const EXAMPLES: &str = "\
Examples:
  cargo modeldeploy sbom target/release/shop > shop.cdx.json";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The program, proved as `audit` does; the result is CycloneDX 1.6 in JSON
    program: PathBuf,
}

pub(crate) fn run(args: &Args, output: &mut Output<'_>) -> Result<(), Failure> {
    let (program, audited) = audit::prove(&args.program)?;
    let name = args.program.file_name().unwrap_or(args.program.as_os_str()).to_string_lossy();
    let document = cyclonedx(&name, &Digest::of(program.bytes()), &audited);
    output.result(format_args!("{document:#}"), &document)?;
    Ok(())
}
