//! `audit`: which models are inside a program, proved without running it.

use crate::audited;
use crate::beside;
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
  cargo modeldeploy audit shop --packs /srv/packs    its packs are files in that folder";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The program: any ELF executable, stripped or not, of any processor
    program: PathBuf,
    /// The folder of a program's packs where they are files; without it the folder PROGRAM.packs, if it is there
    #[arg(long, value_name = "FOLDER")]
    packs: Option<PathBuf>,
}

pub(crate) fn run(args: &Args, output: &mut Output<'_>) -> Result<(), Failure> {
    let (_, audited) = prove(&args.program)?;
    let beside = beside::folder(&args.program);
    let folder = args.packs.clone().or_else(|| beside.is_dir().then_some(beside));
    let folder = folder.filter(|_| !audited.beside.is_empty());
    folder.as_ref().map_or(Ok(()), |folder| beside::prove_all(folder, &audited.beside))?;
    let shown = args.program.display().to_string();
    let proved = folder.as_deref();
    output.result(audited::human(&shown, &audited, proved), audited::program(&audited, proved))?;
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
