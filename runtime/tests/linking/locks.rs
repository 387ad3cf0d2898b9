//! Entries of a lock.

use modeldeploy::format::lock::{LockedIndex, LockedModel, LockedPack};
use modeldeploy::format::{Digest, Signature};

pub(crate) fn model(
    name: &str,
    package: &str,
    signature: Signature,
    space: Digest,
    manifest: Digest,
    pack: LockedPack,
) -> LockedModel {
    LockedModel {
        name: name.into(),
        version: "1.2.0".into(),
        source: format!("models/{name}"),
        license: None,
        package: package.into(),
        signature_digest: Digest::of(&signature.encode()),
        space,
        manifest,
        compressed: Digest::of(b""),
        golden: Digest::of(b""),
        recipe: Default::default(),
        gate: None,
        packs: vec![pack],
        files: vec![],
        absent: vec![],
        origin: None,
        signature,
    }
}

/// An index of three rows that `model` made.
pub(crate) fn index(name: &str, model: &LockedModel) -> LockedIndex {
    LockedIndex {
        name: name.into(),
        package: model.package.clone(),
        model: model.name.clone(),
        space: model.space,
        manifest: Digest::of(b""),
        source: format!("{name}.tsv"),
        source_digest: Digest::of(b""),
        rows: 3,
        width: model.signature.outputs,
        size: 3 << 10,
        digest: Digest::of(name.as_bytes()),
    }
}
