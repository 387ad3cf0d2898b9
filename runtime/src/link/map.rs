//! A file in memory as it lies on disk, without a copy: the one place that maps.

use std::fs::File;

/// The bytes of a mapped file, read-only; their pages are the file's own, shared with every process that maps it.
#[derive(Debug)]
pub struct Mapping(memmap2::Mmap);

impl Mapping {
    /// Maps all of `file`. It can be closed then.
    ///
    /// Nobody may change the file in place while it is mapped; to replace it by renaming another over it is sound. It is asked of
    /// the user, as by every program that maps: the store's files are only ever renamed into place, and the digest of a model's
    /// file is taken from the mapping that is read.
    ///
    /// # Errors
    ///
    /// If the system cannot map it: it is no plain file, or it is longer than there are addresses.
    pub fn of(file: &File) -> std::io::Result<Mapping> {
        #[expect(unsafe_code, reason = "mapping a file is an unsafe call of the system")]
        // SAFETY: the pages are read-only here, and that nobody else changes the file is asked for above.
        let mapped = unsafe { memmap2::Mmap::map(file) };
        mapped.map(Mapping)
    }

    /// All of them.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }
}

impl AsRef<[u8]> for Mapping {
    fn as_ref(&self) -> &[u8] {
        self.bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mapping_is_the_file_and_outlives_its_handle() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
        let mapping = Mapping::of(&File::open(path).expect("the manifest")).expect("a plain file");
        assert_eq!(mapping.bytes(), std::fs::read(path).expect("the manifest"));
    }

    #[test]
    fn what_is_no_plain_file_is_an_error() {
        let folder = File::open(env!("CARGO_MANIFEST_DIR")).expect("a folder can be opened");
        assert!(Mapping::of(&folder).is_err());
    }
}
