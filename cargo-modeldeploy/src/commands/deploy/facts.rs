//! What is deployed: the lock's models of a package, or those that a program proves to hold, with what their memory plans say.

use super::number::failure;
use crate::commands::audit;
use crate::exit::Failure;
use crate::output::Output;
use crate::workspace::Workspace;
use cargo_metadata::Package;
use modeldeploy_compiler::diagnostic::Diagnostic;
use modeldeploy_compiler::emit::{BAD_PACK, arena_bytes};
use modeldeploy_compiler::pipeline;
use modeldeploy_compiler::store::Kind;
use modeldeploy_deploy::facts::{BATCH_TEXTS, BATCH_TOKENS, Facts, Model, Program};
use modeldeploy_deploy::{Kind as Wrong, Layout, Problem};
use modeldeploy_format::lock::{Lock, LockedModel};
use modeldeploy_format::{Artifact, Digest};
use std::path::Path;

/// Reads the lock and the store, and the program where one is named.
pub(super) fn read(
    workspace: &Workspace,
    package: &Package,
    program: Option<&Path>,
    output: &mut Output<'_>,
) -> Result<Facts, Failure> {
    let models = workspace.models()?;
    let lock = models.old_lock()?.unwrap_or_default();
    if lock.models.is_empty() {
        output.note("no model is locked here: `cargo modeldeploy lock` pins those of the manifest");
    }
    let (locked, indexes, program) = match program {
        Some(path) => proved(path, &lock)?,
        None => {
            let (locked, indexes) = of_package(&lock, package.name.as_str(), output);
            (locked, indexes, None)
        }
    };
    let described: Vec<Result<Model, Diagnostic>> = locked.iter().map(|model| describe(&models, model)).collect();
    let (described, wrong): (Vec<_>, Vec<_>) = described.into_iter().partition(Result::is_ok);
    if !wrong.is_empty() {
        return Err(Failure::from(wrong.into_iter().filter_map(Result::err).collect::<Vec<_>>()));
    }
    Ok(Facts {
        package: package.name.to_string(),
        version: package.version.to_string(),
        models: described.into_iter().filter_map(Result::ok).collect(),
        indexes,
        program,
    })
}

/// The models and bytes of indexes that the package itself has, or all where it has none: it may take them from another.
fn of_package(lock: &Lock, package: &str, output: &mut Output<'_>) -> (Vec<LockedModel>, u64) {
    let own = |name: &str| name == package;
    let has_own = lock.models.iter().any(|model| own(&model.package));
    if !has_own && !lock.models.is_empty() {
        output.note(format_args!(
            "package `{package}` has no models of its own: all of the lock are taken to be inside; `--program PATH` tells which are"
        ));
    }
    let models = lock.models.iter().filter(|model| !has_own || own(&model.package)).cloned().collect();
    let indexes = lock.indexes.iter().filter(|index| !has_own || own(&index.package)).map(|index| index.size).sum();
    (models, indexes)
}

type Proved = (Vec<LockedModel>, u64, Option<Program>);

/// Those that the program holds, which must be those of the lock.
fn proved(path: &Path, lock: &Lock) -> Result<Proved, Failure> {
    let (bytes, audited) = audit::prove_program(path)?;
    let inside: Vec<LockedModel> = audited.models().cloned().collect();
    let other = |model: &&LockedModel| lock.model(&model.name).is_none_or(|locked| locked.packs != model.packs);
    if let Some(model) = inside.iter().find(other) {
        let message =
            format!("the program holds the model `{}` {}, and the lock pins another", model.name, model.version);
        return Err(failure([Problem::new(Wrong::Drift, message)
            .at(path.display().to_string())
            .help("build it again: `cargo modeldeploy build --release`")]));
    }
    if inside.is_empty() && !audited.held.is_empty() {
        let problem = Problem::new(Wrong::Absent, "the program does not say which models it holds");
        return Err(failure([problem
            .at(path.display().to_string())
            .help("`cargo modeldeploy build --release` makes one that does")]));
    }
    let indexes = audited.indexes().map(|index| index.size).sum();
    let program = Program { digest: Digest::of(bytes.bytes()), size: bytes.bytes().len() as u64 };
    Ok((inside, indexes, Some(program)))
}

/// Whether an image holds the packs that are locked, by its labels; one that has none says nothing.
///
/// # Errors
///
/// Which model of it is another, or absent.
pub(super) fn agree(facts: &Facts, layout: &Layout) -> Result<(), Vec<Problem>> {
    let differs = |name: &str, what: String| {
        Problem::new(Wrong::Drift, format!("the model `{name}` in the image {what}"))
            .at(layout.digest.to_string())
            .help("make the image of what is locked: `cargo modeldeploy image`")
    };
    let other = facts.models.iter().filter_map(|model| match layout.models.get(&model.name) {
        Some(pack) if *pack == model.digest.to_string() => None,
        Some(pack) => Some(differs(&model.name, format!("is {pack}, and {} is locked", model.digest))),
        None if layout.models.is_empty() => None,
        None => Some(differs(&model.name, "is absent".to_owned())),
    });
    let strange = layout.models.keys().filter(|name| facts.models.iter().all(|model| model.name != **name));
    let strange = strange.map(|name| differs(name, "is not locked".to_owned()));
    let wrong: Vec<Problem> = other.chain(strange).collect();
    if wrong.is_empty() { Ok(()) } else { Err(wrong) }
}

/// A model with the memory that its pack's plan asks for in a service.
fn describe(workspace: &pipeline::Workspace, model: &LockedModel) -> Result<Model, Diagnostic> {
    let pack = &model.packs[0];
    let stored = workspace.store.get(&pack.digest, Kind::Pack).map_err(|error| {
        error.help("`cargo modeldeploy build` makes it from what is locked: its memory plan says what a replica needs")
    })?;
    let bad = |why: String| Diagnostic::new(BAD_PACK, why).at(format!("the pack of model `{}`", model.name));
    let artifact = Artifact::parse(&stored).map_err(|error| bad(error.to_string()))?;
    let tokens = BATCH_TOKENS.max(artifact.signature().max_tokens as usize);
    let arena =
        arena_bytes(&artifact, tokens, BATCH_TEXTS).map_err(|error| bad(format!("no session can run it: {error}")))?;
    Ok(Model {
        name: model.name.clone(),
        version: model.version.clone(),
        digest: pack.digest,
        size: pack.size,
        arena: arena as u64,
    })
}
