//! How a program was built, as SLSA's provenance has it: what the program says, with what the workspace around knows of its sources.

use crate::around;
use crate::exit::Failure;
use crate::output::Output;
use modeldeploy_audit::Audit;
use modeldeploy_compiler::diagnostic::{Code, Diagnostic};
use modeldeploy_format::Digest;
use modeldeploy_format::lock::{FILE_NAME, Lock};
use modeldeploy_trust::provenance::{Build, LOCAL_BUILDER, Source, statement};
use modeldeploy_trust::statement::Statement;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A program and a lock of different builds.
pub(crate) const BUILDS: Code = Code("MD1116");

/// What is said of a build beside what the program says itself.
#[derive(Debug, Default, clap::Args)]
pub(crate) struct Origin {
    /// The workspace that it was built in, whose Cargo.lock and commit are stated; without it the one around, if its lock is the program's
    #[arg(long, value_name = "FOLDER")]
    workspace: Option<PathBuf>,
    /// Who built it, as a URI that says whom one trusts
    #[arg(long, value_name = "URI")]
    builder: Option<String>,
    /// State the time too, so that the statement is another each time
    #[arg(long)]
    time: bool,
}

impl Origin {
    /// The statement; nothing for a program without a bill, of which nobody knows how it was built.
    pub(crate) fn statement(
        &self,
        name: &str,
        program: Digest,
        audit: &Audit,
        output: &mut Output<'_>,
    ) -> Result<Option<Statement>, Failure> {
        let Some(bill) = &audit.bill else { return Ok(None) };
        let folder = self.folder(&bill.lock, output)?;
        let cargo_lock = folder.as_ref().and_then(|folder| std::fs::read(folder.join("Cargo.lock")).ok());
        let source = folder.as_deref().and_then(source);
        if source.as_ref().is_some_and(|source| source.modified) {
            output.note("files differ from the commit, and the statement says so: what is built from it again may be another program");
        }
        let finished = self.time.then(|| modeldeploy_trust::timestamp(std::time::SystemTime::now()));
        let builder = self.builder.as_deref().unwrap_or(LOCAL_BUILDER);
        Ok(Some(of_program(name, program, audit, |build| Build {
            cargo_lock: cargo_lock.as_deref().map(Digest::of),
            source,
            builder,
            finished,
            ..build
        })))
    }

    /// The folder of the workspace that the program is of.
    fn folder(&self, lock: &Lock, output: &mut Output<'_>) -> Result<Option<PathBuf>, Failure> {
        let Some(folder) = self.workspace.clone().or_else(|| around::folder_with(FILE_NAME)) else { return Ok(None) };
        match (different(&folder.join(FILE_NAME), lock), &self.workspace) {
            (None, _) => Ok(Some(folder)),
            (Some(error), Some(_)) => Err(error.into()),
            (Some(error), None) => {
                output.note(format_args!(
                    "{}: neither Cargo.lock nor the commit of {} are stated",
                    error.message,
                    folder.display()
                ));
                Ok(None)
            }
        }
    }
}

/// What the program alone says of its build.
pub(crate) fn own_statement(name: &str, program: Digest, audit: &Audit) -> Option<Statement> {
    audit.bill.as_ref().map(|_| of_program(name, program, audit, |build| build))
}

fn of_program<'a>(
    name: &'a str,
    program: Digest,
    audit: &'a Audit,
    add: impl FnOnce(Build<'a>) -> Build<'a>,
) -> Statement {
    let bill = audit.bill.as_ref().expect("asked of programs with a bill alone");
    let root = audit.crates.as_ref().and_then(|crates| crates.packages.iter().find(|package| package.root));
    let inside = audit.models().map(|model| model.name.as_str());
    let inside = inside.chain(audit.indexes().map(|index| index.name.as_str())).collect();
    statement(&add(Build {
        name,
        program,
        lock: &bill.lock,
        inside,
        package: root.map(|root| (root.name.clone(), root.version.to_string())),
        arguments: &bill.arguments,
        rustc: &bill.toolchain.rustc,
        host: &bill.toolchain.host,
        modeldeploy: &bill.toolchain.modeldeploy,
        cargo_lock: None,
        source: None,
        builder: LOCAL_BUILDER,
        finished: None,
    }))
}

/// How the lock at `path` differs from the one that a program was built with; nothing where it does not.
pub(crate) fn different(path: &Path, built: &Lock) -> Option<Diagnostic> {
    let error = |message: String| {
        Diagnostic::new(BUILDS, message)
            .at(path.display().to_string())
            .help("build the program from this lock (`cargo modeldeploy build --release`), or name the lock that it was built from")
    };
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(why) => return Some(error(format!("the lock cannot be read: {why}"))),
    };
    let lock = match Lock::parse(&text) {
        Ok(lock) => lock,
        Err(why) => return Some(error(format!("it is no lock: {why}"))),
    };
    if lock == *built {
        return None;
    }
    let models = lock.models.iter().filter(|model| built.model(&model.name) != Some(*model)).map(|model| &model.name);
    let gone = built.models.iter().filter(|model| lock.model(&model.name).is_none()).map(|model| &model.name);
    let indexes = lock.indexes.iter().filter(|index| built.index(&index.name) != Some(*index)).map(|index| &index.name);
    let gone_indexes = built.indexes.iter().filter(|it| lock.index(&it.name).is_none()).map(|index| &index.name);
    let names: Vec<String> =
        models.chain(gone).chain(indexes).chain(gone_indexes).map(|name| format!("`{name}`")).collect();
    Some(error(format!("the program was built from another lock than this: they differ in {}", names.join(", "))))
}

/// The commit of a folder, where git knows it.
fn source(folder: &Path) -> Option<Source> {
    let git = |args: &[&str]| {
        let said =
            Command::new("git").args(args).current_dir(folder).output().ok().filter(|said| said.status.success())?;
        Some(String::from_utf8(said.stdout).ok()?.trim_end().to_owned())
    };
    Some(Source {
        commit: git(&["rev-parse", "HEAD"])?,
        modified: !git(&["status", "--porcelain", "--untracked-files=no"])?.is_empty(),
        repository: git(&["remote", "get-url", "origin"]).and_then(|url| public(&url)),
    })
}

/// The address of a repository without what is its user's alone: a password, a folder of this machine.
fn public(url: &str) -> Option<String> {
    let Some((scheme, rest)) = url.split_once("://") else {
        // `git@host:path`, as ssh has it.
        let (host, path) = url.split_once(':')?;
        return (host.contains('@') && !path.starts_with('/')).then(|| format!("ssh://{host}/{path}"));
    };
    if scheme == "file" {
        return None;
    }
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
    Some(format!("{scheme}://{host}/{path}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_says_nothing_of_who_fetched_it() {
        for (url, said) in [
            ("https://git.shop.example/shop.git", Some("https://git.shop.example/shop.git")),
            ("https://user:secret@git.shop.example/shop", Some("https://git.shop.example/shop")),
            ("https://token@git.shop.example", Some("https://git.shop.example/")),
            ("git@git.shop.example:team/shop.git", Some("ssh://git@git.shop.example/team/shop.git")),
            ("/srv/repositories/shop", None),
            ("../shop", None),
            ("file:///srv/repositories/shop", None),
        ] {
            assert_eq!(public(url).as_deref(), said, "{url}");
        }
    }
}
