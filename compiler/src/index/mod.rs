//! Indexes: the vectors of a file of texts, made by the same pack that answers at run time.

use crate::compress::Precision;
use crate::compress::quantize::{Int8Matrix, int8_rows};
use crate::diagnostic::{Code, Diagnostic};
use crate::emit::panels::{quad_panels, sums};
use crate::eval::{Engine, Text};
use crate::manifest::{IndexEntry, Manifest};
use crate::pipeline::{Event, OTHER_BYTES, PackEngine, Progress, Workspace, derived};
use crate::records::{self, Problems, Template, TextFile};
use crate::store::Kind;
use modeldeploy_format::lock::{Lock, LockedIndex, LockedModel};
use modeldeploy_format::pack::Aligned;
use modeldeploy_format::{Digest, Task, index as file};
use std::collections::BTreeMap;
use std::fmt::Display;

/// An index that does not fit its model.
pub const MISFIT: Code = Code("MD0708");

/// Texts that are run together.
const CHUNK: usize = 64;

/// The lock's entries of all indexes; those that have changed are made.
///
/// # Errors
///
/// Everything that is wrong with their files or their models.
pub(crate) fn lock(
    workspace: &Workspace,
    lock: &Lock,
    before: &Lock,
    progress: Progress<'_>,
) -> Result<Vec<LockedIndex>, Vec<Diagnostic>> {
    let (mut locked, mut errors) = (vec![], vec![]);
    for (manifest, entry) in workspace.indexes() {
        let made = || -> Result<LockedIndex, Vec<Diagnostic>> {
            let (model, source) = parts(manifest, entry, lock)?;
            let current = before.index(&entry.name).filter(|old| {
                old.manifest == entry.digest
                    && old.space == model.space
                    && old.source_digest == source.digest
                    && before.model(&entry.model).is_some_and(|before| before.packs == model.packs)
                    && workspace.store.get(&old.digest, Kind::Index).is_ok()
            });
            if let Some(current) = current {
                return Ok(LockedIndex { package: manifest.package.clone(), ..current.clone() });
            }
            progress(Event::Begin(&entry.name));
            let (bytes, index) = make_locked(manifest, entry, model, &stored(workspace, model)?, &source, progress)?;
            workspace.store.put(&bytes, Kind::Index).map_err(|error| vec![error])?;
            Ok(index)
        };
        match made() {
            Ok(index) => locked.push(index),
            Err(more) => errors.extend(more),
        }
    }
    if errors.is_empty() { Ok(locked) } else { Err(errors) }
}

/// Makes the indexes of the lock that the store does not have, and says which.
///
/// # Errors
///
/// If one comes out other than it is locked, or its file has changed.
pub(crate) fn build(
    workspace: &Workspace,
    lock: &Lock,
    progress: Progress<'_>,
) -> Result<Vec<String>, Vec<Diagnostic>> {
    let stale = stale(workspace, lock)?;
    if !stale.is_empty() {
        let said = stale.into_iter().map(|(place, said)| {
            let help = "`cargo modeldeploy lock` brings Model.lock up to date";
            Diagnostic::new(crate::pipeline::STALE, said).at(place).help(help)
        });
        return Err(said.collect());
    }
    let mut made = vec![];
    for (manifest, entry) in workspace.indexes() {
        let index = lock.index(&entry.name).expect("the lock is not stale");
        if workspace.store.mapped(&index.digest, Kind::Index).is_ok() {
            continue;
        }
        progress(Event::Begin(&entry.name));
        let (model, source) = parts(manifest, entry, lock)?;
        let (bytes, _) = make(entry, model, &stored(workspace, model)?, &source, progress)?;
        let digest = Digest::of(&bytes);
        if digest != index.digest {
            let message = format!("index `{}` comes out as {digest}, which is not the locked one", entry.name);
            let help = "another version of modeldeploy made the lock, or it was edited: `cargo modeldeploy lock` makes it anew";
            return Err(vec![Diagnostic::new(OTHER_BYTES, message).at(&entry.place).help(help)]);
        }
        workspace.store.put(&bytes, Kind::Index).map_err(|error| vec![error])?;
        made.push(entry.name.clone());
    }
    Ok(made)
}

/// The indexes whose files or models are not as locked: where, and what.
///
/// # Errors
///
/// If a file cannot be read.
pub(crate) fn stale(workspace: &Workspace, lock: &Lock) -> Result<Vec<(String, String)>, Vec<Diagnostic>> {
    let mut stale = vec![];
    for (manifest, entry) in workspace.indexes() {
        let (model, source) = parts(manifest, entry, lock)?;
        let said = match lock.index(&entry.name) {
            None => "is not locked",
            Some(index) if index.manifest != entry.digest => "is locked with other settings than its manifest has",
            Some(index) if index.source_digest != source.digest => {
                "was made of another file than the one that is there"
            }
            Some(index) if index.space != model.space => "was made by another version of its model",
            Some(_) => continue,
        };
        stale.push((entry.place.clone(), format!("index `{}` {said}", entry.name)));
    }
    Ok(stale)
}

/// The indexes that come out other than they are locked, made anew by `packs`, which are by their models' names: where, and
/// what. Of a model that was not made again, the store's pack is what came out before; if `fresh`, each index is made.
///
/// # Errors
///
/// If one cannot be made.
pub(crate) fn differing(
    workspace: &Workspace,
    lock: &Lock,
    packs: &BTreeMap<String, Option<Aligned>>,
    fresh: bool,
    progress: Progress<'_>,
) -> Result<Vec<(String, String)>, Vec<Diagnostic>> {
    let mut differing = vec![];
    for (manifest, entry) in workspace.indexes() {
        let (Some(pack), Some(index)) = (packs.get(&entry.model), lock.index(&entry.name)) else { continue };
        let has_file = || workspace.store.mapped(&index.digest, Kind::Index).is_ok();
        if !fresh && derived::is_noted_index(&workspace.store, index) && has_file() {
            continue;
        }
        progress(Event::Begin(&entry.name));
        let (model, source) = parts(manifest, entry, lock)?;
        let pack = match pack {
            Some(pack) => pack,
            None => &stored(workspace, model)?,
        };
        let (_, now) = make_locked(manifest, entry, model, pack, &source, progress)?;
        let said = differences(index, &now);
        if said.is_empty() {
            derived::note_index(&workspace.store, index);
        }
        differing.extend(said.into_iter().map(|said| (entry.place.clone(), said)));
    }
    Ok(differing)
}

/// What differs between two entries of an index. One is taken apart whole, so that no field can be forgotten.
fn differences(old: &LockedIndex, new: &LockedIndex) -> Vec<String> {
    let LockedIndex { name, package, model, space, manifest, source, source_digest, rows, width, size, digest } = old;
    let fields: [(&str, &dyn Display, &dyn Display); 10] = [
        ("package", package, &new.package),
        ("model", model, &new.model),
        ("space", space, &new.space),
        ("manifest's entry", manifest, &new.manifest),
        ("source", source, &new.source),
        ("source's digest", source_digest, &new.source_digest),
        ("rows", rows, &new.rows),
        ("width", width, &new.width),
        ("size", size, &new.size),
        ("digest", digest, &new.digest),
    ];
    let fields = fields.into_iter().map(|(what, old, new)| (what, old.to_string(), new.to_string()));
    fields
        .filter(|(_, old, new)| old != new)
        .map(|(what, old, new)| format!("the index `{name}` is not as locked: its {what} was {old}, now {new}"))
        .collect()
}

/// The vectors of an index, and its entry in the lock.
fn make_locked(
    manifest: &Manifest,
    entry: &IndexEntry,
    model: &LockedModel,
    pack: &[u8],
    source: &TextFile,
    progress: Progress<'_>,
) -> Result<(Vec<u8>, LockedIndex), Vec<Diagnostic>> {
    let (bytes, rows) = make(entry, model, pack, source, progress)?;
    let index = LockedIndex {
        name: entry.name.clone(),
        package: manifest.package.clone(),
        model: entry.model.clone(),
        space: model.space,
        manifest: entry.digest,
        source: entry.source.clone(),
        source_digest: source.digest,
        rows,
        width: model.signature.outputs,
        size: bytes.len() as u64,
        digest: Digest::of(&bytes),
    };
    Ok((bytes, index))
}

/// The pack of a locked model.
fn stored(workspace: &Workspace, model: &LockedModel) -> Result<Aligned, Vec<Diagnostic>> {
    let pack = model.packs.first().expect("a lock's models have packs");
    workspace.store.get(&pack.digest, Kind::Pack).map_err(|error| vec![error])
}

fn parts<'l>(
    manifest: &Manifest,
    entry: &IndexEntry,
    lock: &'l Lock,
) -> Result<(&'l LockedModel, TextFile), Vec<Diagnostic>> {
    let misfit = |message: String, help: String| vec![Diagnostic::new(MISFIT, message).at(&entry.place).help(help)];
    let Some(model) = lock.model(&entry.model) else {
        let names: Vec<&str> = lock.models.iter().map(|model| model.name.as_str()).collect();
        let help = match crate::section::nearest(&entry.model, names.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("there are {}", crate::section::list(&names)),
        };
        return Err(misfit(
            format!("index `{}` names the model `{}`, which is not there", entry.name, entry.model),
            help,
        ));
    };
    if model.signature.task != Task::Embed {
        let message =
            format!("`{}` does `{}`, and only models that do `embed` make indexes", model.name, model.signature.task);
        return Err(misfit(message, "name another model".into()));
    }
    let source = TextFile::read(&manifest.resolve(&entry.source), &entry.place).map_err(|error| vec![error])?;
    Ok((model, source))
}

fn make(
    entry: &IndexEntry,
    model: &LockedModel,
    pack: &[u8],
    source: &TextFile,
    progress: Progress<'_>,
) -> Result<(Vec<u8>, u32), Vec<Diagnostic>> {
    let misfit = |message: String, help: &str| vec![Diagnostic::new(MISFIT, message).at(&entry.place).help(help)];
    let template = Template::parse(&entry.text)
        .map_err(|why| misfit(why, "write keys in braces: text = \"{title}, {category}\""))?;
    let mut problems = Problems::default();
    let documents = records::documents(source, &entry.id, &template, &mut problems);
    let documents = problems.or(documents)?;
    if documents.is_empty() {
        return Err(misfit(format!("`{}` has no texts", source.shown), "put one JSON object on each line"));
    }
    let name = entry.prompt.as_ref().or(model.signature.default_prompt.as_ref());
    let prompt = match name {
        None => "",
        Some(name) => match model.signature.prompts.iter().find(|(known, _)| known == name) {
            Some((_, text)) => text,
            None => return Err(misfit(format!("`{}` has no prompt `{name}`", model.name), "remove `prompt`")),
        },
    };
    let one = |error: Diagnostic| vec![error];
    let engine = PackEngine::new(pack).map_err(one)?;
    let mut values = Vec::with_capacity(documents.len() * model.signature.outputs as usize);
    for (at, chunk) in documents.chunks(CHUNK).enumerate() {
        let texts: Vec<Text> =
            chunk.iter().map(|it| Text { text: format!("{prompt}{}", it.text), pair: None }).collect();
        values.extend(engine.run(&texts).map_err(one)?.into_iter().flatten());
        progress(Event::Stage("Indexing", (at * CHUNK + chunk.len()).min(documents.len()), documents.len()));
    }
    let ids: Vec<&str> = documents.iter().map(|document| document.id.as_str()).collect();
    let rows = u32::try_from(ids.len()).expect("a file in memory has fewer than 2^32 lines");
    let width = model.signature.outputs;
    let bytes = match entry.precision {
        Precision::Int8 if width > file::MAX_INT8_WIDTH => {
            let message = format!("vectors of {width} values are too wide for int8");
            return Err(misfit(message, "remove `quantize`"));
        }
        Precision::Int8 => int8(&model.space, width, &ids, &values),
        _ => file::write(&model.space, width, &ids, file::Values::F32(&values)),
    };
    Ok((bytes, rows))
}

/// An index of eight bits a value: each row with a scale of its own, in the order in which the int8 product reads.
fn int8(space: &Digest, width: u32, ids: &[&str], values: &[f32]) -> Vec<u8> {
    let columns = width as usize;
    let Int8Matrix { codes, scales } = int8_rows(values, columns);
    let codes: Vec<u8> = codes.into_iter().map(i8::cast_unsigned).collect();
    let packed = quad_panels(&codes, ids.len(), columns).into_iter().map(u8::cast_signed).collect::<Vec<i8>>();
    let codes = file::Codes { panels: &packed, scales: &scales, sums: &sums(&codes, columns) };
    file::write(space, width, ids, file::Values::Int8(codes))
}
