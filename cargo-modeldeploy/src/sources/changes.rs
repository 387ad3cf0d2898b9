//! What a step from one locked model to another changes, as a person decides by it: signature, space, gate, size.

use crate::figures::bytes;
use modeldeploy_format::lock::{Lock, LockedModel};
use modeldeploy_registry::artifact::Facts;
use modeldeploy_registry::compatible::{Level, judge};
use serde_json::{Value, json};
use std::fmt::Write;

/// A few lines for people. `lock` is the new one, whose indexes are named.
pub(crate) fn human(old: &LockedModel, new: &LockedModel, lock: &Lock) -> String {
    let mut text = format!("{} {} → {}", new.name, version(old), version(new));
    if old.origin == new.origin && old == new {
        text.push_str(": nothing changes");
        return text;
    }
    let same = old.signature == new.signature;
    let _ = write!(text, "\n  signature  {}", if same { "the same" } else { "another" });
    let indexes: Vec<&str> =
        lock.indexes.iter().filter(|index| index.model == new.name).map(|index| index.name.as_str()).collect();
    let space = match (old.space == new.space, indexes.as_slice()) {
        (true, _) => "the same: stored vectors stay good".to_owned(),
        (false, []) => "another: vectors stored elsewhere must be made anew".to_owned(),
        (false, indexes) => {
            format!("another: the index {} was made anew; vectors stored elsewhere must be, too", indexes.join(", "))
        }
    };
    let _ = write!(text, "\n  space      {space}");
    let _ = write!(text, "\n  gate       {}", gates(old, new));
    let size = |model: &LockedModel| model.files.iter().map(|file| file.size).sum::<u64>();
    let pack = |model: &LockedModel| model.packs.iter().map(|pack| pack.size).sum::<u64>();
    let _ = write!(
        text,
        "\n  size       files {} → {}, pack {} → {}",
        bytes(size(old)),
        bytes(size(new)),
        bytes(pack(old)),
        bytes(pack(new))
    );
    for (level, reason) in reasons(old, new) {
        let _ = write!(text, "\n  {level}: {reason}");
    }
    text
}

/// The same for programs.
pub(crate) fn program(old: &LockedModel, new: &LockedModel) -> Value {
    let facts = |model: &LockedModel| {
        json!({
            "version": model.version,
            "origin": model.origin,
            "signature": model.signature,
            "space": model.space,
            "gate": model.gate,
            "files": model.files.iter().map(|file| file.size).sum::<u64>(),
            "pack": model.packs.iter().map(|pack| pack.size).sum::<u64>(),
        })
    };
    let reasons: Vec<Value> =
        reasons(old, new).into_iter().map(|(level, why)| json!({"level": level.to_string(), "why": why})).collect();
    json!({
        "name": new.name,
        "old": facts(old),
        "new": facts(new),
        "same-signature": old.signature == new.signature,
        "same-space": old.space == new.space,
        "reasons": reasons,
    })
}

/// A version, or the beginning of a commit.
fn version(model: &LockedModel) -> String {
    match &model.origin {
        Some(origin) if origin.version.is_none() => {
            format!("{} ({})", model.version, origin.revision.get(..12).unwrap_or(&origin.revision))
        }
        _ => model.version.clone(),
    }
}

fn gates(old: &LockedModel, new: &LockedModel) -> String {
    match (&old.gate, &new.gate) {
        (Some(old), Some(new)) if old.metric == new.metric => {
            let mut text = format!("{} {} → {}", new.metric, old.got, new.got);
            for (name, figure) in &new.figures {
                if let Some(was) = old.figures.get(name).filter(|was| *was != figure) {
                    let _ = write!(text, ", {name} {was} → {figure}");
                }
            }
            text
        }
        (_, Some(new)) => format!("{} {}; it had none before by that metric", new.metric, new.got),
        (Some(_), None) => "no longer asked for".into(),
        (None, None) => "none: nothing was measured".into(),
    }
}

/// Why a service could notice; files that differ are too many to list.
fn reasons(old: &LockedModel, new: &LockedModel) -> Vec<(Level, String)> {
    let (Ok(old), Ok(new)) = (Facts::of(old), Facts::of(new)) else { return vec![] };
    judge(&old, &new).reasons.into_iter().filter(|(level, _)| *level > Level::Patch).collect()
}
