//! One file, from wherever it comes onto the shelf: cut off at any byte it is taken up again, and it has its name only once its
//! digest is proved.

use crate::error::{Error, Kind};
use crate::options::Options;
use crate::shelf::{Hasher, Shelf};
use modeldeploy_format::Digest;
use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::Path;

/// What proves a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Proof {
    /// Its sha256.
    Sha256(Digest),
    /// Git's id of it: the sha1 of `blob`, its length and its bytes.
    Git([u8; 20]),
}

impl Proof {
    fn name(&self) -> String {
        match self {
            Proof::Sha256(digest) => digest.hex(),
            Proof::Git(id) => format!("git-{}", id.iter().map(|byte| format!("{byte:02x}")).collect::<String>()),
        }
    }
}

/// A file that is wanted.
#[derive(Clone, Debug)]
pub(crate) struct Wanted<'a> {
    /// As errors name it.
    pub(crate) path: &'a str,
    pub(crate) size: u64,
    pub(crate) proof: Proof,
}

/// Bytes that come.
pub(crate) struct Coming {
    /// Where in the file they begin: where they were asked for, or at its beginning.
    pub(crate) from: u64,
    pub(crate) bytes: Box<dyn Read>,
}

/// Opens a file at a byte.
pub(crate) type Open<'o> = &'o mut dyn FnMut(u64) -> Result<Coming, Error>;

/// Brings a file onto the shelf, and says its digest. `heard` hears how many of its bytes are there.
///
/// # Errors
///
/// If it cannot be had after [`Options::tries`] without progress, or is not what it must be. What came is kept to go on from, unless
/// it is wrong.
pub(crate) fn fetch(
    shelf: &Shelf,
    wanted: &Wanted<'_>,
    options: &Options,
    heard: &dyn Fn(u64),
    open: Open<'_>,
) -> Result<Digest, Error> {
    let path = shelf.partial(&wanted.proof.name());
    let failed = |error: std::io::Error| Error::io("the file cannot be written", &path, &error);
    fs::create_dir_all(path.parent().unwrap_or(Path::new("."))).map_err(failed)?;
    let (mut taken_up, mut tries, mut wait) = (false, 0, options.wait);
    loop {
        let mut draft = Draft::open(&path, wanted.size).map_err(failed)?;
        let before = draft.size;
        taken_up |= before > 0;
        let ended = if draft.size == wanted.size && wanted.size > 0 { Ok(()) } else { draft.take(wanted, heard, open) };
        match ended {
            Ok(()) => match draft.prove(wanted) {
                Some(digest) => return place(shelf, &path, draft, digest),
                None => {
                    drop(draft);
                    fs::remove_file(&path).map_err(failed)?;
                    // What was there before may have been wrong; all from one answer cannot be but that answer's fault.
                    if !taken_up {
                        let what = format!("the bytes of `{}` are not those that its digest promises", wanted.path);
                        return Err(Error::new(Kind::Lie, what));
                    }
                    taken_up = false;
                }
            },
            Err(error) if error.kind == Kind::Unreachable => {
                // A few bytes with each connection are no progress: it would not end.
                let gained = draft.size.saturating_sub(before);
                tries = if gained >= options.slowest.max(1) { 1 } else { tries + 1 };
                if tries >= options.tries {
                    return Err(error.help("run it again: what came is kept, and it goes on from there"));
                }
                if gained == 0 {
                    std::thread::sleep(wait);
                    wait *= 2;
                }
            }
            Err(error) => {
                if error.kind == Kind::Lie {
                    drop(draft);
                    fs::remove_file(&path).map_err(failed)?;
                }
                return Err(error);
            }
        }
    }
}

/// A file that is not all there.
struct Draft {
    file: File,
    size: u64,
    sha256: Hasher,
    sha1: sha1::Sha1,
}

impl Draft {
    /// What is there of a file, read anew; what is too long cannot be right.
    fn open(path: &Path, size: u64) -> std::io::Result<Draft> {
        let file = File::options().read(true).write(true).create(true).truncate(false).open(path)?;
        let mut draft = Draft { file, size: 0, sha256: Hasher::default(), sha1: git(size) };
        if draft.file.metadata()?.len() > size {
            draft.file.set_len(0)?;
        }
        let mut buffer = vec![0; 1 << 16];
        loop {
            match draft.file.read(&mut buffer)? {
                0 => return Ok(draft),
                read => draft.count(&buffer[..read]),
            }
        }
    }

    fn count(&mut self, bytes: &[u8]) {
        self.size += bytes.len() as u64;
        self.sha256.update(bytes);
        sha1::Digest::update(&mut self.sha1, bytes);
    }

    /// Takes what comes, to the end.
    fn take(&mut self, wanted: &Wanted<'_>, heard: &dyn Fn(u64), open: Open<'_>) -> Result<(), Error> {
        let mut coming = open(self.size)?;
        if coming.from != self.size {
            let again = self.file.set_len(0).and_then(|()| std::io::Seek::rewind(&mut self.file));
            again.map_err(|error| write_error(wanted, &error))?;
            (self.size, self.sha256, self.sha1) = (0, Hasher::default(), git(wanted.size));
        }
        let mut buffer = vec![0; 1 << 16];
        loop {
            let read = coming.bytes.read(&mut buffer).map_err(|error| {
                let what = format!("`{}` broke off after {} of {} bytes: {error}", wanted.path, self.size, wanted.size);
                Error::new(Kind::Unreachable, what)
            })?;
            if self.size + read as u64 > wanted.size {
                let what = format!("`{}` has more bytes than the {} that it is said to have", wanted.path, wanted.size);
                return Err(Error::new(Kind::Lie, what));
            }
            if read == 0 {
                break;
            }
            self.file.write_all(&buffer[..read]).map_err(|error| write_error(wanted, &error))?;
            self.count(&buffer[..read]);
            heard(self.size);
        }
        if self.size < wanted.size {
            let what = format!("`{}` broke off after {} of {} bytes", wanted.path, self.size, wanted.size);
            return Err(Error::new(Kind::Unreachable, what));
        }
        Ok(())
    }

    /// Its digest, if it is the file that is wanted.
    fn prove(&self, wanted: &Wanted<'_>) -> Option<Digest> {
        let digest = self.sha256.clone().finish();
        let right = match &wanted.proof {
            Proof::Sha256(promised) => *promised == digest,
            Proof::Git(id) => sha1::Digest::finalize(self.sha1.clone()).as_slice() == id,
        };
        (right && self.size == wanted.size).then_some(digest)
    }
}

/// Git's hash of a file of that length, before its bytes.
fn git(size: u64) -> sha1::Sha1 {
    let mut hash = sha1::Sha1::default();
    sha1::Digest::update(&mut hash, format!("blob {size}\0").as_bytes());
    hash
}

fn write_error(wanted: &Wanted<'_>, error: &std::io::Error) -> Error {
    Error::io("the file cannot be written", Path::new(wanted.path), error)
}

/// Gives a proved file its name.
fn place(shelf: &Shelf, from: &Path, draft: Draft, digest: Digest) -> Result<Digest, Error> {
    let to = shelf.file(&digest);
    let failed = |error: std::io::Error| Error::io("the file cannot be written", &to, &error);
    draft.file.sync_all().map_err(failed)?;
    fs::create_dir_all(to.parent().unwrap_or(Path::new("."))).map_err(failed)?;
    fs::rename(from, &to).map_err(failed)?;
    Ok(digest)
}

#[cfg(test)]
mod tests;
