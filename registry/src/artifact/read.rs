//! Reading a manifest that somebody else may have written: anything that is not a model with safe paths is an error.

use super::{
    ARTIFACT, CONFIG, FILE_PATH, Facts, GATE, LICENSES, MANIFEST, Manifest, RECIPE, SIGNATURE, SIGNATURE_DIGEST, SPACE,
    TITLE, VERSION,
};
use crate::error::{Error, Kind};
use modeldeploy_format::lock::LockedFile;
use modeldeploy_format::{Digest, Signature};
use semver::Version;
use serde::de::DeserializeOwned;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path};

/// The most files of a model.
const FILES: usize = 4096;

/// The longest path of a file.
const PATH: usize = 512;

/// Reads a manifest. `name` and `version` are those that it was asked for under, and which its annotations must not contradict.
///
/// # Errors
///
/// If it is no model's manifest, has paths that lead out of a folder or twice to one place, layers that are no plain files, or
/// annotations that contradict it.
pub fn parse(bytes: &[u8], name: &str, version: &Version) -> Result<Facts, Error> {
    read(bytes, name, version)
        .map_err(|what| Error::new(Kind::Lie, what).help("publish it again, or take another version"))
}

fn read(bytes: &[u8], name: &str, version: &Version) -> Result<Facts, String> {
    let manifest: Manifest =
        serde_json::from_slice(bytes).map_err(|error| format!("it is no OCI manifest: {error}"))?;
    if manifest.schema_version != 2 || !matches!(manifest.media_type.as_str(), "" | MANIFEST) {
        return Err(format!("it is no OCI manifest but `{}`", manifest.media_type));
    }
    if manifest.config.media_type != CONFIG {
        return Err(format!("it is no model: its configuration is of type `{}`", manifest.config.media_type));
    }
    if !matches!(manifest.artifact_type.as_str(), "" | ARTIFACT) {
        return Err(format!("it is no model but an artifact of type `{}`", manifest.artifact_type));
    }
    if manifest.layers.len() > FILES {
        return Err(format!("it has {} files, more than the {FILES} that a model may have", manifest.layers.len()));
    }
    let annotation = |key: &str| manifest.annotations.get(key);
    if let Some(stated) = annotation(VERSION)
        && Version::parse(stated).ok().as_ref() != Some(version)
    {
        return Err(format!("it says that it is version `{stated}`, and was asked for as {version}"));
    }
    let signature: Option<Signature> = optional(annotation(SIGNATURE), SIGNATURE)?;
    let signature = match signature {
        None => None,
        // Contradictions within a signature are found where packs find them.
        Some(signature) => Some(Signature::decode(&signature.encode())?),
    };
    if let (Some(signature), Some(stated)) = (&signature, annotation(SIGNATURE_DIGEST))
        && Digest::of(&signature.encode()).to_string() != *stated
    {
        return Err("its signature does not have the digest that stands beside it".into());
    }
    let space = annotation(SPACE).map(|space| space.parse().map_err(|error| format!("its space is {error}")));
    Ok(Facts {
        name: annotation(TITLE).map_or(name, String::as_str).to_owned(),
        version: version.clone(),
        license: annotation(LICENSES).cloned(),
        signature,
        space: space.transpose()?,
        recipe: optional::<BTreeMap<_, _>>(annotation(RECIPE), RECIPE)?.unwrap_or_default(),
        gate: optional(annotation(GATE), GATE)?,
        files: files(&manifest)?,
    })
}

fn optional<T: DeserializeOwned>(text: Option<&String>, key: &str) -> Result<Option<T>, String> {
    let read = text.map(|text| serde_json::from_str(text).map_err(|error| format!("its `{key}` is wrong: {error}")));
    read.transpose()
}

fn files(manifest: &Manifest) -> Result<Vec<LockedFile>, String> {
    let mut files = vec![];
    let mut total: u64 = 0;
    for layer in &manifest.layers {
        let path = layer.annotations.get(FILE_PATH).ok_or_else(|| format!("its layer {} has no path", layer.digest))?;
        if !is_inside(path) {
            return Err(format!("its path {path:?} is not within a model's folder"));
        }
        let of_model = layer.media_type.strip_prefix("application/vnd.cncf.model.");
        if !of_model.is_some_and(|kind| kind.ends_with(".raw")) {
            return Err(format!(
                "its file `{path}` is of type `{}`; only files as they are, `….v1.raw`, can be fetched",
                layer.media_type
            ));
        }
        total = total.checked_add(layer.size).ok_or("its sizes are impossible")?;
        files.push(LockedFile { path: path.clone(), size: layer.size, digest: layer.digest });
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    check_paths(&files)?;
    Ok(files)
}

/// Refuses two files of one path, and files that would have to be folders too.
pub(crate) fn check_paths(files: &[LockedFile]) -> Result<(), String> {
    let mut folders = BTreeSet::new();
    for file in files {
        folders.extend(file.path.match_indices('/').map(|(at, _)| &file.path[..at]));
    }
    let mut seen = BTreeSet::new();
    for file in files {
        if !seen.insert(file.path.as_str()) || folders.contains(file.path.as_str()) {
            return Err(format!("its path `{}` stands twice", file.path));
        }
    }
    Ok(())
}

/// Whether a path stays in the folder: relative, and only plain names in it, as they are written.
pub(crate) fn is_inside(path: &str) -> bool {
    let plain = Path::new(path).components().all(|part| matches!(part, Component::Normal(_)));
    let same = path.split('/').all(|part| !part.is_empty() && part != "." && part != "..");
    plain && same && path.len() <= PATH && !path.contains('\\') && !path.chars().any(char::is_control)
}

#[cfg(test)]
mod tests {
    use super::super::Artifact;
    use super::*;

    fn version() -> Version {
        Version::new(1, 2, 0)
    }

    fn facts() -> Facts {
        let file = |path: &str, text: &str| LockedFile {
            path: path.into(),
            size: text.len() as u64,
            digest: Digest::of(text.as_bytes()),
        };
        Facts {
            name: "encoder".into(),
            version: version(),
            license: Some("MIT".into()),
            signature: Some(Signature {
                task: modeldeploy_format::Task::Embed,
                max_tokens: 64,
                outputs: 16,
                normalized: true,
                labels: vec![],
                prompts: vec![],
                default_prompt: None,
                features: vec![],
            }),
            space: Some(Digest::of(b"space")),
            recipe: BTreeMap::from([("quantize".into(), "int8".into())]),
            gate: None,
            files: vec![
                file("1_Pooling/config.json", "{}"),
                file("config.json", "{ }"),
                file("model.safetensors", "w"),
            ],
        }
    }

    #[test]
    fn an_artifact_says_what_it_was_made_of() {
        let artifact = Artifact::of(&facts());
        assert_eq!(parse(&artifact.manifest, "encoder", &version()), Ok(facts()));
        assert_eq!(Artifact::of(&facts()), artifact);
    }

    #[test]
    fn a_manifest_that_lies_is_refused() {
        let text = String::from_utf8(Artifact::of(&facts()).manifest).expect("JSON");
        for (old, new, said) in [
            ("\"schemaVersion\":2", "\"schemaVersion\":1", "no OCI manifest"),
            ("image.manifest.v1+json\"", "image.index.v1+json\"", "no OCI manifest"),
            ("model.config.v1+json", "image.config.v1+json", "it is no model"),
            ("cncf.model.manifest.v1+json", "other.v1", "artifact of type"),
            ("\"config.json\"", "\"../config.json\"", "not within"),
            ("\"config.json\"", "\"/config.json\"", "not within"),
            ("\"config.json\"", "\"a//config.json\"", "not within"),
            ("\"config.json\"", "\"./config.json\"", "not within"),
            ("\"config.json\"", "\"model.safetensors\"", "stands twice"),
            ("\"config.json\"", "\"1_Pooling\"", "stands twice"),
            ("model.weight.v1.raw", "model.weight.v1.tar", "only files as they are"),
            ("\"1.2.0\"", "\"1.3.0\"", "was asked for as 1.2.0"),
            ("\"size\":1,", "\"size\":18446744073709551615,", "impossible"),
            ("\"size\":1,", "\"size\":-1,", "no OCI manifest"),
            ("\"digest\":\"sha256:", "\"digest\":\"sha512:", "no OCI manifest"),
            ("\\\"outputs\\\":16", "\\\"outputs\\\":17", "does not have the digest"),
            ("\\\"outputs\\\":16", "\\\"outputs\\\":0", ""),
            ("{\\\"quantize\\\":", "[\\\"quantize\\\":", "`org.modeldeploy.recipe` is wrong"),
        ] {
            assert!(text.contains(old), "{old} is not in {text}");
            let changed = text.replacen(old, new, 1);
            let error = parse(changed.as_bytes(), "encoder", &version()).expect_err(new);
            assert!(error.kind == Kind::Lie && error.message.contains(said), "{new}: {error}");
        }
    }
}
