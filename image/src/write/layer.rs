//! The layers of an image: the weights below, a layer a pack, and the program on top.
//!
//! A pack's layer depends on the pack alone, not on the program, the service, the version or the compressor: whoever has it already, a
//! registry or a machine, gets it no second time. The heaviest lies lowest, for what lies over a changed layer is unpacked anew. Weights
//! are left as they are: of the example's packs gzip takes a fifth, which a network brings sooner than a core unpacks the rest. Of the
//! program it takes half and more.

use super::Contents;
use crate::hashing::Hashing;
use crate::{PACKS_FOLDER, spec};
use flate2::{Compression, GzBuilder};
use modeldeploy_format::Digest;
use std::io::{self, Write};
use tar::{Builder, EntryType, Header};

/// How hard gzip tries, 0 to 9.
const LEVEL: u32 = 6;

/// A layer that is to be written.
pub(super) struct Layer<'a> {
    /// Its folder and its file, in this order.
    folder: Option<&'static str>,
    file: String,
    mode: u32,
    bytes: &'a [u8],
    compressed: bool,
    /// What is in it.
    pub(super) holds: String,
}

/// All layers, the lowest first.
pub(super) fn all<'a>(contents: &Contents<'a>) -> Vec<Layer<'a>> {
    let mut packs: Vec<(Digest, Layer<'a>)> = vec![];
    for pack in &contents.packs {
        let digest = Digest::of(pack.bytes);
        if packs.iter().all(|(there, _)| *there != digest) {
            packs.push((
                digest,
                Layer {
                    folder: Some(PACKS_FOLDER),
                    file: format!("{PACKS_FOLDER}/{}.pack", digest.hex()),
                    mode: 0o444,
                    bytes: pack.bytes,
                    compressed: false,
                    holds: format!("weights of {}", pack.of),
                },
            ));
        }
    }
    packs.sort_by_key(|(digest, layer)| (std::cmp::Reverse(layer.bytes.len()), *digest));
    let program = Layer {
        folder: None,
        file: contents.file_name.clone(),
        mode: 0o555,
        bytes: contents.program,
        compressed: true,
        holds: format!("the program {}", contents.file_name),
    };
    packs.into_iter().map(|(_, layer)| layer).chain([program]).collect()
}

impl Layer<'_> {
    pub(super) fn media_type(&self) -> &'static str {
        if self.compressed { spec::LAYER_GZIP } else { spec::LAYER }
    }

    /// Writes it as the blob that it is, and gives the digest and the size of what is unpacked from it.
    pub(super) fn write(&self, into: impl Write) -> io::Result<(Digest, u64)> {
        if !self.compressed {
            let mut plain = Hashing::new(into);
            self.tar(&mut plain)?;
            let (_, digest, size) = plain.finish();
            return Ok((digest, size));
        }
        // No time, no name, and the same system of origin everywhere.
        let gzip = GzBuilder::new().mtime(0).operating_system(255).write(into, Compression::new(LEVEL));
        let mut plain = Hashing::new(gzip);
        self.tar(&mut plain)?;
        let (gzip, digest, size) = plain.finish();
        gzip.finish()?.flush()?;
        Ok((digest, size))
    }

    /// Writes it as it is unpacked. Nothing of this machine is in it: files are root's, read-only, and of the beginning of 1970.
    fn tar(&self, into: impl Write) -> io::Result<()> {
        let mut tar = Builder::new(into);
        if let Some(folder) = self.folder {
            tar.append(&header(EntryType::Directory, &format!("{folder}/"), 0o755, 0)?, io::empty())?;
        }
        let size = self.bytes.len() as u64;
        tar.append(&header(EntryType::Regular, &self.file, self.mode, size)?, self.bytes)?;
        tar.into_inner()?.flush()
    }
}

pub(super) fn header(kind: EntryType, path: &str, mode: u32, size: u64) -> io::Result<Header> {
    let mut header = Header::new_ustar();
    header.set_entry_type(kind);
    header.set_path(path)?;
    header.set_mode(mode);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    header.set_size(size);
    header.set_cksum();
    Ok(header)
}
