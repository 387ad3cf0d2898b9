//! The files that the layers of an image leave, as whoever unpacks them gets them.
//!
//! A layer adds files over those below it and takes some away: `.wh.shop` in a folder takes `shop` out of it, `.wh..wh..opq` all that
//! lower layers have there.

use super::entries::Entry;
use crate::Error;
use std::collections::{BTreeMap, BTreeSet};

const WHITEOUT: &str = ".wh.";
const OPAQUE: &str = ".wh..wh..opq";
/// Notes of a file system that layers were once made by.
const NOTES: &str = ".wh..wh.";

/// What a path is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    File,
    Folder,
    /// Symbolic or hard.
    Link,
    /// A device, a pipe.
    Other,
}

/// Paths from the root, each with what it is and which layer it is of.
#[derive(Default)]
pub(super) struct Tree {
    nodes: BTreeMap<String, (Kind, usize)>,
    /// What the layer that is being read has added, and what it has taken away.
    added: BTreeSet<String>,
    removed: BTreeSet<String>,
}

impl Tree {
    /// The entries that follow are of the next layer.
    pub(super) fn begin_layer(&mut self) {
        self.added.clear();
        self.removed.clear();
    }

    /// Adds an entry of the layer of that number.
    pub(super) fn add(&mut self, layer: usize, entry: &Entry) -> Result<(), Error> {
        let path = &entry.path;
        let refuse = |why: String| Error::altered(format!("layer {}: {why}", layer + 1));
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
        if let Some(through) =
            ancestors(path).find(|it| self.nodes.get(*it).is_some_and(|(kind, _)| *kind != Kind::Folder))
        {
            return Err(refuse(format!("`{path}` goes through `{through}`, which is no folder")));
        }
        if name == OPAQUE {
            self.remove_below(folder, layer);
            return Ok(());
        }
        if name.starts_with(NOTES) {
            return Ok(());
        }
        if let Some(name) = name.strip_prefix(WHITEOUT) {
            let gone = join(&[folder, name]);
            if matches!(name, "" | "." | "..") || self.has_added(&gone) {
                return Err(refuse(format!("`{path}` takes away what the layer itself adds, or nothing")));
            }
            self.nodes.remove(&gone);
            self.remove_below(&gone, layer);
            self.removed.insert(gone);
            return Ok(());
        }
        if ancestors(path).chain([path.as_str()]).any(|it| self.removed.contains(it)) {
            return Err(refuse(format!("`{path}` is added and taken away")));
        }
        let is_new = self.added.insert(path.clone());
        if entry.kind != Kind::Folder {
            if !is_new || path.is_empty() {
                return Err(refuse(format!("`{path}` is in it twice")));
            }
            if self.children(path).any(|below| self.added.contains(below)) {
                return Err(refuse(format!("`{path}` is a folder and a file")));
            }
            self.remove_below(path, layer + 1);
        } else if !is_new && self.nodes.get(path).is_some_and(|(kind, _)| *kind != Kind::Folder) {
            return Err(refuse(format!("`{path}` is in it twice")));
        }
        self.nodes.insert(path.clone(), (entry.kind, layer));
        Ok(())
    }

    /// What lies at a path, and in which layer.
    pub(super) fn get(&self, path: &str) -> Option<(Kind, usize)> {
        self.nodes.get(path).copied()
    }

    /// The first link among a path and the folders on the way to it.
    pub(super) fn link_on_the_way<'p>(&self, path: &'p str) -> Option<&'p str> {
        ancestors(path).chain([path]).find(|it| self.nodes.get(*it).is_some_and(|(kind, _)| *kind == Kind::Link))
    }

    /// The files in a folder whose names end so, each with its layer.
    pub(super) fn files_in(&self, folder: &str, ending: &str) -> impl Iterator<Item = (String, usize)> {
        let own = |path: &str| path[folder.len()..].trim_start_matches('/').contains('/');
        let files = self.children(folder).filter(move |path| !own(path) && path.ends_with(ending));
        files.filter_map(|path| match self.nodes[path] {
            (Kind::File, layer) => Some((path.clone(), layer)),
            _ => None,
        })
    }

    /// All that lies below a folder.
    fn children(&self, folder: &str) -> impl Iterator<Item = &String> {
        let prefix = if folder.is_empty() { String::new() } else { format!("{folder}/") };
        let from = self.nodes.range(prefix.clone()..).map(|(path, _)| path);
        from.take_while(move |path| path.starts_with(&prefix)).filter(|path| !path.is_empty())
    }

    /// Takes away what layers under `layer` have below a folder.
    fn remove_below(&mut self, folder: &str, layer: usize) {
        let gone: Vec<String> = self.children(folder).filter(|path| self.nodes[*path].1 < layer).cloned().collect();
        for path in gone {
            self.nodes.remove(&path);
        }
    }

    /// Whether the layer has added this or something below it.
    fn has_added(&self, path: &str) -> bool {
        self.added.contains(path) || self.children(path).any(|below| self.added.contains(below))
    }
}

/// The folders on the way to a path, the outermost first.
fn ancestors(path: &str) -> impl Iterator<Item = &str> {
    path.match_indices('/').map(|(at, _)| &path[..at])
}

/// Parts of a path with slashes between, the empty ones left out.
pub(super) fn join(parts: &[&str]) -> String {
    parts.iter().filter(|part| !part.is_empty()).copied().collect::<Vec<_>>().join("/")
}
