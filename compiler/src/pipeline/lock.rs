//! `lock`: makes what has changed, measures it, refuses what is under its gate, and writes `Model.lock`.

use super::derived;
use super::made::make;
use super::{Event, Judge, Progress, Workspace, rank, reuse};
use crate::diagnostic::Diagnostic;
use crate::eval::Evaluation;
use crate::index;
use modeldeploy_format::Task;
use modeldeploy_format::lock::{Lock, LockedModel, VERSION};

/// What `lock` did.
#[derive(Clone, Debug, PartialEq)]
pub struct LockReport {
    /// The lock as it is now.
    pub lock: Lock,
    /// Whether its file was written.
    pub changed: bool,
    /// The models that were asked for, sorted by name.
    pub models: Vec<ModelReport>,
}

/// One model of a [`LockReport`].
#[derive(Clone, Debug, PartialEq)]
pub struct ModelReport {
    /// Its name.
    pub name: String,
    /// Whether it was kept as it was locked.
    pub kept: bool,
    /// The bytes of its source files.
    pub source_bytes: u64,
    /// What its suite measured, if it was run.
    pub evaluation: Option<Evaluation>,
}

/// Locks the models of these names, or all; models that no manifest names any more leave the lock. A `fresh` lock of all models keeps
/// nothing of the old one, which may then be broken. What `judge` refuses is an error like others.
///
/// # Errors
///
/// Everything that is wrong, of all models; the lock is then left as it was. A model under its gate is `MD0610`.
pub fn lock(
    workspace: &Workspace,
    names: &[String],
    fresh: bool,
    judge: Judge<'_>,
    progress: Progress<'_>,
) -> Result<LockReport, Vec<Diagnostic>> {
    let selected = workspace.select(names)?;
    let _hold = workspace.hold(progress).map_err(|error| vec![error])?;
    let old = match workspace.old_lock() {
        // Nothing of it is kept, so it need not be right.
        Err(_) if fresh && names.is_empty() => None,
        old => old.map_err(|error| vec![error])?,
    };
    let old = old.unwrap_or_default();
    let (mut locked, mut reports, mut errors) = (Vec::<LockedModel>::new(), Vec::<ModelReport>::new(), vec![]);
    // Encoders go before the rankers that take their embeddings.
    let mut models = workspace.models();
    models.sort_by_key(|(_, entry)| entry.task == Task::Rank);
    for (manifest, entry) in models {
        let before = old.model(&entry.name);
        // What was locked against another space is locked again, whoever is named.
        let is_misled = before.is_some_and(|before| !rank::are_as_locked(&before.signature, &locked));
        if !is_misled && !selected.iter().any(|(_, chosen)| chosen.name == entry.name) {
            locked.extend(before.cloned());
            continue;
        }
        progress(Event::Begin(&entry.name));
        let store = &workspace.store;
        let current = before.filter(|before| !fresh && reuse::is_current(manifest, entry, before, &locked, store));
        let made = match current {
            Some(model) => judge(manifest, entry, &model.files).map(|()| (model.clone(), None)),
            None => make(manifest, entry, &locked, judge, true, progress).and_then(|made| {
                made.put(store)?;
                Ok((made.model, made.evaluation))
            }),
        };
        let (model, evaluation) = match made {
            Ok(made) => made,
            Err(more) => {
                errors.extend(more);
                // So that no ranker is told that its encoder is absent, where that was locked before and has an error of its own now.
                locked.extend(before.cloned());
                continue;
            }
        };
        reports.push(ModelReport {
            name: model.name.clone(),
            kept: current.is_some(),
            source_bytes: model.files.iter().map(|file| file.size).sum(),
            evaluation,
        });
        locked.push(model);
    }
    if !errors.is_empty() {
        return Err(errors);
    }
    locked.sort_by(|a, b| a.name.cmp(&b.name));
    reports.sort_by(|a, b| a.name.cmp(&b.name));
    let mut lock = Lock { version: VERSION, models: locked, indexes: vec![] };
    lock.indexes = index::lock(workspace, &lock, &old, progress)?;
    let changed = workspace.write_lock(&lock).map_err(|error| vec![error])?;
    let made = reports.iter().filter(|report| !report.kept).filter_map(|report| lock.model(&report.name));
    made.for_each(|model| derived::note_model(&workspace.store, model));
    let made = lock.indexes.iter().filter(|index| old.index(&index.name) != Some(index));
    made.for_each(|index| derived::note_index(&workspace.store, index));
    Ok(LockReport { lock, changed, models: reports })
}
