//! The folder of packs beside a program that does not hold them: laid by `build`, proved by `audit`.

use modeldeploy_audit::Held;
use modeldeploy_compiler::diagnostic::{Code, Diagnostic};
use modeldeploy_compiler::store::{IO, Kind, Store, map};
use modeldeploy_format::Digest;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// A file beside a program that is absent, or another than the program was built with.
const OTHER: Code = Code("MD1404");

/// Where the packs of a program lie.
pub(crate) fn folder(program: &Path) -> PathBuf {
    program.with_added_extension("packs")
}

/// Where the pack of that digest lies in the folder.
pub(crate) fn file(folder: &Path, digest: &Digest) -> PathBuf {
    folder.join(format!("{}.pack", digest.hex()))
}

/// Lays the packs of a program beside it, from the store, and takes away those of an older one. Without packs there is no folder.
///
/// # Errors
///
/// If the store does not have one, or it cannot be written.
pub(crate) fn lay(program: &Path, packs: &[Held], store: &Store) -> Result<(), Diagnostic> {
    let folder = folder(program);
    let wrong = |path: &Path, error: &io::Error| {
        Diagnostic::new(IO, format!("the packs cannot be laid beside the program: {error}"))
            .at(path.display().to_string())
    };
    let wanted: Vec<PathBuf> = packs.iter().map(|pack| file(&folder, &pack.digest)).collect();
    for path in others(&folder, &wanted).map_err(|error| wrong(&folder, &error))? {
        fs::remove_file(&path).map_err(|error| wrong(&path, &error))?;
    }
    if packs.is_empty() {
        // It stays where somebody else's files are in it, or where it never was.
        let _gone = fs::remove_dir(&folder);
        return Ok(());
    }
    fs::create_dir_all(&folder).map_err(|error| wrong(&folder, &error))?;
    for (pack, path) in packs.iter().zip(&wanted) {
        if prove(path, pack).is_err() {
            copy(&store.path(&pack.digest, Kind::Pack), path).map_err(|error| wrong(path, &error))?;
            prove(path, pack)?;
        }
    }
    Ok(())
}

/// Files of the folder that are called as packs are and not wanted.
fn others(folder: &Path, wanted: &[PathBuf]) -> io::Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(vec![]),
        entries => entries?,
    };
    let mut found = vec![];
    for entry in entries {
        let path = entry?.path();
        let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
        let is_digest = stem.len() == 64 && stem.bytes().all(|byte| byte.is_ascii_hexdigit());
        if is_digest && path.extension().is_some_and(|it| it == "pack") && !wanted.contains(&path) {
            found.push(path);
        }
    }
    Ok(found)
}

/// Copies by a temporary file and a rename: a program that runs, or starts meanwhile, meets a whole file.
fn copy(from: &Path, to: &Path) -> io::Result<()> {
    let folder = to.parent().expect("it lies in a folder");
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    io::copy(&mut fs::File::open(from)?, &mut file)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        // The program may be another user's, and nobody changes a pack.
        file.as_file().set_permissions(fs::Permissions::from_mode(0o644))?;
    }
    file.persist(to).map_err(|error| error.error)?;
    Ok(())
}

/// Proves all packs of a program that lie in `folder`.
///
/// # Errors
///
/// For each that is absent or another.
pub(crate) fn prove_all(folder: &Path, packs: &[Held]) -> Result<(), Vec<Diagnostic>> {
    let wrong: Vec<Diagnostic> =
        packs.iter().filter_map(|pack| prove(&file(folder, &pack.digest), pack).err()).collect();
    if wrong.is_empty() { Ok(()) } else { Err(wrong) }
}

fn prove(path: &Path, pack: &Held) -> Result<(), Diagnostic> {
    let refused = |why: String| {
        Diagnostic::new(OTHER, why)
            .at(path.display().to_string())
            .help("copy it again from where it was built, or build it again: the program does not start with it")
    };
    match fs::metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(refused(format!("the program reads the pack {}, which is not beside it", pack.digest)));
        }
        Ok(facts) if facts.len() != pack.size => {
            let (actual, size) = (facts.len(), pack.size);
            return Err(refused(format!("the file has {actual} bytes, and the program was built with one of {size}")));
        }
        // What cannot be read is told by who maps it.
        _ => {}
    }
    let found = Digest::of(map(path)?.bytes());
    if found != pack.digest {
        return Err(refused(format!(
            "the bytes of the file are {found}, and the program was built with {}",
            pack.digest
        )));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held(bytes: &[u8]) -> Held {
        Held { digest: Digest::of(bytes), size: bytes.len() as u64 }
    }

    #[test]
    fn packs_are_laid_and_proved_and_those_of_older_programs_taken_away() {
        let place = tempfile::tempdir().expect("a folder");
        let (program, store) = (place.path().join("shop"), Store::at(place.path().join("store")));
        let [first, next] = [b"first", b"other"].map(|bytes| {
            store.put(bytes, Kind::Pack).expect("stored");
            held(bytes)
        });
        let names = || {
            let entries = fs::read_dir(folder(&program)).into_iter().flatten();
            let mut names: Vec<String> =
                entries.map(|entry| entry.expect("an entry").file_name().into_string().expect("UTF-8")).collect();
            names.sort();
            names
        };
        let expected = |packs: &[Held]| {
            let mut names: Vec<String> = packs.iter().map(|pack| format!("{}.pack", pack.digest.hex())).collect();
            names.sort();
            names
        };
        for packs in [&[first, next][..], &[next], &[], &[first]] {
            lay(&program, packs, &store).expect("laid");
            assert_eq!(names(), expected(packs));
            prove_all(&folder(&program), packs).expect("as they were built");
        }
        // What was damaged is laid again, and nothing else in the folder is touched.
        let (path, note) = (file(&folder(&program), &first.digest), folder(&program).join("README"));
        fs::write(&path, b"firsT").expect("written");
        fs::write(&note, b"mine").expect("written");
        let wrong = prove_all(&folder(&program), &[first]).expect_err("another byte");
        assert!(wrong[0].message.contains(&held(b"firsT").digest.to_string()), "{wrong:?}");
        lay(&program, &[first], &store).expect("laid");
        assert_eq!(fs::read(&path).expect("the pack"), b"first");
        lay(&program, &[], &store).expect("laid");
        assert!(note.exists() && !path.exists());

        fs::write(&path, b"firs").expect("written");
        let wrong = prove_all(&folder(&program), &[first, next]).expect_err("one is cut, one absent");
        assert!(wrong[0].message.contains("has 4 bytes") && wrong[1].message.contains("is not beside it"), "{wrong:?}");
        assert!(lay(&program, &[held(b"nowhere")], &store).is_err());
    }
}
