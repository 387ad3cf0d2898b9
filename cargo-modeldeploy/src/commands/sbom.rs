//! `sbom`: a bill of materials of a program, for tools that read such.

use super::audit;
use crate::exit::Failure;
use crate::output::Output;
use clap::ValueEnum;
use modeldeploy_audit::{cyclonedx, spdx};
use modeldeploy_compiler::diagnostic::{Code, Diagnostic};
use std::path::PathBuf;
use std::time::{Duration, UNIX_EPOCH};

/// `SOURCE_DATE_EPOCH` is no time.
const EPOCH: Code = Code("MD1007");

/// The time of a document, by which a build says when its sources are of: <https://reproducible-builds.org/specs/source-date-epoch/>.
const EPOCH_VARIABLE: &str = "SOURCE_DATE_EPOCH";

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
    let said = std::env::var(EPOCH_VARIABLE).unwrap_or_else(|_| "0".into());
    // Years of four digits end with the second 253402300799.
    let seconds = said.parse::<u64>().ok().filter(|&seconds| seconds <= 253_402_300_799);
    let time = seconds.map(|seconds| UNIX_EPOCH + Duration::from_secs(seconds));
    time.map(|time| humantime::format_rfc3339_seconds(time).to_string()).ok_or_else(|| {
        Diagnostic::new(EPOCH, format!("{EPOCH_VARIABLE} is no number of seconds since 1970: `{said}`"))
            .help("`git log -1 --format=%ct` gives that of a commit")
            .into()
    })
}
