//! Files of keys: a private one is for its owner's eyes, and none is ever overwritten.

use super::{PublicKey, SecretKey, TrustedKey};
use crate::refusal::{Refusal, form};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

/// A file of one key is shorter, with all that openssl may write around it.
const LONGEST: u64 = 64 << 10;

/// Reads a public key; its name is the file's without its ending.
///
/// # Errors
///
/// If the file cannot be read, or has no key that is known here.
pub fn read_public(path: &Path) -> Result<TrustedKey, Refusal> {
    let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    Ok(TrustedKey { name, key: PublicKey::from_pem(&text(path)?)? })
}

/// Reads a private key.
///
/// # Errors
///
/// As [`read_public`].
pub fn read_secret(path: &Path) -> Result<SecretKey, Refusal> {
    SecretKey::from_pem(&text(path)?)
}

fn text(path: &Path) -> Result<String, Refusal> {
    let unread = |error: io::Error| form(format!("the key cannot be read: {error}"));
    let mut text = String::new();
    File::open(path).map_err(unread)?.take(LONGEST + 1).read_to_string(&mut text).map_err(unread)?;
    if text.len() as u64 > LONGEST {
        return Err(form(format!("it is no key: it has more than {LONGEST} bytes")));
    }
    Ok(text)
}

/// Writes `NAME.key`, which its owner alone may read, and `NAME.pub`, and gives their paths.
///
/// # Errors
///
/// If one of them is there already or cannot be written; then neither is left behind that was not there.
pub fn write_pair(name: &Path, secret: &str, public: &PublicKey) -> io::Result<[PathBuf; 2]> {
    let with = |ending: &str| {
        let mut path = name.as_os_str().to_owned();
        path.push(ending);
        PathBuf::from(path)
    };
    let [key, public_path] = [with(".key"), with(".pub")];
    if let Some(folder) = name.parent() {
        fs::create_dir_all(folder)?;
    }
    write_new(&key, secret.as_bytes(), 0o600)?;
    if let Err(error) = write_new(&public_path, public.to_pem().as_bytes(), 0o644) {
        fs::remove_file(&key)?;
        return Err(error);
    }
    Ok([key, public_path])
}

/// Writes a file that is not there yet; with these permissions from its first moment.
fn write_new(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, mode);
    let mut file = options.open(path).map_err(|error| named(path, &error))?;
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(|error| {
        // Half a key is none.
        let _ = fs::remove_file(path);
        named(path, &error)
    })
}

fn named(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::Algorithm;

    #[test]
    fn a_pair_is_written_once_and_its_secret_is_its_owners() {
        let folder = tempfile::tempdir().expect("a folder");
        let name = folder.path().join("keys/ml.team");
        for algorithm in [Algorithm::Ed25519, Algorithm::P256] {
            let name = name.with_extension(format!("team-{algorithm}"));
            let (secret, pem) = SecretKey::generate(algorithm).expect("a key");
            let [key, public] = write_pair(&name, &pem, secret.public()).expect("written");
            let trusted = read_public(&public).expect("a public key");
            assert_eq!((trusted.name.as_str(), &trusted.key), (&*format!("ml.team-{algorithm}"), secret.public()));
            assert_eq!(read_secret(&key).expect("a private key").public(), secret.public());
            #[cfg(unix)]
            {
                use std::os::unix::fs::PermissionsExt;
                assert_eq!(fs::metadata(&key).expect("there").permissions().mode() & 0o777, 0o600);
            }
            let again = write_pair(&name, "other", secret.public()).expect_err("there already");
            assert_eq!(again.kind(), io::ErrorKind::AlreadyExists);
            assert_eq!(fs::read_to_string(&key).expect("there"), pem);
            // Where only the public one is there, no private one comes to be.
            fs::remove_file(&key).expect("removed");
            assert!(write_pair(&name, &pem, secret.public()).is_err() && !key.exists());
        }
    }

    #[test]
    fn a_long_or_absent_file_is_no_key() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("long.pub");
        File::create(&path).and_then(|file| file.set_len(LONGEST + 1)).expect("written");
        assert!(read_public(&path).expect_err("long").to_string().contains("it is no key"));
        assert!(read_secret(&folder.path().join("none.key")).expect_err("none").to_string().contains("cannot be read"));
    }
}
