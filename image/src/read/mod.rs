//! The program of an image, found without unpacking anything to a disk.
//!
//! Folders in the layout of OCI and archives of OCI or Docker are read. All of their bytes are held against their digests, the layers
//! before and after they are unpacked, and what unpackers could understand differently, each to another program, is refused: names that
//! leave the root or go through links, files that are there twice, two lists of contents that differ.

mod budget;
mod documents;
mod entries;
mod header;
mod layer;
mod source;
mod tree;

pub use budget::Limits;

use crate::platform::Platform;
use crate::spec::{Configuration, Execution};
use crate::{Error, PACKS_VARIABLE};
use budget::Budget;
use documents::Documents;
use entries::Entry;
use layer::walk;
use modeldeploy_format::Digest;
use source::Source;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, Read, Seek};
use std::path::Path;
use tree::{Kind, Tree, join};

/// Where a program is looked for whose path is not said.
const USUAL_PATH: &str = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// An image, and the program that it starts.
#[derive(Clone, Debug)]
pub struct Found {
    /// The image's digest: of its manifest, or of its configuration where it is Docker's alone.
    pub digest: Digest,
    /// What it runs on.
    pub platform: Platform,
    /// As whom it runs; root where that is empty.
    pub user: String,
    /// What it says of itself.
    pub labels: BTreeMap<String, String>,
    /// How many layers it has.
    pub layers: usize,
    /// Where the program lies in it.
    pub path: String,
    /// The program.
    pub program: Vec<u8>,
    /// Where it would look for packs: beside the program, or where the image says.
    pub packs_folder: String,
    /// The packs there.
    pub packs: Vec<FoundPack>,
}

/// A pack in an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundPack {
    /// Where it lies.
    pub path: String,
    /// Of its bytes.
    pub digest: Digest,
    /// Its length in bytes.
    pub size: u64,
}

/// Whether `path` looks like an image: a folder, or a file that begins as an archive does.
pub fn is_image(path: &Path) -> bool {
    let mut head = vec![];
    path.is_dir()
        || File::open(path).is_ok_and(|file| {
            file.take(262).read_to_end(&mut head).is_ok() && head.get(257..262).is_some_and(|magic| magic == b"ustar")
        })
}

/// Finds the program of the image at `path`, a folder or an archive.
///
/// # Errors
///
/// If it is no image, one that cannot be read, or one whose parts do not match.
pub fn open(path: &Path) -> Result<Found, Error> {
    let mut budget = Budget::new(Limits::default());
    if path.is_dir() {
        return find(Source::folder(path), budget);
    }
    let file = File::open(path).map_err(Error::at(path))?;
    let source = Source::archive(file, &mut budget)?;
    find(source, budget)
}

/// Finds the program of the image in an archive.
///
/// # Errors
///
/// As [`open`].
pub fn open_archive(archive: impl Read + Seek + 'static, limits: Limits) -> Result<Found, Error> {
    let mut budget = Budget::new(limits);
    let source = Source::archive(archive, &mut budget)?;
    find(source, budget)
}

fn find(mut source: Source, mut budget: Budget) -> Result<Found, Error> {
    let Documents { digest, configuration, layers } = documents::read(&mut source, &budget)?;
    let mut tree = Tree::default();
    for (at, layer) in layers.iter().enumerate() {
        tree.begin_layer();
        walk(&mut source, layer, &mut budget, |entry, _| tree.add(at, &entry))?;
    }
    let execution = &configuration.config;
    let (path, lies_in) = program(execution, &tree)?;
    let most = budget.limits.program;
    let folder = variable(execution, PACKS_VARIABLE).map_or(format!("{path}.packs"), |folder| inside(folder, "/"));
    let packs: BTreeMap<String, usize> = tree.files_in(&folder, ".pack").collect();
    let (mut program, mut found) = (None, vec![]);
    for at in packs.values().copied().chain([lies_in]).collect::<BTreeSet<_>>() {
        walk(&mut source, &layers[at], &mut budget, |entry, mut bytes| {
            if at == lies_in && entry.path == path {
                program = Some(take(&entry, most, bytes)?);
            } else if packs.get(&entry.path) == Some(&at) {
                let mut hashing = crate::hashing::Hashing::new(io::sink());
                io::copy(&mut bytes, &mut hashing)
                    .map_err(|error| Error::altered(format!("/{}: {error}", entry.path)))?;
                let (_, digest, size) = hashing.finish();
                if !entry.path.ends_with(&format!("/{}.pack", digest.hex())) {
                    return Err(Error::altered(format!(
                        "/{} has the digest {digest}, which is not its name",
                        entry.path
                    )));
                }
                found.push(FoundPack { path: format!("/{}", entry.path), digest, size });
            }
            Ok(())
        })?;
    }
    let program = program.ok_or_else(|| Error::altered(format!("/{path} was there and is not")))?;
    let Configuration { platform, config, .. } = configuration;
    let (user, labels, layers) = (config.user, config.labels, layers.len());
    let packs_folder = format!("/{folder}");
    Ok(Found { digest, platform, user, labels, layers, path: format!("/{path}"), program, packs_folder, packs: found })
}

/// Where the program lies that the image starts, from its root, and in which layer.
fn program(execution: &Execution, tree: &Tree) -> Result<(String, usize), Error> {
    let word = execution.entrypoint.iter().chain(&execution.cmd).next();
    let word = word.filter(|word| !word.is_empty()).ok_or_else(|| Error::unreadable("the image starts no program"))?;
    let candidates: Vec<String> = if word.contains('/') {
        vec![inside(word, &execution.working_dir)]
    } else {
        let path = variable(execution, "PATH").unwrap_or(&USUAL_PATH["PATH=".len()..]);
        path.split(':').map(|folder| inside(word, &inside(folder, &execution.working_dir))).collect()
    };
    for path in &candidates {
        if let Some(link) = tree.link_on_the_way(path) {
            return Err(Error::unreadable(format!(
                "what it starts, /{path}, is or goes through the link /{link}: links are not followed"
            )));
        }
        match tree.get(path) {
            Some((Kind::File, layer)) => return Ok((path.clone(), layer)),
            Some((Kind::Folder, _)) | None => {}
            Some(_) => return Err(Error::unreadable(format!("what it starts, /{path}, is no file"))),
        }
    }
    Err(Error::unreadable(format!("what it starts, {word}, is not in it")))
}

/// The path of `path` from the root, where it is said in the folder `folder`.
fn inside(path: &str, folder: &str) -> String {
    let whole = if path.starts_with('/') { path.to_owned() } else { format!("{folder}/{path}") };
    let mut parts: Vec<&str> = vec![];
    for part in whole.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    join(&parts)
}

/// The value of a variable; of several of its name the last, as the kernel's readers mostly have it.
fn variable<'e>(execution: &'e Execution, name: &str) -> Option<&'e str> {
    execution.env.iter().rev().find_map(|variable| variable.strip_prefix(name)?.strip_prefix('='))
}

/// The bytes of the program.
fn take(entry: &Entry, most: u64, bytes: &mut dyn Read) -> Result<Vec<u8>, Error> {
    let Entry { path, size, .. } = entry;
    if *size > most {
        return Err(Error::unreadable(format!("/{path} has {size} bytes, and programs of up to {most} are read")));
    }
    let mut program = vec![];
    bytes.take(*size).read_to_end(&mut program).map_err(|error| Error::altered(format!("/{path}: {error}")))?;
    Ok(program)
}
