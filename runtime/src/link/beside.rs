//! A pack that stays a file beside the program: its digest is pinned in the program, and proved before anything is answered.
//!
//! The file is read once, into memory of this process, and hashed on the way; that memory is read-only from then on. What was proved is
//! therefore what answers, whatever becomes of the file: a mapping would show later writes to it, and end the process where it was cut.
//! The price is that processes do not share it. It lies on huge pages where the system has them, as with [`Warm::Huge`](super::Warm).
//!
//! The whole is proved, not page by page when one is needed: nothing can be called on the first read of a page of memory, and an error
//! must come before the first answer, not with it. One core with instructions for sha256 takes 2.2 s to hash 3.2 GB.

use super::own;
use crate::model::{Beside, Error};
use memmap2::{Mmap, MmapMut};
use modeldeploy_format::Digest;
use modeldeploy_format::pack::{Bytes, places};
use std::fs::{self, File};
use std::io::{self, ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The variable that names the folder of packs.
const VARIABLE: &str = modeldeploy_format::variables::PACKS;

/// Read and hashed at once: a cache holds as much.
const STEP: usize = 1 << 20;

/// The bytes that `record` speaks of; it is a static of the expansion, `what` it is for errors.
///
/// # Errors
///
/// If the file is not there, cannot be read, or is another than the program was built with.
pub(super) fn bytes(what: &'static str, record: &'static [u8]) -> Result<&'static [u8], Error> {
    let places = places(record, 0);
    let Some([place]) = places.as_deref() else { return Err(damaged(what)) };
    let Bytes::Beside(size) = place.bytes else { return Err(damaged(what)) };
    let folder = match std::env::var_os(VARIABLE).filter(|folder| !folder.is_empty()) {
        Some(folder) => PathBuf::from(folder),
        None => own::path().map(|path| path.with_added_extension("packs")).ok_or_else(|| Error::Beside {
            what,
            path: PathBuf::new(),
            why: Beside::Nowhere,
        })?,
    };
    read(what, folder.join(format!("{}.pack", place.digest.hex())), size, place.digest)
}

fn damaged(what: &str) -> Error {
    Error::Damaged { cause: format!("{what} has a damaged record in the program") }
}

fn read(what: &'static str, path: PathBuf, size: u64, pinned: Digest) -> Result<&'static [u8], Error> {
    let wrong = |why| Error::Beside { what, path: path.clone(), why };
    let unreadable = |error: io::Error| match error.kind() {
        ErrorKind::NotFound => wrong(Beside::Absent),
        _ => wrong(Beside::Unreadable(Arc::new(error))),
    };
    let mut file = open(&path).map_err(unreadable)?;
    let actual = file.metadata().map_err(unreadable)?.len();
    if actual != size || actual == 0 {
        return Err(wrong(Beside::Length { pinned: size, actual }));
    }
    let length = usize::try_from(size).map_err(|_| unreadable(ErrorKind::OutOfMemory.into()))?;
    let (bytes, found) = copy(&mut file, length).map_err(unreadable)?;
    if found != pinned {
        return Err(wrong(Beside::Digest { pinned, found }));
    }
    Ok(Box::leak(Box::new(bytes)))
}

/// What is no plain file is not opened: a pipe would be waited for.
fn open(path: &Path) -> io::Result<File> {
    if !fs::metadata(path)?.is_file() {
        return Err(io::Error::new(ErrorKind::InvalidInput, "it is no file"));
    }
    File::open(path)
}

/// As many bytes of the file, in memory that nobody can write to any more, and their digest.
fn copy(file: &mut File, length: usize) -> io::Result<(Mmap, Digest)> {
    let mut memory = MmapMut::map_anon(length)?;
    #[cfg(target_os = "linux")]
    let _wish = memory.advise(memmap2::Advice::HugePage);
    let mut failed = None;
    let read = memory.chunks_mut(STEP).map_while(|step| match file.read_exact(step) {
        Ok(()) => Some(&*step),
        Err(error) => {
            failed = Some(error);
            None
        }
    });
    let digest = Digest::of_parts(read);
    match failed {
        Some(error) => Err(error),
        None => Ok((memory.make_read_only()?, digest)),
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    const WHAT: &str = "model `m`";

    /// A file of this many bytes, called by its digest.
    fn pack(folder: &Path, length: usize) -> (PathBuf, Vec<u8>, Digest) {
        let bytes: Vec<u8> = (0..length).map(|i| (i.wrapping_mul(0x9e37_79b9) >> 13) as u8).collect();
        let digest = Digest::of(&bytes);
        let path = folder.join(format!("{}.pack", digest.hex()));
        fs::write(&path, &bytes).expect("written");
        (path, bytes, digest)
    }

    #[test]
    fn what_was_proved_stays_whatever_becomes_of_the_file() {
        let folder = tempfile::tempdir().expect("a folder");
        for length in [1, 4096, STEP, STEP + 1, 3 * STEP - 1] {
            let (path, bytes, digest) = pack(folder.path(), length);
            let read = read(WHAT, path.clone(), length as u64, digest).expect("the file");
            assert!(read == bytes && read.as_ptr().addr().is_multiple_of(4096), "{length}");
            fs::write(&path, vec![0; length]).expect("overwritten");
            assert!(read == bytes, "{length}");
            File::create(&path).expect("emptied");
            fs::remove_file(&path).expect("removed");
            assert!(read == bytes, "{length}");
        }
    }

    #[test]
    fn what_is_wrong_with_a_file_is_said_with_what_to_do() {
        let folder = tempfile::tempdir().expect("a folder");
        let (path, bytes, digest) = pack(folder.path(), 2 * STEP + 5);
        let size = bytes.len() as u64;
        let said = |path: &Path| read(WHAT, path.into(), size, digest).expect_err("something is wrong").to_string();
        let shown = path.display().to_string();

        // A byte in each step, and the last.
        for at in [0, STEP, bytes.len() - 1] {
            let mut changed = bytes.clone();
            changed[at] ^= 1;
            fs::write(&path, &changed).expect("written");
            let said = said(&path);
            let found = Digest::of(&changed).to_string();
            assert!(said.contains(&found) && said.contains(&digest.to_string()) && said.contains(&shown), "{said}");
        }
        for (length, words) in [(0, "has 0 bytes"), (5, "has 5 bytes"), (bytes.len() - 1, "was cut")] {
            fs::write(&path, &bytes[..length]).expect("written");
            let said = said(&path);
            assert!(said.contains(words) && said.contains("copy it again"), "{said}");
        }
        fs::write(&path, &bytes).expect("written");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o000)).expect("its own file");
        // Who may read everything is refused nothing.
        if File::open(&path).is_err() {
            let said = said(&path);
            assert!(said.contains("Permission denied") && said.contains("chmod a+r"), "{said}");
        }
        let no_file = said(folder.path());
        assert!(no_file.contains("it is no file"), "{no_file}");
        fs::remove_file(&path).expect("removed");
        let absent = said(&path);
        assert!(
            absent.contains("no file ") && absent.contains("MODELDEPLOY_PACKS") && absent.contains(&shown),
            "{absent}"
        );
    }
}
