//! A file of weights in memory as it lies on disk, without a copy.

use std::fs::File;

/// The bytes of a mapped file.
#[derive(Debug)]
pub struct Mapping(memmap2::Mmap);

impl Mapping {
    #[expect(
        unsafe_code,
        reason = "mapping a file is an unsafe call of the system: this is the compiler's one place of it"
    )]
    pub(in crate::front) fn of(file: &File) -> std::io::Result<Mapping> {
        // SAFETY: the mapping is private and read-only. That nobody changes a model's file while it is compiled is asked of the
        // user, as by every program that maps; its digest is taken from the same mapping.
        unsafe { memmap2::Mmap::map(file) }.map(Mapping)
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
