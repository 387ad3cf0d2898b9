//! `run`: what runs is what ships, so it builds in release unless told otherwise.

use super::build;
use crate::cargo;
use crate::exit::Failure;
use crate::output::Output;
use crate::passed::Passed;

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
    let has_profile = cargo_args.iter().filter_map(|arg| arg.to_str());
    let has_profile =
        has_profile.into_iter().any(|arg| arg == "--release" || arg == "-r" || arg.starts_with("--profile"));
    if !args.dev && !has_profile {
        cargo_args.insert(0, "--release".into());
    }
    build::compile(&cargo_args, &prepared, output)?;
    cargo_args.insert(0, "--quiet".into());
    cargo::call("run", &cargo_args, args.passed.program())
}
