//! The pin before the one that is locked: from the store's journal, else from the locks that git has.

use super::{UNCHANGED, diagnostic};
use modeldeploy_compiler::diagnostic::Diagnostic;
use modeldeploy_compiler::pipeline::Workspace;
use modeldeploy_format::lock::{FILE_NAME, Lock};
use modeldeploy_registry::journal::Journal;
use modeldeploy_registry::{Pin, locked_pin};
use std::path::Path;
use std::process::Command;

/// How many locks of git's are looked at.
const LOCKS: &str = "100";

/// The pin of a model before `current`.
pub(crate) fn earlier_pin(workspace: &Workspace, model: &str, current: &Pin) -> Result<Pin, Diagnostic> {
    let journal = Journal::read(workspace.store.root()).map_err(diagnostic)?;
    if let Some(pin) = journal.before(model, current) {
        return Ok(pin.clone());
    }
    in_git(&workspace.root, model, current).ok_or_else(|| {
        Diagnostic::new(UNCHANGED, format!("no pin of `{model}` before the locked one is known"))
            .at(workspace.lock_path().display().to_string())
            .help(format!("`cargo modeldeploy update {model} --precise VERSION` goes to any version"))
    })
}

/// The last pin that differs, in the locks that were committed.
fn in_git(root: &Path, model: &str, current: &Pin) -> Option<Pin> {
    let git = |args: &[&str]| {
        let output = Command::new("git").current_dir(root).args(args).output().ok()?;
        output.status.success().then(|| String::from_utf8(output.stdout).ok()).flatten()
    };
    let commits = git(&["log", "--format=%H", "-n", LOCKS, "--", FILE_NAME])?;
    commits.lines().find_map(|commit| {
        let lock = Lock::parse(&git(&["show", &format!("{commit}:./{FILE_NAME}")])?).ok()?;
        let pin = locked_pin(lock.model(model)?)?;
        (pin.revision != current.revision || pin.tree != current.tree).then_some(pin)
    })
}
