//! What an image says of itself: the documents of OCI, Docker's, or both, which must then say the same.

use super::budget::Budget;
use super::layer::Layer;
use super::source::Source;
use crate::Error;
use crate::spec::{self, Archived, Configuration, Descriptor, Index, Manifest};
use modeldeploy_format::Digest;
use serde::de::DeserializeOwned;

/// What Docker calls these two documents.
const DOCKER_MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";
const DOCKER_INDEX: &str = "application/vnd.docker.distribution.manifest.list.v2+json";

/// What an image says of itself.
pub(super) struct Documents {
    pub(super) digest: Digest,
    pub(super) configuration: Configuration,
    pub(super) layers: Vec<Layer>,
}

/// Reads the documents of the one image in `source`.
pub(super) fn read(source: &mut Source, budget: &Budget) -> Result<Documents, Error> {
    let limit = budget.limits.document;
    let oci = source.document("index.json", limit)?.map(|bytes| of_oci(source, &bytes, limit)).transpose()?;
    let docker = source.document("manifest.json", limit)?.map(|bytes| of_docker(source, &bytes, limit)).transpose()?;
    let found = match (oci, docker) {
        (Some(oci), Some(docker)) => {
            let paths = |layers: &[Layer]| layers.iter().map(|layer| layer.path.clone()).collect::<Vec<_>>();
            if oci.configuration != docker.configuration || paths(&oci.layers) != paths(&docker.layers) {
                return Err(Error::altered(
                    "index.json and manifest.json are of two images: who reads the one runs another program",
                ));
            }
            oci
        }
        (Some(one), None) | (None, Some(one)) => one,
        (None, None) => {
            return Err(Error::unreadable(
                "no image: it has neither the index.json of OCI nor the manifest.json of Docker",
            ));
        }
    };
    let most = budget.limits.layers;
    if found.layers.len() > most {
        return Err(Error::unreadable(format!("it has {} layers, and up to {most} are read", found.layers.len())));
    }
    Ok(found)
}

fn of_oci(source: &mut Source, index: &[u8], limit: u64) -> Result<Documents, Error> {
    let layout = source.document("oci-layout", limit)?;
    let layout = layout.ok_or_else(|| Error::altered("it has no oci-layout beside its index.json"))?;
    let layout: spec::Layout = parse("oci-layout", &layout)?;
    if layout.image_layout_version != spec::LAYOUT {
        let version = layout.image_layout_version.escape_default();
        return Err(Error::unreadable(format!(
            "its layout is of version {version}, and that of {} is read",
            spec::LAYOUT
        )));
    }
    let mut list: Index = parse("index.json", index)?;
    let mut image = only(&list)?;
    if matches!(image.media_type.as_str(), spec::INDEX | DOCKER_INDEX) {
        list = parse(&image.digest, &blob(source, &image, limit)?)?;
        image = only(&list)?;
    }
    if !matches!(image.media_type.as_str(), spec::MANIFEST | DOCKER_MANIFEST) {
        return Err(Error::unreadable(format!("it is of the kind {}, which is no image", image.media_type)));
    }
    let manifest: Manifest = parse(&image.digest, &blob(source, &image, limit)?)?;
    let configuration: Configuration = parse(&manifest.config.digest, &blob(source, &manifest.config, limit)?)?;
    let unpacked = unpacked(&configuration, manifest.layers.len())?;
    let layers = manifest.layers.iter().zip(unpacked).map(|(layer, unpacked)| {
        let digest = digest(&layer.digest)?;
        Ok(Layer { path: path(&digest), blob: Some((digest, layer.size)), unpacked })
    });
    let layers = layers.collect::<Result<_, Error>>()?;
    Ok(Documents { digest: digest(&image.digest)?, configuration, layers })
}

/// The one image of a list; statements about an image, which stand among images as those of an unknown processor, are none.
fn only(list: &Index) -> Result<Descriptor, Error> {
    let is_image = |it: &&Descriptor| it.platform.as_ref().is_none_or(|it| it.architecture != "unknown");
    let images: Vec<&Descriptor> = list.manifests.iter().filter(is_image).collect();
    match images[..] {
        [image] => Ok(image.clone()),
        [] => Err(Error::unreadable("it lists no image")),
        _ => {
            let shown = |it: &&Descriptor| {
                let name = it.annotations.get(spec::REF_NAME).cloned();
                name.or_else(|| it.platform.as_ref().map(ToString::to_string)).unwrap_or_else(|| it.digest.clone())
            };
            let shown = images.iter().take(8).map(shown).collect::<Vec<_>>().join(", ");
            let count = images.len();
            Err(Error::unreadable(format!("it lists {count} images ({shown}); `skopeo copy` takes one out")))
        }
    }
}

fn of_docker(source: &mut Source, list: &[u8], limit: u64) -> Result<Documents, Error> {
    let list: Vec<Archived> = parse("manifest.json", list)?;
    let [image] = &list[..] else {
        let count = list.len();
        return Err(Error::unreadable(format!("it lists {count} images; `docker save` of one name has one")));
    };
    let bytes = source.document(&image.config, limit)?;
    let bytes = bytes.ok_or_else(|| Error::altered(format!("`{}` is not there", image.config)))?;
    let found = Digest::of(&bytes);
    // Its name is its digest, with an ending or without.
    let name = image.config.rsplit('/').next().unwrap_or_default();
    let hex = name.split('.').next().unwrap_or_default();
    if let Ok(said) = format!("sha256:{hex}").parse::<Digest>()
        && said != found
    {
        return Err(Error::altered(format!("`{}` has the digest {found}, which is not its name", image.config)));
    }
    let configuration: Configuration = parse(&image.config, &bytes)?;
    let unpacked = unpacked(&configuration, image.layers.len())?;
    let layers = image.layers.iter().zip(unpacked);
    let layers = layers.map(|(path, unpacked)| Layer { path: path.clone(), blob: None, unpacked }).collect();
    Ok(Documents { digest: found, configuration, layers })
}

/// The digests of the layers, unpacked.
fn unpacked(configuration: &Configuration, layers: usize) -> Result<Vec<Digest>, Error> {
    let ids = &configuration.rootfs.diff_ids;
    if ids.len() != layers {
        return Err(Error::altered(format!("it has {layers} layers, and its configuration speaks of {}", ids.len())));
    }
    ids.iter().map(|id| digest(id)).collect()
}

/// A document that a descriptor points at.
fn blob(source: &mut Source, descriptor: &Descriptor, limit: u64) -> Result<Vec<u8>, Error> {
    let said = digest(&descriptor.digest)?;
    let bytes = source.document(&path(&said), limit)?;
    let bytes = bytes.ok_or_else(|| Error::altered(format!("the blob {said} is not there")))?;
    let found = Digest::of(&bytes);
    if found != said || bytes.len() as u64 != descriptor.size {
        let (size, length) = (descriptor.size, bytes.len());
        return Err(Error::altered(format!("the blob {said} of {size} bytes has {length} and the digest {found}")));
    }
    Ok(bytes)
}

fn path(digest: &Digest) -> String {
    format!("blobs/sha256/{}", digest.hex())
}

fn digest(text: &str) -> Result<Digest, Error> {
    text.parse().map_err(|_| Error::unreadable(format!("`{}` is no sha256 digest", text.escape_default())))
}

fn parse<T: DeserializeOwned>(name: &str, bytes: &[u8]) -> Result<T, Error> {
    serde_json::from_slice(bytes)
        .map_err(|error| Error::altered(format!("{} cannot be read: {error}", name.escape_default())))
}
