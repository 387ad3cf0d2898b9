//! How what is to be shipped is built: with its bill, and so that the same commit and toolchain give the same bytes in any folder, for any
//! user, on any number of cores.
//!
//! The compiler writes paths into panics and its symbols depend on how a crate was divided among cores; nothing else of the machine
//! reaches a program. `strip = true`, which is the user's to set, takes away what is left of debugging.

use crate::bill;
use crate::exit::Failure;
use crate::flags;
use crate::output::Output;
use crate::weights;
use crate::workspace::Workspace;
use memchr::memmem;
use modeldeploy_format::lock::Lock;
use modeldeploy_format::variables;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What separates the compiler's flags in `CARGO_ENCODED_RUSTFLAGS`.
const SEPARATOR: &str = "\x1f";

/// The compiler's flag that brings the C library in.
const STATIC: &str = "-Ctarget-feature=+crt-static";

/// How a program is put together, beyond what cargo's own arguments say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Linking {
    /// Whether nothing is left to be linked when it starts.
    pub(crate) is_static: bool,
    /// How weights get in, if somebody said it.
    pub(crate) weights: Option<&'static str>,
}

impl Linking {
    /// What `build` is asked for to do the same again.
    pub(crate) fn arguments(self) -> Vec<String> {
        let linked = self.is_static.then_some("--static");
        linked.into_iter().chain(self.weights.and_then(weights::flag)).map(str::to_owned).collect()
    }
}

/// What is set for cargo.
#[derive(Debug)]
pub(crate) struct Shipped {
    bill: PathBuf,
    profile: String,
    linking: Linking,
    /// Folders of this machine, and what they are called in the program. The last that matches counts.
    folders: Vec<(PathBuf, String)>,
}

impl Shipped {
    /// What is set where `args`, which are cargo's, build something to be shipped.
    pub(crate) fn new(
        workspace: &Workspace,
        lock: &Lock,
        args: &[OsString],
        linking: Linking,
        output: &mut Output<'_>,
    ) -> Result<Option<Shipped>, Failure> {
        let Some(profile) = flags::profile(args).filter(|_| flags::ships(args)) else { return Ok(None) };
        // Who cannot say it by a flag does by the variable, and the bill knows of it too.
        let linking = Linking { weights: linking.weights.or_else(weights::of_environment), ..linking };
        let bill = bill::write(workspace, lock, args, linking, output)?;
        let target = flags::values(args, "--target-dir").pop().map(PathBuf::from);
        let target = target.and_then(|folder| std::path::absolute(folder).ok());
        let mut folders: Vec<(PathBuf, String)> = vec![];
        for manifest in workspace.manifests_outside()? {
            let folder = manifest.parent().unwrap_or(&manifest);
            let name = folder.file_name().unwrap_or_default().to_string_lossy();
            folders.push((folder.to_owned(), format!("/outside/{name}")));
        }
        folders.extend([
            (workspace.root().to_owned(), "/workspace".to_owned()),
            (cargo_home(), "/cargo".to_owned()),
            (target.unwrap_or_else(|| workspace.target().to_owned()), "/target".to_owned()),
        ]);
        Ok(Some(Shipped { bill, profile, linking, folders }))
    }

    /// Whether nothing is left to be linked when it starts.
    pub(crate) fn is_static(&self) -> bool {
        self.linking.is_static
    }

    /// The folders of this machine that must not be in the program.
    pub(crate) fn folders(&self) -> impl Iterator<Item = &Path> {
        self.folders.iter().map(|(folder, _)| folder.as_path())
    }

    /// In the user's words; `args` are cargo's.
    pub(crate) fn said(&self, args: &[OsString]) -> String {
        let names: Vec<&str> = self.folders.iter().map(|(_, name)| name.as_str()).collect();
        let crates = if flags::holds_crates(args) { ", crates as Cargo.lock has them" } else { "" };
        let linked = if self.linking.is_static { ", linked statically" } else { "" };
        format!("one codegen unit, no incremental build, paths as {}{linked}{crates}", names.join(", "))
    }

    /// Sets all of it, before the subcommand's other arguments.
    pub(crate) fn set(&self, command: &mut Command) {
        command.env(variables::BILL, &self.bill);
        if let Some(weights) = self.linking.weights {
            command.env(variables::PLACE, weights);
        }
        for setting in ["codegen-units=1", "incremental=false"] {
            command.arg("--config").arg(format!("profile.{}.{setting}", self.profile));
        }
        let remap = |(folder, name): &(PathBuf, String)| format!("--remap-path-prefix={}={name}", folder.display());
        let linked = self.linking.is_static.then(|| STATIC.to_owned());
        let flags: Vec<String> = self.folders.iter().map(remap).chain(linked).collect();
        let encoded = std::env::var("CARGO_ENCODED_RUSTFLAGS").ok();
        let spaced =
            || std::env::var("RUSTFLAGS").ok().map(|it| it.split_whitespace().collect::<Vec<_>>().join(SEPARATOR));
        // The user's flags in the environment hide those of configurations; they are kept, and ours come after them.
        match encoded.or_else(spaced) {
            Some(theirs) => {
                let all = [&[theirs], &flags[..]].concat();
                let all: Vec<&str> = all.iter().map(String::as_str).filter(|flag| !flag.is_empty()).collect();
                command.env("CARGO_ENCODED_RUSTFLAGS", all.join(SEPARATOR));
            }
            None => {
                let list = serde_json::to_string(&flags).expect("a list of texts");
                command.arg("--config").arg(format!("build.rustflags={list}"));
            }
        }
    }
}

/// Cargo's own folder, where the sources of crates lie.
pub(crate) fn cargo_home() -> PathBuf {
    let set = std::env::var_os("CARGO_HOME").filter(|home| !home.is_empty()).map(PathBuf::from);
    set.unwrap_or_else(|| std::env::home_dir().unwrap_or_default().join(".cargo"))
}

/// The first of these folders whose path is in a program.
pub(crate) fn leaked<'f>(program: &[u8], mut folders: impl Iterator<Item = &'f Path>) -> Option<&'f Path> {
    folders.find(|folder| {
        let path = folder.as_os_str().as_encoded_bytes();
        // A short one, such as `/`, is everywhere.
        path.len() > 4 && memmem::find(program, path).is_some()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_in_a_program_is_found() {
        let folders = [Path::new("/folder/of/a/shop"), Path::new("/folder/of/a/.cargo"), Path::new("/")];
        let find = |program: &str| leaked(program.as_bytes(), folders.into_iter());
        assert_eq!(find("panicked at /folder/of/a/.cargo/registry/x.rs"), Some(folders[1]));
        assert_eq!(find("panicked at /workspace/src/main.rs"), None);
        assert_eq!(find(""), None);
    }
}
