//! `audit`: which models are inside a program, proved without running it.

use crate::audited;
use crate::believed::{believed, beside, trusted};
use crate::exit::Failure;
use crate::output::Output;
use modeldeploy_audit::{Audit, Refusal, audit};
use modeldeploy_compiler::diagnostic::{Code, Diagnostic};
use modeldeploy_compiler::store::{Mapping, map};
use modeldeploy_format::Digest;
use std::path::{Path, PathBuf};

/// A file that is no program, or one that cannot be read.
const UNREADABLE: Code = Code("MD1001");
/// A program whose parts do not match.
const ALTERED: Code = Code("MD1002");

const EXAMPLES: &str = "\
Examples:
  cargo modeldeploy audit target/release/shop
  cargo modeldeploy audit /usr/local/bin/shop --format json
  cargo modeldeploy audit target/release/shop --key keys/release.pub    and who has signed it";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The program: any ELF executable, stripped or not, of any processor
    program: PathBuf,
    /// A public key whose signature of it is trusted; without any, those of modeldeploy.toml
    #[arg(long = "key", value_name = "PUB")]
    keys: Vec<PathBuf>,
    /// The file of its signatures, if not the one beside it
    #[arg(long, value_name = "PATH")]
    signature: Option<PathBuf>,
}

pub(crate) fn run(args: &Args, output: &mut Output<'_>) -> Result<(), Failure> {
    let (program, audited) = prove(&args.program)?;
    let path = args.signature.clone().unwrap_or_else(|| beside(&args.program));
    let signed = believed(&path, || Digest::of(program.bytes()), &trusted(&args.keys, None)?)?;
    let shown = args.program.display().to_string();
    output.result(audited::human(&shown, &audited, &signed), audited::program(&audited, &signed))?;
    Ok(())
}

/// A program, and what it says of its models, proved.
pub(crate) fn prove(path: &Path) -> Result<(Mapping, Audit), Failure> {
    let program = map(path)?;
    let audited = audit(program.bytes()).map_err(|refusal| {
        let (code, help) = match refusal {
            Refusal::Unreadable(_) => (UNREADABLE, "name the program itself, as cargo or a package left it"),
            Refusal::Altered(_) => (ALTERED, "do not run it: get it again from where it was built, or build it again"),
        };
        Diagnostic::new(code, refusal.to_string()).at(path.display().to_string()).help(help)
    })?;
    Ok((program, audited))
}
