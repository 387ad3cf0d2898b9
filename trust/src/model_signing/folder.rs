//! A model's folder, held against the files that its signature lists.

use super::manifest::{Covered, Manifest};
use modeldeploy_format::Digest;
use ring::digest::{Context, SHA256};
use std::collections::BTreeMap;
use std::fmt;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// The most files of a folder that are looked at.
const FILES: usize = 1 << 20;

/// How deep folders are followed: links may lead in circles.
const DEPTH: usize = 64;

/// How a folder differs from its signature, file by file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Difference {
    /// The signature lists it, and it is not there.
    Missing(String),
    /// It has other bytes.
    Changed(String),
    /// It is there, and the signature does not list it.
    Extra(String),
    /// It is a link, and the signer followed none.
    Link(String),
}

impl Difference {
    /// The path in the folder.
    pub fn path(&self) -> &str {
        match self {
            Difference::Missing(path)
            | Difference::Changed(path)
            | Difference::Extra(path)
            | Difference::Link(path) => path,
        }
    }

    /// What is the matter with it, in a word.
    pub fn what(&self) -> &'static str {
        match self {
            Difference::Missing(_) => "missing",
            Difference::Changed(_) => "changed",
            Difference::Extra(_) => "extra",
            Difference::Link(_) => "link",
        }
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path().escape_debug();
        match self {
            Difference::Missing(_) => write!(f, "`{path}` is missing"),
            Difference::Changed(_) => write!(f, "`{path}` has other bytes than those that were signed"),
            Difference::Extra(_) => write!(f, "`{path}` was not there when it was signed"),
            Difference::Link(_) => write!(f, "`{path}` is a link, and the signer followed none"),
        }
    }
}

/// A folder that cannot be read.
#[derive(Debug)]
pub struct FolderError {
    /// What could not be read.
    pub path: PathBuf,
    /// Why.
    pub error: io::Error,
}

impl fmt::Display for FolderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} cannot be read: {}", self.path.display(), self.error)
    }
}

impl std::error::Error for FolderError {}

/// What differs between a model (a folder, or one file) and its signature, sorted; `beside` are signatures, which no signature lists.
///
/// # Errors
///
/// If a file cannot be read.
pub fn compare(model: &Path, manifest: &Manifest, beside: &[PathBuf]) -> Result<Vec<Difference>, FolderError> {
    if model.is_file() {
        return one_file(model, manifest);
    }
    let beside: Vec<PathBuf> = beside.iter().filter_map(|path| path.canonicalize().ok()).collect();
    let mut found = Found::default();
    walk(model, "", 0, &mut found)?;
    let mut differences = vec![];
    for (path, entry) in &found.entries {
        if manifest.ignores(path) || entry.file.canonicalize().is_ok_and(|file| beside.contains(&file)) {
            continue;
        }
        if entry.link && !manifest.links {
            differences.push(Difference::Link(path.clone()));
            continue;
        }
        match hashed(&entry.file, path, manifest)? {
            Covered::Yes => {}
            Covered::No => differences.push(Difference::Extra(path.clone())),
            _ => differences.push(Difference::Changed(path.clone())),
        }
    }
    let missing = manifest.paths().into_iter().filter(|path| !found.entries.contains_key(*path));
    differences.extend(missing.map(|path| Difference::Missing(path.to_owned())));
    differences.sort();
    Ok(differences)
}

/// A model of one file is listed by its name, or was once by a dot.
fn one_file(model: &Path, manifest: &Manifest) -> Result<Vec<Difference>, FolderError> {
    let own = model.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let paths = manifest.paths();
    let path = match paths.first() {
        Some(path) if paths.len() == 1 => *path,
        _ => own.as_str(),
    };
    let mut differences = match hashed(model, path, manifest)? {
        Covered::Yes => vec![],
        Covered::No => vec![Difference::Extra(own.clone())],
        _ => vec![Difference::Changed(own.clone())],
    };
    let missing = paths.iter().filter(|listed| **listed != path);
    differences.extend(missing.map(|path| Difference::Missing((*path).to_owned())));
    Ok(differences)
}

#[derive(Default)]
pub(super) struct Found {
    /// By the path in the folder, with `/`.
    pub(super) entries: BTreeMap<String, Entry>,
}

pub(super) struct Entry {
    pub(super) file: PathBuf,
    /// Whether a link led there.
    pub(super) link: bool,
}

/// Every file of a folder, through links too.
pub(super) fn walk(folder: &Path, prefix: &str, depth: usize, found: &mut Found) -> Result<(), FolderError> {
    let unread = |path: &Path, error| FolderError { path: path.to_owned(), error };
    let many = |what: &str| io::Error::other(format!("there are too many {what}"));
    if depth > DEPTH {
        return Err(unread(folder, many("folders within folders, or a link leads in circles")));
    }
    for entry in fs::read_dir(folder).map_err(|error| unread(folder, error))? {
        let file = entry.map_err(|error| unread(folder, error))?.path();
        let Some(name) = file.file_name().and_then(|name| name.to_str()) else {
            return Err(unread(&file, io::Error::other("its name is not UTF-8, which no signature can list")));
        };
        let path = format!("{prefix}{name}");
        // Git's own is never looked into.
        if prefix.is_empty() && super::manifest::IGNORED.contains(&name) {
            continue;
        }
        let link = fs::symlink_metadata(&file).map_err(|error| unread(&file, error))?.is_symlink();
        let is_folder = file.is_dir();
        if is_folder && !link {
            walk(&file, &format!("{path}/"), depth + 1, found)?;
            continue;
        }
        if found.entries.len() == FILES {
            return Err(unread(folder, many("files")));
        }
        if !is_folder {
            found.entries.insert(path, Entry { file, link });
        } else {
            // What is behind it is part of the model only where links are followed, and then each of its files is there by a link.
            let mut behind = Found::default();
            walk(&file, &format!("{path}/"), depth + 1, &mut behind)?;
            let linked = behind.entries.into_iter().map(|(path, entry)| (path, Entry { link: true, ..entry }));
            found.entries.extend(linked);
        }
    }
    Ok(())
}

/// Whether the bytes of a file are those that the manifest lists at `path`.
fn hashed(file: &Path, path: &str, manifest: &Manifest) -> Result<Covered, FolderError> {
    let unread = |error| FolderError { path: file.to_owned(), error };
    let mut opened = File::open(file).map_err(unread)?;
    if !opened.metadata().map_err(unread)?.is_file() {
        return Err(unread(io::Error::other("it is no file")));
    }
    manifest.covers_bytes(path, &mut opened).map(|(covered, _)| covered).map_err(unread)
}

/// The shards of a file by where they begin: their names are sorted as texts.
fn sorted<'m>(manifest: &'m Manifest, path: &'m str) -> impl Iterator<Item = ((u64, u64), &'m Digest)> {
    let mut shards: Vec<_> = manifest.shards(path).collect();
    shards.sort_unstable_by_key(|(range, _)| *range);
    shards.into_iter()
}

/// Where a shard begins and ends, with its digest.
type Shard = ((u64, u64), Digest);

/// The digest of all that is read, and of each shard of it; without a length of shards it is one.
pub(super) fn digests(file: &mut impl Read, shard: Option<u64>) -> io::Result<(Digest, Vec<Shard>)> {
    let shard = shard.unwrap_or(u64::MAX);
    let finish =
        |context: Context| Digest::from_bytes(context.finish().as_ref().try_into().expect("sha256 has 32 bytes"));
    let (mut whole, mut shards, mut start) = (Context::new(&SHA256), vec![], 0_u64);
    let mut buffer = vec![0; 1 << 17];
    loop {
        let (mut context, mut length) = (Context::new(&SHA256), 0_u64);
        while length < shard {
            let room = usize::try_from(shard - length).unwrap_or(usize::MAX).min(buffer.len());
            let read = match file.read(&mut buffer[..room]) {
                Ok(0) => break,
                Ok(read) => read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            whole.update(&buffer[..read]);
            context.update(&buffer[..read]);
            length += read as u64;
        }
        if length == 0 {
            return Ok((finish(whole), shards));
        }
        shards.push(((start, start + length), finish(context)));
        start += length;
    }
}

impl Manifest {
    /// Whether it is of these bytes at this path, and their own digest: for a file of several shards, whose digest as a whole no
    /// signature has.
    ///
    /// # Errors
    ///
    /// If they cannot be read.
    pub fn covers_bytes(&self, path: &str, bytes: &mut impl Read) -> io::Result<(Covered, Digest)> {
        let (whole, shards) = digests(bytes, self.shard)?;
        let size = shards.last().map_or(0, |((_, end), _)| *end);
        let covered = match self.covers(path, size, &whole) {
            Covered::Shards if shards.iter().map(|(range, it)| (*range, it)).eq(sorted(self, path)) => Covered::Yes,
            Covered::Shards => Covered::Differs,
            other => other,
        };
        Ok((covered, whole))
    }
}
