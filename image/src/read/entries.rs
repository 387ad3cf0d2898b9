//! The entries of an archive, as every reader of archives understands them, or not at all.
//!
//! Extensions are read here, each to a limit: a name may be announced as gigabytes long. Those by which readers differ are refused.

use super::header;
use super::tree::{Kind, join};
use crate::Error;
use std::io::{self, Read};
use tar::EntryType;

/// The longest extension of an entry.
const EXTENSION: u64 = 1 << 20;

/// What an archive says of a file.
pub(super) struct Entry {
    /// From the root, without `./` and slashes at either end; empty for the root.
    pub(super) path: String,
    pub(super) kind: Kind,
    pub(super) size: u64,
    /// Where its bytes begin in the archive.
    pub(super) at: u64,
}

/// Names that an extension gives to the entry after it.
#[derive(Default)]
struct Extended {
    path: Option<Vec<u8>>,
    size: Option<u64>,
}

/// Goes through an archive to its end. What is wrong with it is said as if by `of`.
pub(super) fn each<R: Read>(
    of: &str,
    entries: tar::Entries<'_, R>,
    mut count: impl FnMut(usize) -> Result<(), Error>,
    mut each: impl FnMut(Entry, &mut dyn Read) -> Result<(), Error>,
) -> Result<(), Error> {
    let damaged = |error: io::Error| Error::altered(format!("{of} is damaged or cut off: {error}"));
    let refuse = |why: String| Error::altered(format!("{of}: {why}"));
    let mut extended = Extended::default();
    for entry in entries.raw(true) {
        let mut entry = entry.map_err(damaged)?;
        let kind = entry.header().entry_type();
        let size = entry.size();
        header::check(entry.header().as_bytes()).map_err(|why| refuse(why.into()))?;
        if kind.is_gnu_longname()
            || kind.is_gnu_longlink()
            || kind.is_pax_local_extensions()
            || kind.is_pax_global_extensions()
        {
            let mut bytes = vec![];
            (&mut entry).take(EXTENSION + 1).read_to_end(&mut bytes).map_err(damaged)?;
            count(bytes.len())?;
            if bytes.len() as u64 > EXTENSION {
                return Err(refuse("a name or an extension is of more than a megabyte".into()));
            }
            extend(kind, bytes, &mut extended).map_err(refuse)?;
            continue;
        }
        let Extended { path, size: said } = std::mem::take(&mut extended);
        if said.is_some_and(|said| said != size) {
            return Err(refuse("an extension says another size of a file than its header".into()));
        }
        let path = path.unwrap_or_else(|| entry.path_bytes().into_owned());
        count(path.len())?;
        let (path, is_folder) = normal(&path).map_err(refuse)?;
        let kind = match kind {
            EntryType::Regular if !is_folder => Kind::File,
            EntryType::Directory => Kind::Folder,
            EntryType::Symlink | EntryType::Link => Kind::Link,
            EntryType::Char | EntryType::Block | EntryType::Fifo => Kind::Other,
            other => return Err(refuse(format!("`{path}` is of a kind ({other:?}) that is not read"))),
        };
        if kind != Kind::File && size > 0 {
            return Err(refuse(format!("`{path}` is no file and has bytes, which some readers take for entries")));
        }
        let at = entry.raw_file_position();
        each(Entry { path, kind, size, at }, &mut entry)?;
    }
    if extended.path.is_some() || extended.size.is_some() {
        return Err(refuse("an extension is followed by no file".into()));
    }
    Ok(())
}

/// Reads an extension.
fn extend(kind: EntryType, bytes: Vec<u8>, extended: &mut Extended) -> Result<(), String> {
    let twice = || "a file has two names".to_owned();
    if kind.is_gnu_longlink() {
        return Ok(());
    }
    if kind.is_gnu_longname() {
        let end = bytes.iter().position(|&byte| byte == 0).unwrap_or(bytes.len());
        return if extended.path.replace(bytes[..end].to_vec()).is_some() { Err(twice()) } else { Ok(()) };
    }
    let mut rest = &bytes[..];
    while !rest.is_empty() {
        let (key, value, after) = record(rest).ok_or("an extension is damaged")?;
        rest = after;
        let is_global = kind.is_pax_global_extensions();
        match key {
            b"path" | b"size" | b"linkpath" if is_global => {
                return Err("an extension gives all files one name or size".into());
            }
            b"path" if value.is_empty() => return Err("an extension gives a file no name".into()),
            b"path" if extended.path.is_some() => return Err(twice()),
            b"path" => extended.path = Some(value.to_vec()),
            b"size" => {
                let size = str::from_utf8(value).ok().and_then(|text| text.parse().ok());
                extended.size = Some(size.ok_or("an extension says a size that is no number")?);
            }
            key if key.starts_with(b"GNU.sparse") => return Err("a file with holes is not read".into()),
            _ => {}
        }
    }
    Ok(())
}

/// The first `LENGTH KEY=VALUE\n` of an extension, where the length is of all of it; and what follows.
fn record(bytes: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let space = bytes.iter().take(20).position(|&byte| byte == b' ')?;
    let length: usize = str::from_utf8(&bytes[..space]).ok().filter(|it| !it.starts_with('+'))?.parse().ok()?;
    let (record, after) = (bytes.get(space + 1..length)?, &bytes[length..]);
    let record = record.strip_suffix(b"\n")?;
    let equals = record.iter().position(|&byte| byte == b'=')?;
    Some((&record[..equals], &record[equals + 1..], after))
}

/// A path from the root, and whether it ends as a folder's does.
fn normal(path: &[u8]) -> Result<(String, bool), String> {
    let text = str::from_utf8(path).map_err(|_| format!("`{}` is no UTF-8", String::from_utf8_lossy(path)))?;
    if text.starts_with('/') || text.contains('\0') || text.split('/').any(|part| part == "..") {
        return Err(format!("the name `{}` leaves the root", text.escape_default()));
    }
    let parts: Vec<&str> = text.split('/').filter(|part| !matches!(*part, "" | ".")).collect();
    Ok((join(&parts), text.ends_with('/')))
}
