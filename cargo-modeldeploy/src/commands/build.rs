//! `build`: makes the packs and indexes that the lock pins, calls cargo, and looks into the programs that come out.

use crate::attaching;
use crate::beside;
use crate::bill;
use crate::cargo::{self, Program};
use crate::embedded;
use crate::exit::Failure;
use crate::flags;
use crate::governed::Governed;
use crate::output::Output;
use crate::passed::Passed;
use crate::progress;
use crate::shipped::{Linking, Shipped, leaked};
use crate::weights;
use crate::workspace::Workspace;
use modeldeploy_compiler::diagnostic::{Code, Diagnostic};
use modeldeploy_compiler::pipeline;
use modeldeploy_compiler::store::{Store, map};
use modeldeploy_format::lock::{LINKED_AT_MOST, Lock};
use modeldeploy_image::of_static;
use serde_json::json;
use std::ffi::OsString;
use std::path::Path;

/// A program that was to be static and is not.
const NOT_STATIC: Code = Code("MD1201");

const EXAMPLES: &str = "\
Examples:
  cargo modeldeploy build
  cargo modeldeploy build --release -p shop
  cargo modeldeploy build --release --target x86_64-unknown-linux-gnu
  cargo modeldeploy build --static -p shop         runs in an empty root: target/<target>/release/shop
  cargo modeldeploy build --release --detached     packs stay files, in target/release/PROGRAM.packs";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES, override_usage = "cargo modeldeploy build [OPTIONS] [CARGO ARGS]...")]
pub(crate) struct Args {
    /// Link statically, so that the program needs nothing of the system it runs on; in release unless a profile is named
    #[arg(long = "static")]
    is_static: bool,
    #[command(flatten)]
    weights: weights::Wanted,
    #[command(flatten)]
    passed: Passed,
}

pub(crate) fn run(args: &Args, output: &mut Output<'_>) -> Result<(), Failure> {
    let weights = args.weights.asked(args.is_static || flags::ships(args.passed.cargo()))?;
    let linking = Linking { is_static: args.is_static, weights };
    let Built { programs, .. } = ship(args.passed.cargo(), linking, output)?;
    let shown: Vec<String> = programs.iter().map(|program| program.path.display().to_string()).collect();
    output.result("", json!({"programs": shown}))?;
    Ok(())
}

/// What was built, and of what.
pub(crate) struct Built {
    pub(crate) workspace: Workspace,
    pub(crate) programs: Vec<Program>,
}

/// Builds what `args`, which are cargo's, name.
pub(crate) fn ship(args: &[OsString], linking: Linking, output: &mut Output<'_>) -> Result<Built, Failure> {
    let prepared = prepare(args, output)?;
    let mut args = args.to_vec();
    if linking.is_static {
        prepared.make_static(&mut args)?;
    }
    let shipped = prepared.shipped(&args, linking, output)?;
    if shipped.is_some() && prepared.workspace.is_locked() && !flags::holds_crates(&args) {
        args.push("--locked".into());
    }
    let programs = compile(&args, &prepared, shipped.as_ref(), output)?;
    Ok(Built { workspace: prepared.workspace, programs })
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

    /// Adds to cargo's arguments what static linking needs: a profile that ships, and a target.
    fn make_static(&self, args: &mut Vec<OsString>) -> Result<(), Failure> {
        if !flags::has_profile(args) {
            args.insert(0, "--release".into());
        }
        if !flags::ships(args) {
            let message = "a static program is one to be shipped, and this profile is for development";
            return Err(Diagnostic::new(NOT_STATIC, message).help("leave out `--profile`, or name another").into());
        }
        // Without one, cargo would link what runs while it builds statically, too, and macros cannot be.
        let is_said = !flags::values(args, "--target").is_empty() || std::env::var_os("CARGO_BUILD_TARGET").is_some();
        if !is_said {
            args.insert(0, format!("--target={}", bill::host(&self.workspace)?).into());
        }
        Ok(())
    }

    /// How cargo builds with `args` what is to be shipped and has models, or is to be static.
    pub(crate) fn shipped(
        &self,
        args: &[OsString],
        linking: Linking,
        output: &mut Output<'_>,
    ) -> Result<Option<Shipped>, Failure> {
        if self.lock.models.is_empty() && !linking.is_static {
            return Ok(None);
        }
        Shipped::new(&self.workspace, &self.lock, args, linking, output)
    }
}

/// Makes what the lock pins; a workspace without models is cargo's alone. `args` are cargo's, among which `--manifest-path` may be.
pub(crate) fn prepare(args: &[OsString], output: &mut Output<'_>) -> Result<Prepared, Failure> {
    let workspace = Workspace::find(flags::values(args, "--manifest-path").first().map(Path::new))?;
    let models = workspace.models()?;
    if models.is_bare() {
        return Ok(Prepared { workspace, lock: Lock::default() });
    }
    // Without a lock, or with one that is stale, the pipeline says more.
    if let Ok(Some(lock)) = models.old_lock() {
        Governed::read(&models)?.lock(&lock)?;
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
        output.step("Setting", shipped.said(args));
    }
    let programs = cargo::build(args, shipped, prepared.workspace.packages())?;
    let store = Store::beside(prepared.workspace.root());
    let mut wrong: Vec<Diagnostic> = vec![];
    for program in &programs {
        let linked = map(&program.path)?;
        if shipped.is_some_and(Shipped::is_static)
            && let Err(error) = of_static(linked.bytes())
        {
            wrong.push(not_static(&program.path, &error));
        }
        // Nothing attached has a path of this machine in it.
        let folders = shipped.into_iter().flat_map(Shipped::folders);
        if let Some(folder) = leaked(linked.bytes(), folders) {
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

/// Why a program does not run in an empty root.
pub(crate) fn not_static(program: &Path, error: &modeldeploy_image::Error) -> Diagnostic {
    Diagnostic::new(NOT_STATIC, format!("the program does not run in an empty root: {error}"))
        .at(program.display().to_string())
        .help("`rustflags` under `target` in cargo's configuration hide those of `--static`: add `-Ctarget-feature=+crt-static` there")
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
