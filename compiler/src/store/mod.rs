//! The content-addressed store: `.modeldeploy/sha256/ab/<sha256>.<kind>` beside `Model.lock`.
//!
//! It holds what is too large to commit and can be made again: compressed weights, golden vectors, packs, indexes. A file's name is
//! the digest of its bytes, so nothing in it is ever changed; writes go through a temporary file and a rename, and every read
//! proves the digest. `MODELDEPLOY_STORE` moves it, also to a place that several workspaces share.

mod atomic;
mod division;
mod hold;
mod workspaces;

pub use atomic::write_atomically;
pub use hold::Hold;
pub use modeldeploy::link::Mapping;

use crate::diagnostic::{Code, Diagnostic};
use modeldeploy_format::Digest;
use modeldeploy_format::lock::{SOURCES_FOLDER, STORE_FOLDER};
use modeldeploy_format::pack::Aligned;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// A file that the store does not have.
pub const ABSENT: Code = Code("MD0801");
/// A file of the store whose bytes are not those that its name promises.
pub const DAMAGED: Code = Code("MD0802");
/// A file that cannot be written or read.
pub const IO: Code = Code("MD0803");

/// The environment variable that moves the store.
pub const VARIABLE: &str = modeldeploy_format::variables::STORE;

/// What a file of the store holds; its ending.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A compressed model: what packs are made of.
    Compressed,
    /// Golden vectors.
    Golden,
    /// A pack.
    Pack,
    /// An index.
    Index,
    /// A file of a model that was fetched.
    File,
    /// A note of what has come out as it is locked.
    Derived,
}

impl Kind {
    const ALL: [Kind; 6] = [Kind::Compressed, Kind::Golden, Kind::Pack, Kind::Index, Kind::File, Kind::Derived];

    /// The ending of its files' names.
    pub const fn ending(self) -> &'static str {
        match self {
            Kind::Compressed => "compressed",
            Kind::Golden => "golden",
            Kind::Pack => "pack",
            Kind::Index => "index",
            Kind::File => "file",
            Kind::Derived => "derived",
        }
    }
}

/// A folder of files named by their digest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Store {
    root: PathBuf,
}

impl Store {
    /// The store in `root`, which need not be there yet.
    pub fn at(root: impl Into<PathBuf>) -> Store {
        Store { root: root.into() }
    }

    /// The store of the workspace whose `Model.lock` lies in `folder`: `MODELDEPLOY_STORE` if it is set.
    pub fn beside(folder: &Path) -> Store {
        match std::env::var_os(VARIABLE) {
            Some(root) if !root.is_empty() => Store::at(folder.join(root)),
            _ => Store::at(folder.join(STORE_FOLDER)),
        }
    }

    /// Its folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Where the file of that digest lies or would lie.
    pub fn path(&self, digest: &Digest, kind: Kind) -> PathBuf {
        let hex = digest.hex();
        self.root.join("sha256").join(&hex[..2]).join(format!("{hex}.{}", kind.ending()))
    }

    /// Where the folder of a fetched model lies or would lie, by the digest of all its files.
    pub fn source_path(&self, tree: &Digest) -> PathBuf {
        self.root.join(SOURCES_FOLDER).join(tree.hex())
    }

    /// Whether there is a folder.
    pub(crate) fn is_folder(path: &Path) -> bool {
        path.is_dir()
    }

    /// Removes the folders of fetched models that `keep` does not name, and what was cut off on its way here. What the folders hold is
    /// the store's files under other names, so nothing of it counts.
    ///
    /// # Errors
    ///
    /// If one cannot be removed.
    pub fn remove_other_sources(&self, keep: &[PathBuf]) -> Result<(), Diagnostic> {
        let entries = fs::read_dir(self.root.join(SOURCES_FOLDER)).into_iter().flatten();
        let sources = entries.filter_map(|entry| Some(entry.ok()?.path())).filter(|path| !keep.contains(path));
        for path in sources.chain([self.root.join("partial")]) {
            match fs::remove_dir_all(&path) {
                Err(error) if error.kind() != ErrorKind::NotFound => {
                    let message = format!("a folder of the store cannot be removed: {error}");
                    return Err(Diagnostic::new(IO, message).at(path.display().to_string()));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Whether there is a file of that digest; its bytes are not read.
    pub fn has(&self, digest: &Digest, kind: Kind) -> bool {
        self.path(digest, kind).is_file()
    }

    /// Stores bytes and says their digest. Bytes that are there already are proved and kept; a damaged file is replaced.
    ///
    /// # Errors
    ///
    /// If they cannot be written, such as on a full disk; nothing half written is left.
    pub fn put(&self, bytes: &[u8], kind: Kind) -> Result<Digest, Diagnostic> {
        let digest = Digest::of(bytes);
        if self.get(&digest, kind).is_err() {
            write_atomically(&self.path(&digest, kind), bytes)?;
        }
        Ok(digest)
    }

    /// The bytes of that digest, proved.
    ///
    /// # Errors
    ///
    /// If there is no such file, or its bytes have another digest.
    pub fn get(&self, digest: &Digest, kind: Kind) -> Result<Aligned, Diagnostic> {
        self.mapped(digest, kind).map(|mapping| Aligned::copy(mapping.bytes()))
    }

    /// The same where they lie: however many they are, they take no memory of this process.
    ///
    /// # Errors
    ///
    /// As [`get`](Store::get).
    pub fn mapped(&self, digest: &Digest, kind: Kind) -> Result<Mapping, Diagnostic> {
        let path = self.path(digest, kind);
        let file = fs::File::open(&path).and_then(|file| Mapping::of(&file));
        let mapping = file.map_err(|error| match error.kind() {
            ErrorKind::NotFound => Diagnostic::new(ABSENT, format!("the store has no {} {digest}", kind.ending()))
                .at(path.display().to_string())
                .help("`cargo modeldeploy lock` makes it again from the model's folder"),
            _ => {
                Diagnostic::new(IO, format!("the store's file cannot be read: {error}")).at(path.display().to_string())
            }
        })?;
        prove(&path, mapping.bytes())?;
        Ok(mapping)
    }

    /// Takes the store for this process, which works for the workspace in `folder`, until the hold is dropped; `waiting` is called
    /// once if another has it, before it is waited for.
    ///
    /// # Errors
    ///
    /// If the store's folder cannot be written.
    pub fn hold(&self, folder: &Path, waiting: impl FnOnce()) -> Result<Hold, Diagnostic> {
        let hold = Hold::take(&self.root, waiting)?;
        self.enlist(folder)?;
        Ok(hold)
    }

    /// Removes all files that `keep` does not name, and says which, with their lengths.
    ///
    /// # Errors
    ///
    /// If a folder cannot be read, or for each file that cannot be removed.
    pub fn remove_others(&self, keep: &[PathBuf]) -> Result<Vec<(PathBuf, u64)>, Vec<Diagnostic>> {
        let others = self.others(keep).map_err(|error| vec![error])?;
        let wrong = others.iter().filter_map(|(path, _)| {
            let error = fs::remove_file(path).err()?;
            let message = format!("a file of the store cannot be removed: {error}");
            Some(Diagnostic::new(IO, message).at(path.display().to_string()))
        });
        let wrong: Vec<Diagnostic> = wrong.collect();
        if wrong.is_empty() { Ok(others) } else { Err(wrong) }
    }

    /// All files of the store that `keep` does not name, with their lengths.
    ///
    /// # Errors
    ///
    /// If a folder cannot be read.
    fn others(&self, keep: &[PathBuf]) -> Result<Vec<(PathBuf, u64)>, Diagnostic> {
        let mut found = vec![];
        let unreadable = |path: &Path, error: std::io::Error| {
            Diagnostic::new(IO, format!("the store cannot be read: {error}")).at(path.display().to_string())
        };
        let mut folders = vec![self.root.join("sha256")];
        while let Some(folder) = folders.pop() {
            let entries = match fs::read_dir(&folder) {
                Ok(entries) => entries,
                Err(error) if error.kind() == ErrorKind::NotFound => continue,
                Err(error) => return Err(unreadable(&folder, error)),
            };
            for entry in entries {
                let entry = entry.map_err(|error| unreadable(&folder, error))?;
                let (path, facts) = (entry.path(), entry.metadata().map_err(|error| unreadable(&folder, error))?);
                if facts.is_dir() {
                    folders.push(path);
                } else if !keep.contains(&path) {
                    found.push((path, facts.len()));
                }
            }
        }
        found.sort();
        Ok(found)
    }
}

/// Maps a file that lies anywhere: however long it is, it is read where it is looked at.
///
/// # Errors
///
/// If it cannot be read, or is no file.
pub fn map(path: &Path) -> Result<Mapping, Diagnostic> {
    fs::File::open(path).and_then(|file| Mapping::of(&file)).map_err(|error| {
        Diagnostic::new(IO, format!("the file cannot be read: {error}")).at(path.display().to_string())
    })
}

/// Refuses the bytes of a file that a store named for others. A file whose name is none of a store's may hold anything.
///
/// # Errors
///
/// If the file's name promises another digest.
pub fn prove(path: &Path, bytes: &[u8]) -> Result<(), Diagnostic> {
    let Some((kind, promised)) = promise(path) else { return Ok(()) };
    let found = Digest::of(bytes);
    if found == promised {
        return Ok(());
    }
    Err(Diagnostic::new(DAMAGED, format!("the store's {} is damaged: its bytes are {found}", kind.ending()))
        .at(path.display().to_string())
        .help("`cargo modeldeploy lock` makes it again; check the disk if it happens twice"))
}

/// What the name of a store's file says that it holds.
fn promise(path: &Path) -> Option<(Kind, Digest)> {
    let (hex, ending) = path.file_name()?.to_str()?.split_once('.')?;
    let kind = Kind::ALL.into_iter().find(|kind| kind.ending() == ending)?;
    Some((kind, format!("sha256:{hex}").parse().ok()?))
}

#[cfg(test)]
mod tests;
