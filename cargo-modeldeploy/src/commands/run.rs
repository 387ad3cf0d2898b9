//! `run`: what runs is what ships, so it builds in release unless told otherwise.

use super::build;
use crate::attaching;
use crate::cargo::{self, Program};
use crate::exit::Failure;
use crate::flags;
use crate::output::Output;
use crate::passed::Passed;
use crate::shipped::Linking;
use modeldeploy_compiler::diagnostic::{Code, Diagnostic};

/// Which program is meant cannot be left to cargo.
const SEVERAL: Code = Code("MD1403");

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
    let programs = build::compile(&cargo_args, &prepared, shipped.as_ref(), output)?;
    if let Some(program) = attached(&programs)? {
        return cargo::start(program, args.passed.program());
    }
    // All has been said by now, and nothing is left to build.
    let (_, again) = flags::message_formats(&flags::without_verbosity(&cargo_args));
    cargo::call("run", &[vec!["--quiet".into()], again].concat(), shipped.as_ref(), args.passed.program())
}

/// The program, if something was attached to it: cargo would start what it linked itself.
fn attached(programs: &[Program]) -> Result<Option<&Program>, Failure> {
    for program in programs {
        if attaching::was_done(&program.path)? {
            let [only] = programs else {
                let help = "name one with `--bin` or `--package`";
                let message = "several programs were built, and weights are attached to one of them";
                return Err(Diagnostic::new(SEVERAL, message).at(program.path.display().to_string()).help(help).into());
            };
            return Ok(Some(only));
        }
    }
    Ok(None)
}
