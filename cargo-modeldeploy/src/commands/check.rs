//! `check`: cargo's own. The macro reads `Model.lock` alone, so nothing has to be made first.

use crate::cargo;
use crate::exit::Failure;
use crate::output::Output;
use crate::passed::Passed;
use serde_json::json;

const EXAMPLES: &str = "\
Examples:
  cargo modeldeploy check
  cargo modeldeploy check -p shop --tests
  cargo modeldeploy check --format json    what the compiler says as lines of JSON on stderr";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES, override_usage = "cargo modeldeploy check [OPTIONS] [CARGO ARGS]...")]
pub(crate) struct Args {
    #[command(flatten)]
    passed: Passed,
}

pub(crate) fn run(args: &Args, output: &mut Output<'_>) -> Result<(), Failure> {
    if !output.is_for_programs() {
        return cargo::call("check", args.passed.cargo(), None, args.passed.program());
    }
    let warnings = cargo::check(args.passed.cargo(), output)?;
    output.result("", json!({"checked": true, "warnings": warnings}))?;
    Ok(())
}
