//! The image in a folder that is an OCI image layout: its digest, and the models that its labels name.
//!
//! Specification: <https://github.com/opencontainers/image-spec/blob/v1.1.1/image-layout.md>.

use crate::problem::{Kind, Problem};
use modeldeploy_format::Digest;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// The longest index, manifest and configuration: those that are built here have a few kilobytes.
const LONGEST: u64 = 4 << 20;

/// What labels of models begin and end with: `org.modeldeploy.model.NAME.pack` is the digest of its pack.
const LABEL: (&str, &str) = ("org.modeldeploy.model.", ".pack");

/// An image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    /// The digest of its manifest, or of its index where it is for several platforms.
    pub digest: Digest,
    /// The digests of packs by the names of models, as `cargo modeldeploy image` labels them; none in an image of others.
    pub models: BTreeMap<String, String>,
}

/// `index.json`, of which other keys may be whatever they are.
#[derive(Deserialize)]
struct Index {
    #[serde(default)]
    manifests: Vec<Descriptor>,
}

/// A manifest; an index has no `config`.
#[derive(Deserialize)]
struct Manifest {
    config: Option<Descriptor>,
}

#[derive(Deserialize)]
struct Descriptor {
    digest: String,
    size: u64,
}

/// A configuration, of which only the labels matter.
#[derive(Deserialize)]
struct Configuration {
    #[serde(default)]
    config: Container,
}

#[derive(Default, Deserialize)]
struct Container {
    #[serde(default, rename = "Labels")]
    labels: Option<BTreeMap<String, String>>,
}

/// Reads the only image in `folder`.
///
/// # Errors
///
/// If it is no layout, holds no image or several, or its image has other bytes than the index says.
pub fn read(folder: &Path) -> Result<Layout, Problem> {
    let shown = folder.join("index.json").display().to_string();
    let wrong = |message: String| {
        Problem::new(Kind::Layout, message).at(&shown).help(
            "name the folder that `cargo modeldeploy image` wrote; or give the digest itself: `--image NAME@sha256:…`",
        )
    };
    let text =
        bytes(&folder.join("index.json")).map_err(|why| wrong(format!("the image's index cannot be read: {why}")))?;
    let index: Index =
        serde_json::from_slice(&text).map_err(|error| wrong(format!("the image's index is none: {error}")))?;
    let [image] = index.manifests.as_slice() else {
        return Err(wrong(format!("the layout holds {} images, and one is wanted", index.manifests.len())));
    };
    let (digest, manifest) = blob(folder, "manifest", image).map_err(&wrong)?;
    let manifest: Manifest =
        serde_json::from_slice(&manifest).map_err(|error| wrong(format!("the image's manifest is none: {error}")))?;
    let Some(config) = manifest.config else { return Ok(Layout { digest, models: BTreeMap::new() }) };
    let (_, configuration) = blob(folder, "configuration", &config).map_err(&wrong)?;
    let configuration: Configuration = serde_json::from_slice(&configuration)
        .map_err(|error| wrong(format!("the image's configuration is none: {error}")))?;
    let labels = configuration.config.labels.unwrap_or_default().into_iter();
    let models = labels.filter_map(|(key, value)| {
        let name = key.strip_prefix(LABEL.0)?.strip_suffix(LABEL.1)?;
        Some((name.to_owned(), value))
    });
    Ok(Layout { digest, models: models.collect() })
}

/// A blob with its digest, which it has.
fn blob(folder: &Path, what: &str, of: &Descriptor) -> Result<(Digest, Vec<u8>), String> {
    let Descriptor { digest, size } = of;
    let stated: Digest = digest
        .parse()
        .map_err(|_| format!("the digest of the image's {what} is {digest:?}, and only sha256 is read here"))?;
    let bytes = bytes(&folder.join("blobs/sha256").join(stated.hex()))
        .map_err(|why| format!("the image's {what} {stated} cannot be read: {why}"))?;
    let (found, length) = (Digest::of(&bytes), bytes.len());
    if found != stated || length as u64 != *size {
        return Err(format!(
            "the image's {what} has the digest {found} and {length} bytes, and is said to have {stated} and {size}"
        ));
    }
    Ok((stated, bytes))
}

fn bytes(path: &Path) -> Result<Vec<u8>, String> {
    let mut bytes = vec![];
    let file = File::open(path).map_err(|error| error.to_string())?;
    file.take(LONGEST + 1).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
    if bytes.len() as u64 > LONGEST { Err(format!("it is longer than {LONGEST} bytes")) } else { Ok(bytes) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use std::fs;

    fn layout(index: &str, manifest: &[u8]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let blobs = folder.path().join("blobs/sha256");
        fs::create_dir_all(&blobs).expect("a folder");
        fs::write(blobs.join(Digest::of(b"{}").hex()), manifest).expect("written");
        fs::write(folder.path().join("index.json"), index).expect("written");
        folder
    }

    /// A layout of an image with that configuration.
    fn image(configuration: &str) -> tempfile::TempDir {
        let config = json!({"digest": Digest::of(configuration.as_bytes()), "size": configuration.len()});
        let manifest = json!({"schemaVersion": 2, "config": config, "layers": []}).to_string();
        let index = json!({"manifests": [{"digest": Digest::of(manifest.as_bytes()), "size": manifest.len()}]});
        let folder = layout(&index.to_string(), b"{}");
        for text in [configuration, &manifest] {
            fs::write(folder.path().join("blobs/sha256").join(Digest::of(text.as_bytes()).hex()), text)
                .expect("written");
        }
        folder
    }

    #[test]
    fn models_are_those_that_labels_name() {
        let labels =
            json!({"org.modeldeploy.model.a.pack": "sha256:0", "org.modeldeploy.model.b.version": "1", "other": "x"});
        let whole = json!({"architecture": "amd64", "config": {"User": "65534", "Labels": labels}}).to_string();
        let models = read(image(&whole).path()).expect("an image").models;
        assert_eq!(models, BTreeMap::from([("a".to_owned(), "sha256:0".to_owned())]));
        for none in ["{}", "{\"config\": {}}", "{\"config\": {\"Labels\": null}}"] {
            assert_eq!(read(image(none).path()).expect("an image").models, BTreeMap::new(), "{none}");
        }
        for wrong in ["", "3", "{\"config\": {\"Labels\": [1]}}"] {
            assert!(read(image(wrong).path()).is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_digest_is_that_of_the_only_image() {
        let digest_of = Digest::of(b"{}");
        let one = json!({"digest": digest_of, "size": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json"});
        let index = json!({"schemaVersion": 2, "manifests": [one]}).to_string();
        assert_eq!(read(layout(&index, b"{}").path()).map(|image| image.digest), Ok(digest_of));

        let two = json!({"manifests": [one, one]}).to_string();
        let long = json!({"manifests": [{"digest": digest_of, "size": 3}]}).to_string();
        let other = json!({"manifests": [{"digest": "sha512:00", "size": 2}]}).to_string();
        let absent = json!({"manifests": [{"digest": Digest::of(b"absent"), "size": 2}]}).to_string();
        for (index, manifest, said) in [
            (index.as_str(), &b"{ }"[..], "has the digest"),
            (&long, b"{}", "and 3"),
            (&two, b"{}", "holds 2 images"),
            ("{\"manifests\": []}", b"{}", "holds 0 images"),
            ("{}", b"{}", "holds 0 images"),
            (&other, b"{}", "only sha256"),
            (&absent, b"{}", "cannot be read"),
            ("3", b"{}", "is none"),
            (&"[".repeat(100_000), b"{}", "is none"),
            (&" ".repeat((LONGEST + 1) as usize), b"{}", "longer than"),
        ] {
            let error = read(layout(index, manifest).path()).expect_err(said);
            assert!(error.message.contains(said) && error.kind == Kind::Layout, "{said}: {error}");
        }
        assert!(read(Path::new("no/such/folder")).is_err());
    }
}
