//! The digest of the image in a folder that is an OCI image layout.
//!
//! Specification: <https://github.com/opencontainers/image-spec/blob/v1.1.1/image-layout.md>.

use crate::problem::{Kind, Problem};
use modeldeploy_format::Digest;
use serde::Deserialize;
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// The longest index and manifest: those that are built here have a few kilobytes.
const LONGEST: u64 = 4 << 20;

/// `index.json`, of which other keys may be whatever they are.
#[derive(Deserialize)]
struct Index {
    #[serde(default)]
    manifests: Vec<Descriptor>,
}

#[derive(Deserialize)]
struct Descriptor {
    digest: String,
    size: u64,
}

/// The digest of the only image in `folder`, whose bytes have it.
///
/// # Errors
///
/// If it is no layout, holds no image or several, or its image has other bytes than the index says.
pub fn digest(folder: &Path) -> Result<Digest, Problem> {
    let shown = folder.join("index.json").display().to_string();
    let wrong = |message: String| {
        Problem::new(Kind::Layout, message)
            .at(&shown)
            .help("name the folder that `cargo modeldeploy image` wrote; or give the digest itself: `--image NAME@sha256:…`")
    };
    let text = read(&folder.join("index.json")).map_err(|why| wrong(format!("the image's index cannot be read: {why}")))?;
    let index: Index =
        serde_json::from_slice(&text).map_err(|error| wrong(format!("the image's index is none: {error}")))?;
    let [Descriptor { digest, size }] = index.manifests.as_slice() else {
        return Err(wrong(format!("the layout holds {} images, and one is wanted", index.manifests.len())));
    };
    let stated: Digest =
        digest.parse().map_err(|_| wrong(format!("the image's digest is {digest:?}, and only sha256 is read here")))?;
    let manifest = read(&folder.join("blobs/sha256").join(stated.hex()))
        .map_err(|why| wrong(format!("the image's manifest {stated} cannot be read: {why}")))?;
    let found = Digest::of(&manifest);
    if found != stated || manifest.len() as u64 != *size {
        let length = manifest.len();
        return Err(wrong(format!(
            "the image's manifest has the digest {found} and {length} bytes, and the index says {stated} and {size}"
        )));
    }
    Ok(stated)
}

fn read(path: &Path) -> Result<Vec<u8>, String> {
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

    #[test]
    fn the_digest_is_that_of_the_only_image() {
        let digest_of = Digest::of(b"{}");
        let one = json!({"digest": digest_of, "size": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json"});
        let index = json!({"schemaVersion": 2, "manifests": [one]}).to_string();
        assert_eq!(digest(layout(&index, b"{}").path()), Ok(digest_of));

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
            let error = digest(layout(index, manifest).path()).expect_err(said);
            assert!(error.message.contains(said) && error.kind == Kind::Layout, "{said}: {error}");
        }
        assert!(digest(Path::new("no/such/folder")).is_err());
    }
}
