//! An image's folder as one file, which `docker load` and `podman load` read.
//!
//! It is the layout of OCI with Docker's own `manifest.json` beside, as Docker itself writes it since version 25: older ones read the
//! one, newer ones the other, and both say the same.

use super::Image;
use crate::Error;
use crate::spec::{self, Archived};
use std::fs::{self, File};
use std::io::{self, BufWriter, Read, Write};
use std::path::Path;
use tar::{Builder, EntryType, Header};
use tempfile::NamedTempFile;

/// Writes the archive of `image` to `file`, at once or not at all. The same image gives the same bytes.
///
/// # Errors
///
/// If the folder cannot be read or the file cannot be written.
pub fn docker_archive(image: &Image, file: &Path) -> Result<(), Error> {
    let folder = match file.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    fs::create_dir_all(folder).map_err(Error::at(folder))?;
    let mut written = NamedTempFile::new_in(folder).map_err(Error::at(folder))?;
    archive(image, BufWriter::with_capacity(1 << 20, written.as_file_mut())).map_err(Error::at(file))?;
    super::layout::persist(written, file)
}

fn archive(image: &Image, into: impl Write) -> io::Result<()> {
    let mut tar = Builder::new(into);
    let manifest = &image.manifest;
    let archived = [Archived {
        config: blob(&manifest.config.digest),
        repo_tags: vec![image.name.to_string()],
        layers: manifest.layers.iter().map(|layer| blob(&layer.digest)).collect(),
    }];
    let archived = spec::to_bytes(&archived);
    for folder in ["blobs/", "blobs/sha256/"] {
        tar.append(&header(EntryType::Directory, folder, 0)?, io::empty())?;
    }
    let digest = image.digest.to_string();
    let blobs = manifest.layers.iter().map(|layer| &layer.digest).chain([&manifest.config.digest, &digest]);
    for path in blobs.map(|digest| blob(digest)).chain(["index.json".into(), "oci-layout".into()]) {
        let file = File::open(image.folder.join(&path))?;
        add(&mut tar, &path, file.metadata()?.len(), file)?;
    }
    add(&mut tar, "manifest.json", archived.len() as u64, &archived[..])?;
    tar.into_inner()?.flush()
}

/// Where the blob of that digest lies.
pub(super) fn blob(digest: &str) -> String {
    format!("blobs/{}", digest.replace(':', "/"))
}

fn add(tar: &mut Builder<impl Write>, path: &str, size: u64, bytes: impl Read) -> io::Result<()> {
    tar.append(&header(EntryType::Regular, path, size)?, bytes.take(size))
}

fn header(kind: EntryType, path: &str, size: u64) -> io::Result<Header> {
    super::layer::header(kind, path, if kind == EntryType::Directory { 0o755 } else { 0o644 }, size)
}
