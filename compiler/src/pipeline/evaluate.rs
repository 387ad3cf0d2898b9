//! `eval`: any suite on a model's f32 reference and on its pack.

use super::derive::derive;
use super::engines::{PackEngine, ReferenceEngine};
use super::{Event, Progress, UNKNOWN, Workspace, rank, reuse};
use crate::diagnostic::Diagnostic;
use crate::eval::{self, Evaluation};
use crate::front::{LoadOptions, load};
use crate::passes;
use crate::store::Kind;
use crate::suite::Suite;
use modeldeploy_format::{Digest, Task};
use std::path::Path;

/// What was measured, and on what.
#[derive(Clone, Debug, PartialEq)]
pub struct Evaluated {
    /// The suite's path.
    pub suite: String,
    /// The pack's digest.
    pub pack: Digest,
    /// Whether that is the locked pack; else it was made for this.
    pub locked: bool,
    /// The figures.
    pub evaluation: Evaluation,
}

/// Runs a suite (that of the model's gate if none is given) on the model's f32 reference and on its pack: the locked one if the
/// lock is current, else one made now. Nothing is written.
///
/// # Errors
///
/// If there is no such model or suite, or the model cannot be loaded or run.
pub fn evaluate(
    workspace: &Workspace,
    name: &str,
    suite: Option<&Path>,
    progress: Progress<'_>,
) -> Result<Evaluated, Vec<Diagnostic>> {
    let one = |error: Diagnostic| vec![error];
    let selected = workspace.select(&[name.to_owned()])?;
    let (manifest, entry) = *selected.first().expect("a selected model is there");
    progress(Event::Begin(name));
    let path = match (suite, &entry.gate) {
        (Some(path), _) => path.to_owned(),
        (None, Some(gate)) => manifest.resolve(&gate.suite),
        (None, None) => {
            let help = "name a suite: `--suite eval/search.toml`";
            return Err(vec![Diagnostic::new(UNKNOWN, format!("`{name}` has no gate")).at(&entry.place).help(help)]);
        }
    };
    let suite = Suite::read(&path)?;
    let lock = workspace.old_lock().map_err(one)?.unwrap_or_default();
    let store = &workspace.store;
    let current = lock.model(name).filter(|model| reuse::is_current(manifest, entry, model, &lock.models, store));
    if entry.task == Task::Rank {
        let derived = rank::derive(manifest, entry, &lock.models, &|_, _, _| Ok(()), progress)?;
        let evaluation = rank::measure(&suite, &derived, progress)?;
        return Ok(Evaluated {
            suite: suite.shown,
            pack: Digest::of(&derived.pack),
            locked: current.is_some(),
            evaluation,
        });
    }
    let (pack, loaded) = match current {
        Some(model) => {
            progress(Event::Stage("Loading", 0, 0));
            let pack = workspace.store.get(&model.packs[0].digest, Kind::Pack).map_err(one)?;
            let options = LoadOptions { max_tokens: entry.max_tokens, ..LoadOptions::new(entry.task) };
            let mut loaded = load(&manifest.folder(entry).map_err(one)?, &options)?;
            passes::run(&mut loaded.graph);
            (pack, loaded)
        }
        None => {
            let derived = derive(manifest, entry, progress)?;
            (derived.pack, derived.loaded)
        }
    };
    let base = ReferenceEngine::new(&loaded.graph, &loaded.tokenizer, loaded.signature.max_tokens)?;
    let got = PackEngine::new(&pack).map_err(one)?;
    let heard = |done, total| progress(Event::Stage("Evaluating", done, total));
    let evaluation = eval::run(&suite, &loaded.signature, &base, &got, &heard)?;
    Ok(Evaluated { suite: suite.shown, pack: Digest::of(&pack), locked: current.is_some(), evaluation })
}
