//! The part of a store where fetched models lie: files by their digest, and a folder of them for each model.
//!
//! ```text
//! .modeldeploy/sha256/ab/abcd….file    a file, proved, never changed
//! .modeldeploy/sources/<tree>/         a model's folder: its files by their paths, the same bytes (hard links)
//! .modeldeploy/partial/                what was cut off and will be taken up again
//! ```
//!
//! A folder is named by [`tree_digest`], so the lock pins all of it, wherever it came from.

use crate::error::{Error, Kind};
use modeldeploy_format::Digest;
use modeldeploy_format::lock::{LockedFile, SOURCES_FOLDER};
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// The digest of a model's files: of their paths, lengths and digests, sorted by path.
pub fn tree_digest(files: &[LockedFile]) -> Digest {
    let mut lines: Vec<String> =
        files.iter().map(|file| format!("{} {} {}\n", file.digest, file.size, file.path)).collect();
    lines.sort();
    Digest::of(format!("tree 1\n{}", lines.concat()).as_bytes())
}

/// Fetched models in a store's folder.
#[derive(Clone, Debug)]
pub struct Shelf {
    root: PathBuf,
}

impl Shelf {
    /// Those of the store in `root`.
    pub fn new(root: impl Into<PathBuf>) -> Shelf {
        Shelf { root: root.into() }
    }

    /// Where the file of that digest lies or would lie.
    pub fn file(&self, digest: &Digest) -> PathBuf {
        let hex = digest.hex();
        self.root.join("sha256").join(&hex[..2]).join(format!("{hex}.file"))
    }

    /// Where the folder of a model lies or would lie.
    pub fn folder(&self, tree: &Digest) -> PathBuf {
        self.root.join(SOURCES_FOLDER).join(tree.hex())
    }

    /// Where a file that is being fetched is gathered.
    pub(crate) fn partial(&self, name: &str) -> PathBuf {
        self.root.join("partial").join(name)
    }

    /// Whether the file of that digest is there, its bytes proved. A damaged one is removed.
    pub(crate) fn has(&self, file: &LockedFile) -> bool {
        let path = self.file(&file.digest);
        let there = facts(&path);
        if there.is_some() && there != Some((file.size, file.digest)) {
            // A damaged file may not stand under the digest of another; whether it could be removed shows when it is written.
            let _ = fs::remove_file(&path);
            return false;
        }
        there.is_some()
    }

    /// Whether a model's folder is there with these files and no other, all their bytes proved.
    pub fn holds(&self, files: &[LockedFile]) -> bool {
        let folder = self.folder(&tree_digest(files));
        let right = |file: &LockedFile| facts(&folder.join(&file.path)) == Some((file.size, file.digest));
        files.iter().all(right) && count(&folder).is_ok_and(|count| count == files.len())
    }

    /// Whether a model's folder is there, all its bytes as the digest of its files says.
    pub fn proves(&self, tree: &Digest) -> bool {
        let folder = self.folder(tree);
        let mut files = vec![];
        let proved = list(&folder, &folder, &mut files);
        proved.is_ok() && tree_digest(&files) == *tree
    }

    /// Makes a model's folder of files that are there. It is there whole or not at all.
    ///
    /// # Errors
    ///
    /// If it cannot be written.
    pub fn lay(&self, files: &[LockedFile]) -> Result<PathBuf, Error> {
        let folder = self.folder(&tree_digest(files));
        if self.holds(files) {
            return Ok(folder);
        }
        let failed = |error: io::Error| Error::io("the model's folder cannot be written", &folder, &error);
        let sources = self.root.join(SOURCES_FOLDER);
        fs::create_dir_all(&sources).map_err(failed)?;
        let draft = tempfile::Builder::new().prefix(".draft-").tempdir_in(&sources).map_err(failed)?;
        for file in files {
            let path = draft.path().join(&file.path);
            fs::create_dir_all(path.parent().unwrap_or(draft.path())).map_err(failed)?;
            let from = self.file(&file.digest);
            // Not every file system has hard links.
            fs::hard_link(&from, &path).or_else(|_| fs::copy(&from, &path).map(drop)).map_err(failed)?;
        }
        if folder.exists() {
            fs::remove_dir_all(&folder).map_err(failed)?;
        }
        fs::rename(draft.path(), &folder).map_err(failed)?;
        // It has left its old name.
        let _ = draft.keep();
        if self.holds(files) {
            return Ok(folder);
        }
        let what = "the model's folder does not have the bytes that were written to it";
        Err(Error::new(Kind::Io, what).at(folder.display()).help("check the disk"))
    }
}

/// The length and digest of a regular file.
pub(crate) fn facts(path: &Path) -> Option<(u64, Digest)> {
    if !fs::symlink_metadata(path).ok()?.is_file() {
        return None;
    }
    let mut hasher = Hasher::default();
    let size = hasher.read(&mut File::open(path).ok()?).ok()?;
    Some((size, hasher.finish()))
}

/// The sha256 of what comes in pieces.
#[derive(Clone, Default)]
pub(crate) struct Hasher(sha2::Sha256);

impl Hasher {
    pub(crate) fn update(&mut self, bytes: &[u8]) {
        sha2::Digest::update(&mut self.0, bytes);
    }

    /// Takes all of a file, and says how long it is.
    pub(crate) fn read(&mut self, from: &mut impl Read) -> io::Result<u64> {
        let (mut buffer, mut size) = (vec![0; 1 << 16], 0);
        loop {
            match from.read(&mut buffer)? {
                0 => return Ok(size),
                read => {
                    self.update(&buffer[..read]);
                    size += read as u64;
                }
            }
        }
    }

    pub(crate) fn finish(self) -> Digest {
        Digest::from_bytes(sha2::Digest::finalize(self.0).into())
    }
}

/// All files of a folder by their paths in it, each with its length and digest.
fn list(root: &Path, folder: &Path, files: &mut Vec<LockedFile>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            list(root, &path, files)?;
            continue;
        }
        let (size, digest) = facts(&path).ok_or(io::ErrorKind::InvalidData)?;
        let below = path.strip_prefix(root).map_err(|_| io::ErrorKind::InvalidData)?;
        files.push(LockedFile { path: below.to_string_lossy().replace('\\', "/"), size, digest });
    }
    Ok(())
}

/// How many files a folder has, at any depth.
fn count(folder: &Path) -> io::Result<usize> {
    let mut found = 0;
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            if entry.file_type()?.is_dir() { folders.push(entry.path()) } else { found += 1 }
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_laid_whole_and_a_damaged_one_anew() {
        let store = tempfile::tempdir().expect("a temporary folder");
        let shelf = Shelf::new(store.path());
        let file = |path: &str, text: &str| LockedFile {
            path: path.into(),
            size: text.len() as u64,
            digest: Digest::of(text.as_bytes()),
        };
        let files = [file("a/b.json", "one"), file("c", "two"), file("d", "two")];
        for text in ["one", "two"] {
            let path = shelf.file(&Digest::of(text.as_bytes()));
            fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
            fs::write(path, text).expect("written");
        }
        let folder = shelf.lay(&files).expect("laid");
        assert!(shelf.holds(&files) && fs::read(folder.join("d")).expect("a file") == b"two");
        assert!(shelf.proves(&tree_digest(&files)) && !shelf.proves(&Digest::of(b"another")));
        for damage in ["c", "a/b.json"] {
            fs::remove_file(folder.join(damage)).expect("removed");
            assert!(!shelf.holds(&files) && !shelf.proves(&tree_digest(&files)));
            shelf.lay(&files).expect("laid again");
            fs::write(folder.join("more"), "").expect("written");
            assert!(!shelf.holds(&files), "a file more is no matter");
            shelf.lay(&files).expect("laid again");
            assert!(shelf.holds(&files));
        }
    }

    #[test]
    fn a_trees_digest_tells_paths_lengths_and_bytes_apart() {
        let file = |path: &str, size, bytes: &[u8]| LockedFile { path: path.into(), size, digest: Digest::of(bytes) };
        let one = [file("a", 1, b"a"), file("b", 1, b"b")];
        let other_order = [one[1].clone(), one[0].clone()];
        assert_eq!(tree_digest(&one), tree_digest(&other_order));
        for other in [file("a", 2, b"a"), file("c", 1, b"a"), file("a", 1, b"c")] {
            assert_ne!(tree_digest(&one), tree_digest(&[other, one[1].clone()]));
        }
    }
}
