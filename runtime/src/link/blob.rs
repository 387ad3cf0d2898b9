//! The bytes of a pack or an index, for the life of the process.

use super::{Mapping, attached, beside};
use crate::model::Error;
use modeldeploy_format::{Digest, variables};
use std::fs::File;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Where the bytes are.
#[derive(Clone, Copy, Debug)]
pub enum Blob {
    /// In the executable, at a multiple of 4 KiB: of a page on x86-64, of a part of one where pages are larger.
    Linked(&'static [u8]),
    /// In the executable, in parts that other packs have, too: one after the other they are the pack. Each lies at a multiple of 64.
    Parts(&'static [&'static [u8]]),
    /// In the executable, to which they were attached when it was linked.
    Attached {
        /// What they are, such as ``model `query-encoder` ``.
        what: &'static str,
        /// Where they lie, as [`places`](modeldeploy_format::pack::places) reads it.
        record: &'static [u8],
    },
    /// In a file beside the executable.
    Beside {
        /// What they are.
        what: &'static str,
        /// Their length and their digest, as [`places`](modeldeploy_format::pack::places) reads it.
        record: &'static [u8],
    },
    /// In the store.
    Stored {
        /// What they are, such as ``model `query-encoder` ``.
        what: &'static str,
        /// The folder of `Model.lock`.
        folder: &'static str,
        /// The store when the program was compiled.
        store: &'static str,
        /// The file in the store.
        file: &'static str,
        /// Its length in the lock.
        size: u64,
    },
}

impl Blob {
    /// The bytes in the parts in which they lie.
    ///
    /// # Errors
    ///
    /// As [`bytes`](Blob::bytes).
    pub fn parts(self) -> Result<Vec<&'static [u8]>, Error> {
        match self {
            Blob::Parts(parts) => Ok(parts.to_vec()),
            Blob::Attached { what, record } => attached::parts(what, record),
            whole => whole.bytes().map(|bytes| vec![bytes]),
        }
    }

    /// The bytes in one piece. Those of the store are mapped, and those beside the program read, once a call; they stay so.
    ///
    /// # Errors
    ///
    /// If the file is not there, or is not the one that the lock names; if they were not attached; and if they lie in parts.
    pub fn bytes(self) -> Result<&'static [u8], Error> {
        match self {
            Blob::Linked(bytes) => Ok(bytes),
            Blob::Parts(parts) => one_piece(parts),
            Blob::Attached { what, record } => one_piece(&attached::parts(what, record)?),
            Blob::Beside { what, record } => beside::bytes(what, record),
            Blob::Stored { what, folder, store, file, size } => {
                // A relative path counts from the folder of `Model.lock`.
                let store = match std::env::var_os(variables::STORE).filter(|moved| !moved.is_empty()) {
                    Some(moved) => Path::new(folder).join(moved),
                    None => PathBuf::from(store),
                };
                map(what, store.join(file), size)
            }
        }
    }
}

fn one_piece(parts: &[&'static [u8]]) -> Result<&'static [u8], Error> {
    match parts {
        [whole] => Ok(whole),
        parts => {
            let cause = format!("what must lie in one piece lies in {} parts", parts.len());
            Err(Error::Damaged { cause })
        }
    }
}

fn map(what: &'static str, path: PathBuf, size: u64) -> Result<&'static [u8], Error> {
    let unreadable = |path: PathBuf, cause: std::io::Error| match cause.kind() {
        ErrorKind::NotFound => Error::Absent { what, path },
        _ => Error::Unreadable { what, path, cause: Arc::new(cause) },
    };
    let open = || File::open(&path).and_then(|file| Ok((file.metadata()?.len(), file)));
    let (actual, file) = open().map_err(|cause| unreadable(path.clone(), cause))?;
    if actual != size || actual == 0 {
        return Err(Error::Length { what, path, locked: size, actual });
    }
    let mapping = Mapping::of(&file).map_err(|cause| unreadable(path.clone(), cause))?;
    // A file of the store is called by its digest.
    let digest = Digest::of(mapping.bytes());
    if path.file_stem().is_none_or(|name| name != digest.hex().as_str()) {
        let cause = format!("{what} is damaged: the bytes of {} are {digest}", path.display());
        return Err(Error::Damaged { cause });
    }
    Ok(Box::leak(Box::new(mapping)).bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_not_the_locked_one_is_an_error_that_says_what_to_do() {
        let absent = map("model `m`", PathBuf::from("/nowhere/ab.pack"), 3).expect_err("no such file");
        assert_eq!(
            absent.to_string(),
            "model `m` is not in the store: no /nowhere/ab.pack; `cargo modeldeploy build` makes it"
        );
        let store = tempfile::tempdir().expect("a temporary folder");
        let path = store.path().join(format!("{}.pack", Digest::of(b"a pack").hex()));
        std::fs::write(&path, b"a pack").expect("it can be written");
        assert!(map("model `m`", path.clone(), 6).is_ok_and(|bytes| bytes == b"a pack"));
        let longer = map("model `m`", path.clone(), 7).expect_err("another length").to_string();
        assert!(longer.contains("has 6 bytes, 7 are locked"), "{longer}");
        std::fs::write(&path, b"a puck").expect("it can be written");
        let flipped = map("model `m`", path, 6).expect_err("other bytes").to_string();
        let found = Digest::of(b"a puck").to_string();
        assert!(flipped.contains("model `m` is damaged") && flipped.contains(&found), "{flipped}");
    }
}
