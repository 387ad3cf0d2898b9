//! Signing a model's folder by key, as the specification's method `key` has it.

use super::bundle::hint_of;
use super::folder::{FolderError, Found, digests, walk};
use super::manifest::{IGNORED, PREDICATE_TYPE};
use crate::dsse::Envelope;
use crate::encoding::{encode, hex};
use crate::keys::{Algorithm, SecretKey};
use crate::refusal::{Refusal, form};
use crate::statement::{PAYLOAD_TYPE, Statement};
use modeldeploy_format::Digest;
use serde_json::{Value, json};
use std::fs::File;
use std::path::Path;

/// The bundle of a folder, as text; `beside` are the paths within it of signatures, which it leaves out, its own among them.
///
/// # Errors
///
/// If the key is not one that the specification knows, the folder has no file or a link, or a file cannot be read.
pub fn sign(model: &Path, beside: &[String], key: &SecretKey) -> Result<String, Refusal> {
    if key.public().algorithm() == Algorithm::Ed25519 {
        return Err(form(
            "models are signed by ECDSA keys, as OpenSSF's specification says: `keygen --algorithm p256` makes one",
        ));
    }
    let unread = |error: FolderError| form(error.to_string());
    let mut found = Found::default();
    walk(model, "", 0, &mut found).map_err(unread)?;
    let mut resources = vec![];
    let mut root = vec![];
    for (path, entry) in found.entries.iter().filter(|(path, _)| !beside.contains(path)) {
        if entry.link {
            return Err(form(format!("`{path}` is a link: put the file itself there")));
        }
        let opened = File::open(&entry.file).and_then(|mut file| digests(&mut file, None));
        let (digest, _) = opened.map_err(|error| unread(FolderError { path: entry.file.clone(), error }))?;
        root.extend_from_slice(digest.as_bytes());
        resources.push(json!({"name": path, "digest": hex(digest.as_bytes()), "algorithm": "sha256"}));
    }
    if resources.is_empty() {
        return Err(form("the folder has no file"));
    }
    let mut ignored: Vec<&str> = IGNORED.into_iter().chain(beside.iter().map(String::as_str)).collect();
    ignored.sort_unstable();
    let predicate = json!({
        "resources": resources,
        "serialization": {"method": "files", "hash_type": "sha256", "allow_symlinks": false, "ignore_paths": ignored},
    });
    let path = model.canonicalize().unwrap_or_else(|_| model.to_owned());
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let statement = Statement::new(&name, &Digest::of(&root), PREDICATE_TYPE, predicate);
    let envelope = Envelope::sign(PAYLOAD_TYPE, statement.to_bytes(), key)?;
    Ok(bundle(&envelope, key).to_string() + "\n")
}

/// As the reference implementation writes it: the key is named by a digest of its PEM, and the envelope does not name it.
fn bundle(envelope: &Envelope, key: &SecretKey) -> Value {
    json!({
        "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
        "verificationMaterial": {"publicKey": {"hint": hint_of(key.public())}, "tlogEntries": []},
        "dsseEnvelope": {
            "payload": encode(&envelope.payload),
            "payloadType": envelope.payload_type,
            "signatures": envelope.signatures.iter().map(|it| json!({"sig": encode(&it.sig), "keyid": ""})).collect::<Vec<_>>(),
        },
    })
}
