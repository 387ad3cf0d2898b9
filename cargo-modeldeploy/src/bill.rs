//! The bill that goes into a program that is built to be shipped: the lock, the toolchain, and the program's crates.
//!
//! The expansion of `#[model]` links the files that lie where `MODELDEPLOY_BILL` says. Their name has the digest of what is in them, so
//! that cargo builds anew what another bill goes into.

use crate::cargo::CARGO;
use crate::crates;
use crate::exit::Failure;
use crate::flags;
use crate::output::Output;
use crate::shipped::Linking;
use crate::workspace::Workspace;
use cargo_metadata::Package;
use modeldeploy_audit::{Bill, Toolchain, crates_section};
use modeldeploy_compiler::diagnostic::Diagnostic;
use modeldeploy_compiler::store::write_atomically;
use modeldeploy_format::Digest;
use modeldeploy_format::lock::Lock;
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Command;

/// Writes the files and gives their path without the endings. `args` are cargo's.
pub(crate) fn write(
    workspace: &Workspace,
    lock: &Lock,
    args: &[OsString],
    linking: Linking,
    output: &mut Output<'_>,
) -> Result<PathBuf, Failure> {
    let compiler = compiler(workspace)?;
    let selected = crates::selected(workspace, args);
    let crates = match &crates::programs(&selected)[..] {
        [program] => Some(crates_section(&crates::of(program, args, &compiler.host)?)),
        [] => None,
        several => {
            let names: Vec<&str> = several.iter().map(|package| package.name.as_str()).collect();
            output.note(format!(
                "programs of several packages are built at once ({}), so that none can list its crates: \
                 `--package` builds one",
                names.join(", ")
            ));
            None
        }
    };
    let profile = flags::profile(args).unwrap_or_else(|| "dev".into());
    let bill = Bill {
        lock: lock.clone(),
        arguments: [arguments(&selected, workspace.packages().len(), &profile, args), linking.arguments()].concat(),
        toolchain: Toolchain {
            rustc: compiler.version,
            host: compiler.host,
            modeldeploy: env!("CARGO_PKG_VERSION").into(),
            profile,
        },
        crates: crates.as_deref().map(Digest::of),
    };
    let bytes = bill.encode();
    let path = workspace.target().join("modeldeploy").join(Digest::of(&bytes).hex());
    let files = [("bill", Some(&bytes)), ("dep-v0", crates.as_ref())];
    for (ending, bytes) in files.into_iter().filter_map(|(ending, bytes)| Some((ending, bytes?))) {
        let path = path.with_extension(ending);
        if !std::fs::read(&path).is_ok_and(|there| there == *bytes) {
            write_atomically(&path, bytes)?;
        }
    }
    Ok(path)
}

/// What `build` is asked for to make the same program again. Which packages are built together decides on the features of what they share.
fn arguments(selected: &[&Package], packages: usize, profile: &str, args: &[OsString]) -> Vec<String> {
    let mut arguments = vec![format!("--profile={profile}")];
    if selected.len() == packages && packages > 1 {
        arguments.push("--workspace".into());
    } else {
        let mut names: Vec<String> = selected.iter().map(|package| format!("--package={}", package.name)).collect();
        names.sort_unstable();
        arguments.extend(names);
    }
    arguments.extend(flags::deciding(args));
    arguments
}

/// A compiler.
pub(crate) struct Compiler {
    /// What it says of itself first.
    pub(crate) version: String,
    /// The target that it runs on.
    pub(crate) host: String,
}

/// The system that cargo compiles on here, as a target.
pub(crate) fn host(workspace: &Workspace) -> Result<String, Failure> {
    compiler(workspace).map(|compiler| compiler.host)
}

/// What cargo compiles with here, in its own words.
pub(crate) fn compiler(workspace: &Workspace) -> Result<Compiler, Failure> {
    let program = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let said = Command::new(&program).arg("-vV").current_dir(workspace.root()).output();
    let said = said.ok().filter(|said| said.status.success());
    let said = said.and_then(|said| String::from_utf8(said.stdout).ok()).unwrap_or_default();
    let (version, host) = (said.lines().next(), said.lines().find_map(|line| line.strip_prefix("host: ")));
    match (version, host) {
        (Some(version), Some(host)) => Ok(Compiler { version: version.into(), host: host.into() }),
        _ => Err(Diagnostic::new(CARGO, "the compiler does not say its version")
            .at(program.to_string_lossy())
            .help("install Rust from https://rustup.rs, or set RUSTC to the program's path")
            .into()),
    }
}
