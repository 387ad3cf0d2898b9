//! Images put together by hand: any layers, documents whose digests are right, and archives of any entries.

use flate2::write::GzEncoder;
use modeldeploy_format::Digest;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::Write;
use tar::{Builder, EntryType, Header};

/// An entry of an archive: its kind, its name as it stands there, what it links to, its bytes.
#[derive(Clone)]
pub(crate) struct Entry {
    pub(crate) kind: EntryType,
    pub(crate) name: String,
    pub(crate) target: String,
    pub(crate) bytes: Vec<u8>,
}

pub(crate) fn file(name: &str, bytes: &[u8]) -> Entry {
    Entry { kind: EntryType::Regular, name: name.into(), target: String::new(), bytes: bytes.into() }
}

pub(crate) fn folder(name: &str) -> Entry {
    Entry { kind: EntryType::Directory, ..file(name, b"") }
}

pub(crate) fn link(name: &str, target: &str) -> Entry {
    Entry { kind: EntryType::Symlink, target: target.into(), ..file(name, b"") }
}

/// An extension in the form of pax, for the entry after it.
pub(crate) fn pax(records: &[(&str, &str)]) -> Entry {
    let record = |(key, value): &(&str, &str)| {
        let rest = format!(" {key}={value}\n");
        let length = (1..).find(|length| length.to_string().len() + rest.len() == *length).expect("a length");
        format!("{length}{rest}")
    };
    let text: String = records.iter().map(record).collect();
    Entry { kind: EntryType::XHeader, ..file("pax", text.as_bytes()) }
}

/// An archive of these entries.
pub(crate) fn tar(entries: &[Entry]) -> Vec<u8> {
    let mut tar = Builder::new(vec![]);
    for entry in entries {
        let mut header = Header::new_ustar();
        header.set_entry_type(entry.kind);
        header.set_size(entry.bytes.len() as u64);
        header.set_mode(0o755);
        // Names that the library would not write.
        header.as_mut_bytes()[..entry.name.len()].copy_from_slice(entry.name.as_bytes());
        header.as_mut_bytes()[157..157 + entry.target.len()].copy_from_slice(entry.target.as_bytes());
        header.set_cksum();
        tar.append(&header, &entry.bytes[..]).expect("an archive in memory");
    }
    tar.into_inner().expect("an archive in memory")
}

pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut gzip = GzEncoder::new(vec![], flate2::Compression::fast());
    gzip.write_all(bytes).expect("memory");
    gzip.finish().expect("memory")
}

/// Layers with how they are unpacked, and what the configuration says.
#[derive(Clone)]
pub(crate) struct Forged {
    pub(crate) layers: Vec<Vec<u8>>,
    pub(crate) unpacked: Vec<Digest>,
    pub(crate) execution: Value,
}

impl Forged {
    /// An image of these layers that starts `/shop`.
    pub(crate) fn of(layers: &[Vec<Entry>]) -> Forged {
        Forged::of_archives(layers.iter().map(|layer| tar(layer)).collect())
    }

    pub(crate) fn of_archives(layers: Vec<Vec<u8>>) -> Forged {
        let unpacked = layers.iter().map(|layer| Digest::of(layer)).collect();
        Forged { layers, unpacked, execution: json!({"Entrypoint": ["/shop"], "Env": null}) }
    }

    pub(crate) fn starting(mut self, execution: Value) -> Forged {
        self.execution = execution;
        self
    }

    fn configuration(&self) -> Vec<u8> {
        let ids: Vec<String> = self.unpacked.iter().map(Digest::to_string).collect();
        let document = json!({
            "architecture": "amd64", "os": "linux", "config": self.execution,
            "rootfs": {"type": "layers", "diff_ids": ids}, "history": null,
        });
        document.to_string().into_bytes()
    }

    /// The files of its layout.
    pub(crate) fn layout(&self) -> BTreeMap<String, Vec<u8>> {
        let mut files = BTreeMap::new();
        let config = put(&mut files, "application/vnd.oci.image.config.v1+json", &self.configuration());
        let layers: Vec<Value> =
            self.layers.iter().map(|layer| put(&mut files, "application/vnd.oci.image.layer.v1.tar", layer)).collect();
        let manifest = json!({"schemaVersion": 2, "config": config, "layers": layers});
        let manifest = put(&mut files, "application/vnd.oci.image.manifest.v1+json", manifest.to_string().as_bytes());
        files.insert("oci-layout".into(), b"{\"imageLayoutVersion\": \"1.0.0\"}".to_vec());
        files.insert("index.json".into(), list(&[manifest]));
        files
    }

    /// The files of Docker's own archive of it, as `docker save` wrote them before version 25.
    pub(crate) fn docker(&self) -> BTreeMap<String, Vec<u8>> {
        let configuration = self.configuration();
        let config = format!("{}.json", Digest::of(&configuration).hex());
        let paths: Vec<String> = (0..self.layers.len()).map(|at| format!("{at}/layer.tar")).collect();
        let list = json!([{"Config": config, "RepoTags": ["shop:1"], "Layers": paths}]);
        let layers = paths.iter().cloned().zip(self.layers.iter().cloned());
        layers.chain([(config, configuration), ("manifest.json".into(), list.to_string().into_bytes())]).collect()
    }
}

/// An `index.json` of these.
pub(crate) fn list(manifests: &[Value]) -> Vec<u8> {
    json!({"schemaVersion": 2, "manifests": manifests}).to_string().into_bytes()
}

/// Puts a blob there, and gives what points at it.
pub(crate) fn put(files: &mut BTreeMap<String, Vec<u8>>, kind: &str, bytes: &[u8]) -> Value {
    let digest = Digest::of(bytes);
    files.insert(format!("blobs/sha256/{}", digest.hex()), bytes.to_vec());
    json!({"mediaType": kind, "digest": digest.to_string(), "size": bytes.len()})
}

/// The archive of these files.
pub(crate) fn archive(files: &BTreeMap<String, Vec<u8>>) -> Vec<u8> {
    tar(&files.iter().map(|(name, bytes)| file(name, bytes)).collect::<Vec<_>>())
}
