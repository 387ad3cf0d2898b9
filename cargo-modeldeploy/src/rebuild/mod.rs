//! A program is built again, from a copy of its sources in a fresh folder, and compared byte for byte.
//!
//! The packs come from the store of the workspace, whose files are what their digests say; all else is compiled anew.

mod sources;

use crate::bill::compiler;
use crate::commands::build::prepare;
use crate::exit::Failure;
use crate::output::Output;
use crate::workspace::Workspace;
use modeldeploy_audit::{Audit, Bill, differences};
use modeldeploy_compiler::diagnostic::{Code, Diagnostic};
use modeldeploy_compiler::store::{Mapping, map};
use modeldeploy_format::{Digest, variables};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The program does not say what it was made of.
const NO_BILL: Code = Code("MD1003");
/// The sources here are others than those of the program, or the toolchain is.
const OTHER_SOURCES: Code = Code("MD1004");
/// The program that was built again is another.
const DIFFERS: Code = Code("MD1005");

/// Variables that would change what is built, or where.
const UNSET: [&str; 4] = ["CARGO_TARGET_DIR", "CARGO_BUILD_TARGET_DIR", "CARGO_BUILD_TARGET", "CARGO_MANIFEST_DIR"];

/// Builds the program at `path`, which `audited` was found in, again; in `folder`, which is kept, or in one of its own. Gives the
/// digest that both have.
pub(crate) fn rebuild(
    path: &Path,
    program: &Mapping,
    audited: &Audit,
    folder: Option<&Path>,
    output: &mut Output<'_>,
) -> Result<Digest, Failure> {
    let shown = path.display().to_string();
    let bill = audited.bill.as_ref().ok_or_else(|| {
        Diagnostic::new(NO_BILL, "the program does not say what it was made of, so that it cannot be made again")
            .at(&shown)
            .help("`cargo modeldeploy build --release` adds a bill to what has models")
    })?;
    let workspace = Workspace::find(None)?;
    same_sources(&shown, bill, &workspace)?;
    // What the lock pins is made here, where models lie, if it is not in the store yet.
    prepare(&[], output)?;
    let own;
    let folder = match folder {
        Some(folder) => empty(folder)?,
        None => {
            own = tempfile::Builder::new().prefix("modeldeploy-rebuild-").tempdir()?;
            own.path()
        }
    };
    let (root, files) = sources::copy(&workspace, folder)?;
    output.step("Copied", format_args!("{files} files to {}", root.display()));
    let target = folder.join("target");
    let again = build(&root, &target, &workspace, bill, path.file_name())?;
    let rebuilt = map(&again)?;
    compare(&shown, program, &again, &rebuilt)
}

/// A folder that is there and has nothing in it.
fn empty(folder: &Path) -> Result<&Path, Failure> {
    std::fs::create_dir_all(folder)?;
    if std::fs::read_dir(folder)?.next().is_none() {
        return Ok(folder);
    }
    Err(Diagnostic::new(OTHER_SOURCES, "the folder to build in is not empty, so that what is in it might be used")
        .at(folder.display().to_string())
        .help("name one that is new")
        .into())
}

/// Refuses where building could not give the same program: another lock, another toolchain.
fn same_sources(shown: &str, bill: &Bill, workspace: &Workspace) -> Result<(), Failure> {
    let mut wrong = vec![];
    let lock = workspace.models()?.lock()?;
    if lock != bill.lock {
        let theirs = bill.lock.models.iter().filter(|model| lock.model(&model.name) != Some(model));
        let mut names: Vec<String> = theirs.map(|model| format!("`{}` {}", model.name, model.version)).collect();
        if names.is_empty() {
            names.push("an index, or a model that the program's lock has not".into());
        }
        let message =
            format!("the program was made of another lock than the one here; they differ in {}", names.join(", "));
        wrong.push(
            Diagnostic::new(OTHER_SOURCES, message)
                .at(workspace.root().join("Model.lock").display().to_string())
                .help("`git checkout` the commit that the program was built from"),
        );
    }
    let here = compiler(workspace)?;
    let version = env!("CARGO_PKG_VERSION");
    for (what, theirs, ours, help) in [
        ("compiler", &bill.toolchain.rustc, here.version.as_str(), "install it with rustup, or set RUSTC to its path"),
        ("host", &bill.toolchain.host, here.host.as_str(), "build on such a machine"),
        ("cargo-modeldeploy", &bill.toolchain.modeldeploy, version, "install that version with `cargo install`"),
    ] {
        if theirs != ours {
            let message = format!("the program was built by another {what}: {theirs}; here is {ours}");
            wrong.push(Diagnostic::new(OTHER_SOURCES, message).at(shown).help(help));
        }
    }
    if wrong.is_empty() { Ok(()) } else { Err(wrong.into()) }
}

/// Calls this very command in the copy and gives the program of that name.
fn build(
    root: &Path,
    target: &Path,
    workspace: &Workspace,
    bill: &Bill,
    name: Option<&std::ffi::OsStr>,
) -> Result<PathBuf, Failure> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["modeldeploy", "--format=json", "build"]).args(&bill.arguments).arg("--target-dir").arg(target);
    UNSET.into_iter().chain(variables::OF_BUILDS).for_each(|variable| {
        command.env_remove(variable);
    });
    command.current_dir(root).env(variables::STORE, workspace.models()?.store.root()).stdout(Stdio::piped());
    let said = command.spawn()?.wait_with_output()?;
    if !said.status.success() {
        return Err(Failure::Cargo(said.status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(101)));
    }
    let said: Value = serde_json::from_slice(&said.stdout).unwrap_or_default();
    let programs = said["programs"].as_array().into_iter().flatten();
    let programs: Vec<PathBuf> = programs.filter_map(|path| path.as_str()).map(PathBuf::from).collect();
    let named = programs.iter().find(|path| path.file_name() == name);
    let found = named.or(if let [one] = &programs[..] { Some(one) } else { None });
    found.cloned().ok_or_else(|| {
        let names: Vec<_> = programs.iter().filter_map(|path| path.file_name()?.to_str()).collect();
        let name = name.unwrap_or_default().to_string_lossy();
        Diagnostic::new(OTHER_SOURCES, format!("the sources here make no program `{name}`, but {}", names.join(", ")))
            .at(root.display().to_string())
            .help("rename the file to what cargo called it")
            .into()
    })
}

fn compare(shown: &str, program: &Mapping, path: &Path, rebuilt: &Mapping) -> Result<Digest, Failure> {
    let (first, second) = (program.bytes(), rebuilt.bytes());
    let (digest, other) = (Digest::of(first), Digest::of(second));
    if digest == other {
        return Ok(digest);
    }
    let found = differences(first, second).map_err(|refusal| {
        Diagnostic::new(DIFFERS, format!("what was built again cannot be read: {refusal}"))
            .at(path.display().to_string())
    })?;
    let mut wrong = vec![Diagnostic::new(DIFFERS, format!("built again, the program is another: {other}, and not {digest}"))
        .at(shown)
        .help("`--folder` keeps what is built; if the sources are those of the program, it was altered or something decides on its bytes that they do not say")];
    wrong.extend(found.iter().map(|difference| Diagnostic::new(DIFFERS, difference.to_string()).at(shown)));
    Err(wrong.into())
}
