//! `sbom`: a bill of materials of a program, for tools that read such.

use super::audit;
use crate::dated;
use crate::exit::Failure;
use crate::output::Output;
use clap::ValueEnum;
use modeldeploy_audit::{cyclonedx, spdx};
use std::path::PathBuf;
use std::time::{Duration, UNIX_EPOCH};

const EXAMPLES: &str = "\
Examples:
  cargo modeldeploy sbom target/release/shop > shop.cdx.json
  SOURCE_DATE_EPOCH=$(git log -1 --format=%ct) cargo modeldeploy sbom --spec spdx target/release/shop > shop.spdx.json";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The program, or an image that starts one, proved as `audit` does
    program: PathBuf,
    /// The specification whose form the result has, in JSON
    #[arg(long, value_enum, default_value_t, value_name = "SPEC")]
    spec: Spec,
}

/// A form that others' tools read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Spec {
    /// CycloneDX 1.6
    #[default]
    Cyclonedx,
    /// SPDX 3.0.1, JSON-LD; its time is `SOURCE_DATE_EPOCH`, or else 1970, so that the same program has the same bill
    Spdx,
}

pub(crate) fn run(args: &Args, output: &mut Output<'_>) -> Result<(), Failure> {
    let proved = audit::prove(&args.program)?;
    let (digest, audit) = (proved.digest(), &proved.audit);
    let name = args.program.file_name().unwrap_or(args.program.as_os_str()).to_string_lossy();
    let document = match args.spec {
        Spec::Cyclonedx => cyclonedx(&name, &digest, audit),
        Spec::Spdx => spdx(&name, &digest, audit, &created()?),
    };
    output.result(format_args!("{document:#}"), &document)?;
    Ok(())
}

/// The time that a document has.
fn created() -> Result<String, Failure> {
    let time = UNIX_EPOCH + Duration::from_secs(dated::seconds()?);
    Ok(humantime::format_rfc3339_seconds(time).to_string())
}
