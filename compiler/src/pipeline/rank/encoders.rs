//! The encoders whose embeddings a ranker takes: models of the same lock, each of the space that the ranker is locked against.

use crate::diagnostic::Diagnostic;
use crate::features::SPECIFICATION;
use crate::front::LoadedRanker;
use crate::section::{list, nearest};
use modeldeploy_format::features::EmbeddingOf;
use modeldeploy_format::lock::LockedModel;
use modeldeploy_format::{Digest, Signature, Task};

/// The ranker with its embeddings in the spaces of the locked models that make them.
///
/// # Errors
///
/// Each embedding whose model is not locked, does not embed, or makes vectors of another width.
pub(super) fn in_spaces(loaded: LoadedRanker, locked: &[LockedModel]) -> Result<LoadedRanker, Vec<Diagnostic>> {
    let wrong = |feature: &str, of: &EmbeddingOf| -> Option<Diagnostic> {
        let EmbeddingOf { model, width, .. } = of;
        let (message, help) = match space(locked, of) {
            Ok(_) => return None,
            Err(Misfit::Absent) => {
                let names = locked.iter().filter(|it| it.signature.task == Task::Embed).map(|it| it.name.as_str());
                let names: Vec<&str> = names.collect();
                let help = match nearest(model, names.iter().copied()) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => {
                        let known = match names.is_empty() {
                            true => String::new(),
                            false => format!("; locked models that embed are {}", list(&names)),
                        };
                        format!(
                            "`cargo modeldeploy lock {model}` locks it where a manifest has it, and \
                             `cargo modeldeploy add FOLDER --name {model} --task embed` adds one{known}"
                        )
                    }
                };
                (format!("feature `{feature}` is an embedding of `{model}`, which is not locked"), help)
            }
            Err(Misfit::Task(task)) => {
                let message = format!("feature `{feature}` is an embedding of `{model}`, which does `{task}`");
                (message, "only models that do `embed` make embeddings: name another".to_owned())
            }
            Err(Misfit::Width(makes)) => {
                let message = format!(
                    "feature `{feature}` has {width} columns of the model, and `{model}` makes vectors of {makes} values"
                );
                (
                    message,
                    "name the encoder that this ranker was trained with, and all columns of its vector".to_owned(),
                )
            }
        };
        Some(Diagnostic::new(SPECIFICATION, message).at(&loaded.specification).help(help))
    };
    let features = &loaded.signature.features;
    let of = features.iter().filter_map(|feature| Some((&feature.name, feature.kind.embedding()?)));
    let errors: Vec<Diagnostic> = of.filter_map(|(name, of)| wrong(name, of)).collect();
    if !errors.is_empty() {
        return Err(errors);
    }
    Ok(loaded.in_spaces(|of| space(locked, of).unwrap_or(EmbeddingOf::UNLOCKED)))
}

/// Whether the spaces that a ranker was locked against are those that are locked.
pub(in crate::pipeline) fn are_as_locked(signature: &Signature, locked: &[LockedModel]) -> bool {
    signature.embeddings().all(|of| space(locked, of).is_ok_and(|space| space == of.space))
}

/// Why a model makes no embedding that a feature can be.
enum Misfit {
    Absent,
    Task(Task),
    Width(u32),
}

fn space(locked: &[LockedModel], of: &EmbeddingOf) -> Result<Digest, Misfit> {
    let model = locked.iter().find(|model| model.name == of.model).ok_or(Misfit::Absent)?;
    let Signature { task, outputs, .. } = model.signature;
    match task {
        Task::Embed if outputs == of.width => Ok(model.space),
        Task::Embed => Err(Misfit::Width(outputs)),
        task => Err(Misfit::Task(task)),
    }
}
