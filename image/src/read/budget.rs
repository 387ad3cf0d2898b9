//! How much of an image is read at most, whatever it says of itself.

use crate::Error;
use std::io;

/// How much of an image is read at most.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bytes of a document: a manifest, a configuration, an index.
    pub document: u64,
    /// Layers.
    pub layers: usize,
    /// Files, folders and links of all archives and layers together.
    pub entries: u64,
    /// Bytes of all of their names together.
    pub names: u64,
    /// Bytes of all layers together, unpacked, as often as they are.
    pub unpacked: u64,
    /// Bytes of the program.
    pub program: u64,
}

impl Default for Limits {
    /// Far over what services are, and less than a machine gives.
    fn default() -> Limits {
        Limits {
            document: 4 << 20,
            layers: 512,
            entries: 2_000_000,
            names: 256 << 20,
            unpacked: 64 << 30,
            program: 8 << 30,
        }
    }
}

/// What is left of the limits.
pub(super) struct Budget {
    pub(super) limits: Limits,
    left: Limits,
}

impl Budget {
    pub(super) fn new(limits: Limits) -> Budget {
        Budget { limits, left: limits }
    }

    /// Counts an entry.
    pub(super) fn entry(&mut self, name: usize) -> Result<(), Error> {
        let entries = self.left.entries.checked_sub(1);
        let names = self.left.names.checked_sub(name as u64);
        let (Some(entries), Some(names)) = (entries, names) else {
            return Err(Error::unreadable("it has more files, or longer names, than are read"));
        };
        (self.left.entries, self.left.names) = (entries, names);
        Ok(())
    }

    /// Counts bytes that were unpacked.
    pub(super) fn unpacked(&mut self, count: u64) -> io::Result<()> {
        let left = self.left.unpacked.checked_sub(count);
        self.left.unpacked = left.ok_or_else(|| {
            io::Error::new(io::ErrorKind::FileTooLarge, "the layers are more, unpacked, than is read")
        })?;
        Ok(())
    }
}
