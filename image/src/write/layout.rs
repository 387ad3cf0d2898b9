//! An image's folder in the layout of OCI: blobs under their digests, and an index that names the one that is the image.
//!
//! A reader finds the image before or the new one, never half of it: the index is replaced last, and at once.

use super::layer::Layer;
use crate::Error;
use crate::hashing::Hashing;
use crate::spec::{self, Descriptor, Index};
use modeldeploy_format::Digest;
use std::collections::BTreeSet;
use std::fs;
use std::io::{BufWriter, ErrorKind, Write};
use std::path::{Path, PathBuf};
use tempfile::NamedTempFile;

/// A folder that is being filled.
pub(super) struct Layout {
    folder: PathBuf,
    blobs: PathBuf,
    written: BTreeSet<String>,
}

/// A blob of it.
pub(super) struct Blob {
    pub(super) descriptor: Descriptor,
    pub(super) digest: Digest,
}

/// A layer of it.
pub(super) struct PutLayer {
    pub(super) blob: Blob,
    /// The digest and the size of what is unpacked from it.
    pub(super) unpacked: (Digest, u64),
}

impl Layout {
    /// Opens a folder that is not there, that is empty, or that holds one image, which will be replaced.
    pub(super) fn open(folder: &Path) -> Result<Layout, Error> {
        let refuse = |why: String| Error::input(format!("{}: {why}; name another folder", folder.display()));
        match fs::read(folder.join("index.json")) {
            Ok(index) => match serde_json::from_slice::<Index>(&index) {
                Ok(index) if index.manifests.len() <= 1 => {}
                Ok(index) => return Err(refuse(format!("it holds {} images", index.manifests.len()))),
                Err(error) => return Err(refuse(format!("its index.json is none of an image ({error})"))),
            },
            Err(error) if error.kind() == ErrorKind::NotFound => {
                if fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_some()) {
                    return Err(refuse("it holds files that are no image".into()));
                }
            }
            Err(error) => return Err(Error::at(folder)(error)),
        }
        let blobs = folder.join("blobs").join("sha256");
        fs::create_dir_all(&blobs).map_err(Error::at(&blobs))?;
        Ok(Layout { folder: folder.to_owned(), blobs, written: BTreeSet::new() })
    }

    /// Puts a document there.
    pub(super) fn put(&mut self, media_type: &str, bytes: &[u8]) -> Result<Blob, Error> {
        let (blob, ()) = self.write(media_type, |into| into.write_all(bytes))?;
        Ok(blob)
    }

    /// Puts a layer there.
    pub(super) fn put_layer(&mut self, layer: &Layer<'_>) -> Result<PutLayer, Error> {
        let (blob, unpacked) = self.write(layer.media_type(), |into| layer.write(into))?;
        Ok(PutLayer { blob, unpacked })
    }

    fn write<T>(
        &mut self,
        media_type: &str,
        write: impl FnOnce(&mut Hashing<BufWriter<&fs::File>>) -> std::io::Result<T>,
    ) -> Result<(Blob, T), Error> {
        let blobs = &self.blobs;
        let file = NamedTempFile::new_in(blobs).map_err(Error::at(blobs))?;
        let mut into = Hashing::new(BufWriter::with_capacity(1 << 20, file.as_file()));
        let given = write(&mut into).and_then(|given| into.flush().map(|()| given)).map_err(Error::at(file.path()))?;
        let (_, digest, size) = into.finish();
        persist(file, &blobs.join(digest.hex()))?;
        self.written.insert(digest.hex());
        Ok((Blob { descriptor: Descriptor::new(media_type, &digest, size), digest }, given))
    }

    /// Makes `image` the folder's image, and drops the blobs of the one before.
    pub(super) fn finish(self, image: Descriptor) -> Result<(), Error> {
        let layout = spec::to_bytes(&spec::Layout { image_layout_version: spec::LAYOUT.into() });
        let index = Index { schema_version: 2, media_type: spec::INDEX.into(), manifests: vec![image] };
        for (name, bytes) in [("oci-layout", layout), ("index.json", spec::to_bytes(&index))] {
            let mut file = NamedTempFile::new_in(&self.folder).map_err(Error::at(&self.folder))?;
            file.write_all(&bytes).map_err(Error::at(file.path()))?;
            persist(file, &self.folder.join(name))?;
        }
        let entries = fs::read_dir(&self.blobs).map_err(Error::at(&self.blobs))?;
        for entry in entries.flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            let is_blob = format!("sha256:{name}").parse::<Digest>().is_ok();
            if is_blob && !self.written.contains(&name) {
                // One that stays costs its room alone.
                let _stays = fs::remove_file(entry.path());
            }
        }
        Ok(())
    }
}

/// Gives a file its name, and to everybody who may read the folder the right to read it.
pub(super) fn persist(file: NamedTempFile, path: &Path) -> Result<(), Error> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let permissions = fs::Permissions::from_mode(0o644);
        file.as_file().set_permissions(permissions).map_err(Error::at(file.path()))?;
    }
    file.persist(path).map(drop).map_err(|error| Error::at(path)(error.error))
}
