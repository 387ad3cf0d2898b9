//! `sbom`: a bill of materials of a program, for tools that read such.

use super::audit::{self, Proved};
use crate::exit::Failure;
use crate::output::Output;
use modeldeploy_audit::cyclonedx;
use std::path::PathBuf;

const EXAMPLES: &str = "\
Examples:
  cargo modeldeploy sbom target/release/shop > shop.cdx.json";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The program, or an image that starts one, proved as `audit` does; the result is CycloneDX 1.6 in JSON
    program: PathBuf,
}

pub(crate) fn run(args: &Args, output: &mut Output<'_>) -> Result<(), Failure> {
    let Proved { digest, audit, .. } = audit::prove(&args.program)?;
    let name = args.program.file_name().unwrap_or(args.program.as_os_str()).to_string_lossy();
    let document = cyclonedx(&name, &digest, &audit);
    output.result(format_args!("{document:#}"), &document)?;
    Ok(())
}
