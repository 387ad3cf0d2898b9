//! A model's folder: regular files of bounded size inside it, each remembered with its length and digest, and what was looked for
//! in vain.

use super::codes;
use super::weights::Mapping;
use crate::diagnostic::Diagnostic;
use modeldeploy_format::Digest;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::Read;
use std::path::{Component, Path, PathBuf};

/// The longest configuration file: real ones are a few kilobytes, an index of shards a few hundred.
const MAX_CONFIG: u64 = 16 << 20;

/// The longest file of a tokenizer: XLM-RoBERTa's has 17 MB.
const MAX_TOKENIZER: u64 = 256 << 20;

/// A file that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceFile {
    /// Its path in the model's folder, with `/`.
    pub path: String,
    /// Its length in bytes.
    pub size: u64,
    /// Its digest.
    pub digest: Digest,
}

/// A folder, and what was read of it.
#[derive(Debug)]
pub(super) struct Folder {
    root: PathBuf,
    read: BTreeMap<String, SourceFile>,
    absent: BTreeSet<String>,
}

impl Folder {
    pub(super) fn open(root: &Path) -> Result<Folder, Diagnostic> {
        let place = root.display().to_string();
        match fs::metadata(root) {
            Ok(metadata) if metadata.is_dir() => {
                Ok(Folder { root: root.to_owned(), read: BTreeMap::new(), absent: BTreeSet::new() })
            }
            Ok(_) => Err(Diagnostic::new(codes::UNREADABLE, "a model's source must be a folder")
                .at(place)
                .help("name the folder that holds `config.json`")),
            Err(error) => Err(Diagnostic::new(codes::UNREADABLE, format!("cannot open the folder: {error}"))
                .at(place)
                .help("check the path of the model's `source`")),
        }
    }

    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    /// Where `path` is, as an error says it.
    pub(super) fn place(&self, path: &str) -> String {
        self.root.join(path).display().to_string()
    }

    /// Whether something of that name is there, of whatever kind, readable or not.
    pub(super) fn has(&mut self, path: &str) -> bool {
        let found = fs::symlink_metadata(self.root.join(path)).is_ok();
        if !found {
            self.absent.insert(path.to_owned());
        }
        found
    }

    /// The bytes of a configuration file, or `None` where there is none.
    pub(super) fn read(&mut self, path: &str) -> Result<Option<Vec<u8>>, Diagnostic> {
        self.read_at_most(path, MAX_CONFIG)
    }

    /// The bytes of a tokenizer's file, or `None` where there is none.
    pub(super) fn read_tokenizer(&mut self, path: &str) -> Result<Option<Vec<u8>>, Diagnostic> {
        self.read_at_most(path, MAX_TOKENIZER)
    }

    fn read_at_most(&mut self, path: &str, most: u64) -> Result<Option<Vec<u8>>, Diagnostic> {
        if !self.has(path) {
            return Ok(None);
        }
        let (file, size) = self.file(path)?;
        if size > most {
            return Err(Diagnostic::new(codes::UNREADABLE, format!("{size} bytes are too many for such a file"))
                .at(self.place(path))
                .help(format!("at most {most} bytes are read; is this another kind of file?")));
        }
        let mut bytes = Vec::new();
        file.take(most).read_to_end(&mut bytes).map_err(|error| self.unreadable(path, &error))?;
        self.refuse_stand_in(path, &bytes, "the model's file")?;
        self.remember(path, &bytes);
        Ok(Some(bytes))
    }

    /// A file of weights, mapped.
    pub(super) fn map(&mut self, path: &str) -> Result<Mapping, Diagnostic> {
        let (file, size) = self.file(path)?;
        if size == 0 {
            return Err(Diagnostic::new(codes::BAD_HEADER, "the file is empty")
                .at(self.place(path))
                .help("download or export it again"));
        }
        let mapping = Mapping::of(&file).map_err(|error| self.unreadable(path, &error))?;
        self.refuse_stand_in(path, mapping.bytes(), "weights")?;
        self.remember(path, mapping.bytes());
        Ok(mapping)
    }

    /// All that was read, and the paths of all that was looked for and not there; both sorted by path.
    pub(super) fn finish(self) -> (Vec<SourceFile>, Vec<String>) {
        (self.read.into_values().collect(), self.absent.into_iter().collect())
    }

    fn remember(&mut self, path: &str, bytes: &[u8]) {
        let file = SourceFile { path: path.to_owned(), size: bytes.len() as u64, digest: Digest::of(bytes) };
        self.read.insert(path.to_owned(), file);
    }

    /// Refuses what a download left in the place of the file, which is `wanted`.
    fn refuse_stand_in(&self, path: &str, bytes: &[u8], wanted: &str) -> Result<(), Diagnostic> {
        let (message, help) = match StandIn::of(bytes) {
            Some(StandIn::GitLfs) => (
                format!("the file is a Git LFS pointer, not {wanted}"),
                "run `git lfs pull` in the model's folder (`git lfs install` once before)",
            ),
            Some(StandIn::WebPage) => (
                format!("the file is a web page, not {wanted}"),
                "download the file itself: on Hugging Face its address has `/resolve/`, not `/blob/`",
            ),
            None => return Ok(()),
        };
        Err(Diagnostic::new(codes::STAND_IN, message).at(self.place(path)).help(help))
    }

    /// Opens a regular file. Its kind is looked at first, for opening a pipe would wait for a writer.
    fn file(&self, path: &str) -> Result<(File, u64), Diagnostic> {
        if !is_inside(path) {
            return Err(Diagnostic::new(codes::UNREADABLE, format!("`{path}` leads out of the model's folder"))
                .at(self.root.display().to_string())
                .help("paths in a model's files must be relative and without `..`"));
        }
        let full = self.root.join(path);
        let metadata = fs::metadata(&full).map_err(|error| self.unreadable(path, &error))?;
        if !metadata.is_file() {
            let what =
                if metadata.is_dir() { "a folder stands where a file is expected" } else { "not a regular file" };
            return Err(Diagnostic::new(codes::UNREADABLE, what)
                .at(self.place(path))
                .help("put the model's own file there"));
        }
        let file = File::open(&full).map_err(|error| self.unreadable(path, &error))?;
        Ok((file, metadata.len()))
    }

    fn unreadable(&self, path: &str, error: &std::io::Error) -> Diagnostic {
        let help = match error.kind() {
            std::io::ErrorKind::NotFound => {
                "download the model again: a file that it names is missing, or a link leads nowhere"
            }
            std::io::ErrorKind::PermissionDenied => "make the file readable for the user who runs this",
            _ => "check the file and its file system",
        };
        Diagnostic::new(codes::UNREADABLE, format!("cannot read the file: {error}")).at(self.place(path)).help(help)
    }
}

/// What a download can leave in the place of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum StandIn {
    /// A clone without Git LFS: <https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md>.
    GitLfs,
    WebPage,
}

impl StandIn {
    fn of(bytes: &[u8]) -> Option<StandIn> {
        let start = bytes.trim_ascii_start();
        let begins = |with: &str| start.get(..with.len()).is_some_and(|it| it.eq_ignore_ascii_case(with.as_bytes()));
        if begins("version https://git-lfs") {
            Some(StandIn::GitLfs)
        } else if begins("<!doctype") || begins("<html") {
            Some(StandIn::WebPage)
        } else {
            None
        }
    }
}

/// Whether a path taken from a file stays in the folder: relative, and only plain names in it.
pub(super) fn is_inside(path: &str) -> bool {
    let mut parts = Path::new(path).components().peekable();
    parts.peek().is_some() && parts.all(|part| matches!(part, Component::Normal(_))) && !path.contains(['\0', '\\'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_names_stay_inside() {
        for (path, inside) in [
            ("model.safetensors", true),
            ("1_Pooling/config.json", true),
            ("", false),
            ("/etc/passwd", false),
            ("../model.safetensors", false),
            ("a/../../b", false),
            ("..\\b", false),
            ("a\0b", false),
        ] {
            assert_eq!(is_inside(path), inside, "{path:?}");
        }
    }
}
