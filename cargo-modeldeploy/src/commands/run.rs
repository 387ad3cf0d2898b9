//! `run`: what runs is what ships, so it builds in release unless told otherwise.

use super::build;
use crate::cargo;
use crate::exit::Failure;
use crate::flags;
use crate::output::Output;
use crate::passed::Passed;
use crate::shipped::Linking;

const EXAMPLES: &str = "\
Examples:
  cargo modeldeploy run -p product-search
  cargo modeldeploy run -p product-search -- --listen 127.0.0.1:9000
  cargo modeldeploy run --dev -p product-search    the dev profile: weights are mapped from the store";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES, override_usage = "cargo modeldeploy run [OPTIONS] [CARGO ARGS]... [-- PROGRAM ARGS...]")]
pub(crate) struct Args {
    /// Build with cargo's dev profile
    #[arg(long)]
    dev: bool,
    #[command(flatten)]
    passed: Passed,
}

pub(crate) fn run(args: &Args, output: &mut Output<'_>) -> Result<(), Failure> {
    let prepared = build::prepare(args.passed.cargo(), output)?;
    let mut cargo_args = args.passed.cargo().to_vec();
    if !args.dev && !flags::has_profile(&cargo_args) {
        cargo_args.insert(0, "--release".into());
    }
    let shipped = prepared.shipped(&cargo_args, Linking::default(), output)?;
    build::compile(&cargo_args, &prepared, shipped.as_ref(), output)?;
    // All has been said by now, and nothing is left to build.
    let (_, again) = flags::message_formats(&flags::without_verbosity(&cargo_args));
    cargo::call("run", &[vec!["--quiet".into()], again].concat(), shipped.as_ref(), args.passed.program())
}
