//! What a program that cargo linked awaits is attached to it, from the store.

use crate::figures::bytes;
use crate::output::Output;
use modeldeploy_attach::{Source, attach, is_attached};
use modeldeploy_compiler::diagnostic::{Code, Diagnostic};
use modeldeploy_compiler::store::{Kind, Store, map};
use modeldeploy_format::Digest;
use std::path::Path;

/// A program to which nothing can be attached.
const NOT_ATTACHED: Code = Code("MD1402");

/// Attaches what the program awaits, if it awaits something.
///
/// # Errors
///
/// If it cannot be had or the program cannot be written anew; it is as cargo left it then, and does not start.
pub(crate) fn to(program: &Path, store: &Store, output: &mut Output<'_>) -> Result<(), Diagnostic> {
    let find = |digest: &Digest| {
        let kind = [Kind::Pack, Kind::Index].into_iter().find(|kind| store.has(digest, *kind))?;
        let division = store.division(digest).filter(|_| kind == Kind::Pack);
        Some(Source { path: store.path(digest, kind), division })
    };
    let attached = attach(program, find).map_err(|wrong| {
        Diagnostic::new(NOT_ATTACHED, format!("the weights cannot be attached to the program: {wrong}"))
            .at(wrong.path.display().to_string())
            .help(
                "`cargo modeldeploy build --release` again, once that is mended; until then the program does not start",
            )
    })?;
    if let Some(attached) = attached {
        output.step("Attached", format_args!("{} to {}", bytes(attached.size), program.display()));
    }
    Ok(())
}

/// Whether something was attached to the program at this path.
pub(crate) fn was_done(program: &Path) -> Result<bool, Diagnostic> {
    Ok(is_attached(map(program)?.bytes()))
}
