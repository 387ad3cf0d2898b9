//! `audit`: which models are inside a program, proved without running it.

use crate::advisories;
use crate::audited;
use crate::exit::Failure;
use crate::output::Output;
use modeldeploy_audit::{Audit, Refusal, audit};
use modeldeploy_compiler::diagnostic::{Code, Diagnostic};
use modeldeploy_compiler::store::{Mapping, map};
use std::path::{Path, PathBuf};

/// A file that is no program, or one that cannot be read.
const UNREADABLE: Code = Code("MD1001");
/// A program whose parts do not match.
const ALTERED: Code = Code("MD1002");

const EXAMPLES: &str = "\
Examples:
  cargo modeldeploy audit target/release/shop
  cargo modeldeploy audit /usr/local/bin/shop --format json
  cargo modeldeploy audit shop --advisories advisory-db --deny-advisories";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The program: any ELF executable, stripped or not, of any processor
    program: PathBuf,
    /// A copy of RustSec's database of advisories; else one that `cargo audit` or `cargo deny` has left is used
    #[arg(long, value_name = "FOLDER")]
    advisories: Option<PathBuf>,
    /// Refuse a program with a crate of which there is an advisory
    #[arg(long)]
    deny_advisories: bool,
}

pub(crate) fn run(args: &Args, output: &mut Output<'_>) -> Result<(), Failure> {
    let (_, audited) = prove(&args.program)?;
    let shown = args.program.display().to_string();
    let crates = audited.crates.as_ref().map_or(&[][..], |crates| &crates.packages);
    let advisories = advisories::look_up(args.advisories.as_deref(), crates)?;
    let (mut human, mut facts) = (audited::human(&shown, &audited), audited::program(&audited));
    if let Some(advisories) = advisories.as_ref().filter(|_| audited.crates.is_some()) {
        human += "\n";
        human += &advisories.human();
        facts["advisories"] = advisories.program();
    }
    output.result(human, facts)?;
    if !args.deny_advisories {
        return Ok(());
    }
    match (&audited.crates, &advisories) {
        (Some(_), Some(advisories)) => advisories.deny(&shown),
        (None, _) => Err(unknown(
            "the program does not say which crates are in it",
            "`cargo modeldeploy build --release` of one package lists them",
        )
        .at(shown)
        .into()),
        (_, None) => Err(unknown(
            "there is no database of advisories here",
            "`git clone https://github.com/RustSec/advisory-db` and name it with `--advisories`",
        )
        .into()),
    }
}

/// What is to be denied cannot be known.
fn unknown(what: &str, help: &str) -> Diagnostic {
    Diagnostic::new(advisories::UNREADABLE, what).help(help)
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
