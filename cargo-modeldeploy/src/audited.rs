//! What an audit found, for people and for programs.

use crate::believed::Believed;
use crate::figures::{bytes, count};
use auditable_serde::DependencyKind;
use modeldeploy_audit::{Audit, Bill, Held};
use modeldeploy_format::Digest;
use modeldeploy_format::lock::{LockedIndex, LockedModel};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

/// A few lines for each model.
/// Packs that are files beside the program were proved where they lie in the folder `proved`.
pub(crate) fn human(shown: &str, audit: &Audit, proved: Option<&Path>, signed: &Believed) -> String {
    let mut text = format!("{shown} ({})", audit.architecture);
    if audit.held.is_empty() && audit.beside.is_empty() {
        text += "\n  holds no model: none is linked into it, and a dev build maps its models when it runs";
    }
    audit.models().for_each(|held| text += &model(held, audit.network(held)));
    audit.indexes().for_each(|held| text += &index(held));
    if let Some(Bill { toolchain, arguments, .. }) = &audit.bill {
        let _ = write!(
            text,
            "\nbuilt by {} on {}, cargo-modeldeploy {}, {}",
            toolchain.rustc,
            toolchain.host,
            toolchain.modeldeploy,
            arguments.join(" ")
        );
    } else if !audit.held.is_empty() || !audit.beside.is_empty() {
        for held in audit.held.iter().chain(&audit.beside) {
            let _ = write!(text, "\n  a pack or index of {}, {}", bytes(held.size), held.digest);
        }
        text += "\nits bytes have these digests; nothing says what they are, for cargo alone built it: \
                 `cargo modeldeploy build --release` adds a bill";
    }
    if let Some(crates) = &audit.crates {
        let (inside, building) = crates_of(audit);
        let root = crates.packages.iter().find(|package| package.root);
        let root = root.map(|root| format!(" of {} {}", root.name, root.version)).unwrap_or_default();
        let _ = write!(text, "\n{}{root}, and {building} that build it", count(inside, "crate"));
    }
    for pack in &audit.beside {
        let _ = write!(text, "\noutside: the pack {}, {}", pack.digest, bytes(pack.size));
    }
    match (audit.beside.is_empty(), proved) {
        (true, _) => {}
        (false, Some(folder)) => {
            let _ = write!(text, "\nthe packs outside lie in {} with these digests", folder.display());
        }
        (false, None) => text += "\nthe packs outside were not looked at: `--packs FOLDER` proves them",
    }
    if audit.bill.is_some() {
        let all = audit.beside.is_empty() || proved.is_some();
        let what = if all { "every byte of its models" } else { "every byte inside" };
        let _ = write!(text, "\n{what} is as locked; {}", signed.said());
    } else if !matches!(signed, Believed::Unsigned) {
        let _ = write!(text, "\n{}", signed.said());
    }
    text
}

fn model(model: &LockedModel, network: Option<&str>) -> String {
    let LockedModel { name, version, license, source, signature, space, recipe, gate, packs, .. } = model;
    let license = license.as_deref().unwrap_or("no licence is stated");
    let mut text = format!(
        "\n{name} {version}\n  {}, {} outputs, {} tokens at most\n  licence  {license}\n  source   {source}",
        signature.task, signature.outputs, signature.max_tokens
    );
    if let Some(network) = network {
        let _ = write!(text, "\n  network  {network}");
    }
    for pack in packs {
        let _ = write!(text, "\n  pack     {}, {}", pack.digest, bytes(pack.size));
    }
    let _ = write!(text, "\n  space    {space}\n  recipe   {}", pairs(recipe));
    match gate {
        Some(gate) => {
            let _ = write!(text, "\n  gate     {} {} of {} in f32", gate.metric, gate.got, gate.base);
            let _ = write!(text, "\n           asked: {}; found: {}", pairs(&gate.thresholds), pairs(&gate.figures));
            let _ = write!(text, "\n           suite {}", gate.suite);
        }
        None => text += "\n  gate     none was asked for",
    }
    text
}

fn index(index: &LockedIndex) -> String {
    let LockedIndex { name, model, rows, width, size, digest, source, .. } = index;
    format!(
        "\n{name} (index)\n  {rows} vectors of {width} by {model}\n  source   {source}\n  file     {digest}, {}",
        bytes(*size)
    )
}

fn pairs(pairs: &BTreeMap<String, String>) -> String {
    pairs.iter().map(|(name, value)| format!("{name} {value}")).collect::<Vec<_>>().join(", ")
}

/// How many are inside, and how many were needed to build alone.
fn crates_of(audit: &Audit) -> (usize, usize) {
    let packages = audit.crates.iter().flat_map(|crates| &crates.packages);
    let (inside, building): (Vec<_>, Vec<_>) = packages.partition(|package| package.kind == DependencyKind::Runtime);
    (inside.len(), building.len())
}

/// The same facts, all of them.
pub(crate) fn program(audit: &Audit, proved: Option<&Path>, signed: &Believed) -> Value {
    let models: Vec<&LockedModel> = audit.models().collect();
    let indexes: Vec<&LockedIndex> = audit.indexes().collect();
    let known = |digest: &Digest| {
        let packs = models.iter().flat_map(|model| &model.packs).map(|pack| &pack.digest);
        packs.chain(indexes.iter().map(|index| &index.digest)).any(|known| known == digest)
    };
    let unnamed = audit.held.iter().chain(&audit.beside).filter(|held| !known(&held.digest));
    let packs = |held: &Held| json!({"digest": held.digest, "size": held.size});
    json!({
        "architecture": audit.architecture,
        "models": models,
        "networks": models.iter().map(|model| audit.network(model)).collect::<Vec<_>>(),
        "indexes": indexes,
        "unnamed": unnamed.map(packs).collect::<Vec<_>>(),
        "outside": {"packs": audit.beside.iter().map(packs).collect::<Vec<_>>(), "proved_in": proved},
        "toolchain": audit.bill.as_ref().map(|bill| &bill.toolchain),
        "arguments": audit.bill.as_ref().map(|bill| &bill.arguments),
        "crates": audit.crates.as_ref().map(|crates| &crates.packages),
        "signatures": signed.facts(),
    })
}
