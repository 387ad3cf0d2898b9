//! Where the files of an image lie: in a folder, or in an archive that is read where it is.

use super::budget::Budget;
use super::entries;
use super::tree::Kind;
use crate::Error;
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

/// What is read and sought in.
pub(super) trait ReadSeek: Read + Seek {}
impl<T: Read + Seek> ReadSeek for T {}

/// Files by their paths.
pub(super) enum Source {
    Folder(PathBuf),
    Archive {
        archive: Box<dyn ReadSeek>,
        /// Where each begins, and its length; none for what is no file.
        files: BTreeMap<String, Option<(u64, u64)>>,
    },
}

/// A file that is read.
pub(super) struct Opened<'s> {
    pub(super) file: Box<dyn Read + 's>,
    pub(super) length: u64,
}

impl Source {
    pub(super) fn folder(path: &Path) -> Source {
        Source::Folder(path.to_owned())
    }

    /// Looks through an archive.
    pub(super) fn archive(mut archive: impl Read + Seek + 'static, budget: &mut Budget) -> Result<Source, Error> {
        let mut files = BTreeMap::new();
        let end = archive.seek(SeekFrom::End(0)).and_then(|end| archive.rewind().map(|()| end));
        let end = end.map_err(|error| Error::unreadable(format!("the archive cannot be sought in: {error}")))?;
        let mut reading = tar::Archive::new(&mut archive);
        // To go over a blob is to seek, not to read.
        let found = reading.entries_with_seek().map_err(|error| Error::unreadable(format!("the archive: {error}")))?;
        entries::each(
            "the archive",
            found,
            |name| budget.entry(name),
            |entry, _| {
                if entry.at.checked_add(entry.size).is_none_or(|to| to > end) {
                    return Err(Error::altered(format!("the archive is cut off in `{}`", entry.path)));
                }
                // Docker's own have links beside what they list, for the Docker of ten years ago.
                let place = (entry.kind == Kind::File).then_some((entry.at, entry.size));
                match entry.kind {
                    Kind::Folder => Ok(()),
                    _ if files.contains_key(&entry.path) => {
                        Err(Error::altered(format!("the archive has `{}` twice", entry.path)))
                    }
                    _ => {
                        files.insert(entry.path, place);
                        Ok(())
                    }
                }
            },
        )?;
        Ok(Source::Archive { archive: Box::new(archive), files })
    }

    /// The file at a path, with its length.
    pub(super) fn open(&mut self, path: &str) -> Result<Option<Opened<'_>>, Error> {
        match self {
            Source::Folder(folder) => {
                let path = folder.join(path);
                // A link would lead to a file that is not of the image.
                match fs::symlink_metadata(&path) {
                    Ok(it) if it.is_file() => {
                        let file = File::open(&path).map_err(Error::at(&path))?;
                        Ok(Some(Opened { file: Box::new(file), length: it.len() }))
                    }
                    Ok(_) => Err(Error::altered(format!("{} is a link or no file", path.display()))),
                    Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
                    Err(error) => Err(Error::at(&path)(error)),
                }
            }
            Source::Archive { archive, files } => {
                let Some(place) = files.get(path) else { return Ok(None) };
                let (at, size) = place.ok_or_else(|| {
                    Error::altered(format!("`{path}` in the archive is a link or no file, and links are not followed"))
                })?;
                archive
                    .seek(SeekFrom::Start(at))
                    .map_err(|error| Error::unreadable(format!("the archive: {error}")))?;
                Ok(Some(Opened { file: Box::new(archive.take(size)), length: size }))
            }
        }
    }

    /// A small file, whole.
    pub(super) fn document(&mut self, path: &str, limit: u64) -> Result<Option<Vec<u8>>, Error> {
        let Some(Opened { file, length: size }) = self.open(path)? else { return Ok(None) };
        if size > limit {
            return Err(Error::unreadable(format!(
                "`{path}` has {size} bytes, and documents of up to {limit} are read"
            )));
        }
        let mut bytes = vec![];
        let read = file.take(limit).read_to_end(&mut bytes);
        read.map_err(|error| Error::altered(format!("`{path}` cannot be read: {error}")))?;
        Ok(Some(bytes))
    }
}
