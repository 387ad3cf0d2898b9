//! `build`: makes the packs and indexes that the lock pins, calls cargo, and looks into the programs that come out.

use crate::attaching;
use crate::beside;
use crate::cargo::{self, Program};
use crate::embedded;
use crate::exit::Failure;
use crate::flags;
use crate::output::Output;
use crate::passed::Passed;
use crate::progress;
use crate::shipped::{Shipped, leaked};
use crate::weights;
use crate::workspace::Workspace;
use modeldeploy_compiler::diagnostic::Diagnostic;
use modeldeploy_compiler::pipeline;
use modeldeploy_compiler::store::{Store, map};
use modeldeploy_format::lock::{LINKED_AT_MOST, Lock};
use serde_json::json;
use std::ffi::OsString;
use std::path::Path;

const EXAMPLES: &str = "\
Examples:
  cargo modeldeploy build
  cargo modeldeploy build --release -p shop
  cargo modeldeploy build --release --target x86_64-unknown-linux-gnu
  cargo modeldeploy build --release --detached     packs stay files, in target/release/PROGRAM.packs";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES, override_usage = "cargo modeldeploy build [OPTIONS] [CARGO ARGS]...")]
pub(crate) struct Args {
    #[command(flatten)]
    weights: weights::Wanted,
    #[command(flatten)]
    passed: Passed,
}

pub(crate) fn run(args: &Args, output: &mut Output<'_>) -> Result<(), Failure> {
    let weights = args.weights.asked(args.passed.cargo())?;
    let prepared = prepare(args.passed.cargo(), output)?;
    let mut cargo_args = args.passed.cargo().to_vec();
    let shipped = prepared.shipped(&cargo_args, output)?.map(|shipped| shipped.with_weights(weights));
    let is_held = |flag: &OsString| flag == "--locked" || flag == "--frozen";
    if shipped.is_some() && prepared.workspace.is_locked() && !cargo_args.iter().any(is_held) {
        cargo_args.push("--locked".into());
    }
    let programs = compile(&cargo_args, &prepared, shipped.as_ref(), output)?;
    let shown: Vec<String> = programs.iter().map(|program| program.path.display().to_string()).collect();
    output.result("", json!({"programs": shown}))?;
    Ok(())
}

/// A workspace whose packs and indexes are in the store, if it has any.
pub(crate) struct Prepared {
    workspace: Workspace,
    lock: Lock,
}

impl Prepared {
    /// Whether what the lock pins is attached where nobody says anything.
    pub(crate) fn is_too_much_to_link(&self) -> bool {
        self.lock.bytes() > LINKED_AT_MOST
    }

    /// How cargo builds with `args` what is to be shipped and has models.
    pub(crate) fn shipped(&self, args: &[OsString], output: &mut Output<'_>) -> Result<Option<Shipped>, Failure> {
        if self.lock.models.is_empty() {
            return Ok(None);
        }
        Shipped::new(&self.workspace, &self.lock, args, output)
    }
}

/// Makes what the lock pins; a workspace without models is cargo's alone. `args` are cargo's, among which `--manifest-path` may be.
pub(crate) fn prepare(args: &[OsString], output: &mut Output<'_>) -> Result<Prepared, Failure> {
    let workspace = Workspace::find(flags::values(args, "--manifest-path").first().map(Path::new))?;
    let models = workspace.models()?;
    if models.is_bare() {
        return Ok(Prepared { workspace, lock: Lock::default() });
    }
    let built = progress::during(output, |progress| pipeline::build(&models, progress))?;
    if !built.made.is_empty() {
        output.step("Packed", built.made.join(", "));
    }
    Ok(Prepared { workspace, lock: built.lock })
}

/// Calls `cargo build` and compares the packs and indexes inside its programs with the lock.
pub(crate) fn compile(
    args: &[OsString],
    prepared: &Prepared,
    shipped: Option<&Shipped>,
    output: &mut Output<'_>,
) -> Result<Vec<Program>, Failure> {
    if let Some(shipped) = shipped {
        output.step("Setting", shipped.said());
    }
    let programs = cargo::build(args, shipped, prepared.workspace.packages())?;
    let store = Store::beside(prepared.workspace.root());
    let mut wrong: Vec<Diagnostic> = vec![];
    for program in &programs {
        // Nothing attached has a path of this machine in it.
        let folders = shipped.into_iter().flat_map(Shipped::folders);
        if let Some(folder) = leaked(map(&program.path)?.bytes(), folders) {
            output.note(format!(
                "{} has the path {} in it, so that it cannot be built the same elsewhere: its code asks for it, or the flags of \
                 `target` in cargo's configuration hide those that rename it",
                program.path.display(),
                folder.display()
            ));
        }
        match finish(program, &prepared.lock, &store, output) {
            Ok(note) => note.into_iter().for_each(|note| output.note(note)),
            Err(error) => wrong.push(error),
        }
    }
    if wrong.is_empty() { Ok(programs) } else { Err(wrong.into()) }
}

/// Brings in what the linker left out, and looks into the whole.
fn finish(
    program: &Program,
    lock: &Lock,
    store: &Store,
    output: &mut Output<'_>,
) -> Result<Option<String>, Diagnostic> {
    attaching::to(&program.path, store, output)?;
    let checked = embedded::check(program, lock)?;
    beside::lay(&program.path, &checked.beside, store)?;
    Ok(checked.note)
}
