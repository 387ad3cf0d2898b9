//! `modeldeploy.toml`: found, read, and the keys that it names.

use crate::around;
use crate::believed::{KEY, refused};
use crate::exit::Failure;
use modeldeploy_compiler::diagnostic::{Code, Diagnostic};
use modeldeploy_trust::keys::{TrustedKey, read_public};
use modeldeploy_trust::model_signing::{Root, Trusted, read_roots};
use modeldeploy_trust::policy::{self, FILE_NAME, Policy};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// Settings that cannot be read, or are wrong.
const SETTINGS: Code = Code("MD1101");

/// The settings of a folder; those of a folder without a file ask for nothing and trust nobody.
#[derive(Debug, Default)]
pub(crate) struct Settings {
    folder: PathBuf,
    all: policy::Settings,
}

impl Settings {
    /// Those in `folder`.
    pub(crate) fn of(folder: &Path) -> Result<Settings, Failure> {
        let path = folder.join(FILE_NAME);
        let shown = path.display().to_string();
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Settings::default()),
            Err(error) => {
                let message = format!("the settings cannot be read: {error}");
                return Err(Diagnostic::new(SETTINGS, message).at(shown).help("mend the file, or remove it").into());
            }
        };
        let all = policy::parse(&text).map_err(|mistakes| {
            let mistakes = mistakes.into_iter();
            let shown = mistakes.map(|it| {
                let (line, column) = it.at;
                Diagnostic::new(SETTINGS, it.message).at(format!("{shown}:{line}:{column}")).help(it.help)
            });
            Failure::from(shown.collect::<Vec<_>>())
        })?;
        Ok(Settings { folder: folder.to_owned(), all })
    }

    /// Those of the current folder or of the nearest above it that has some.
    pub(crate) fn around() -> Result<Settings, Failure> {
        match around::folder_with(FILE_NAME) {
            Some(folder) => Settings::of(&folder),
            None => Ok(Settings::default()),
        }
    }

    /// What is asked of models.
    pub(crate) fn policy(&self) -> &Policy {
        &self.all.policy
    }

    /// Whose signatures of models count.
    pub(crate) fn signers(&self) -> Result<Trusted, Failure> {
        let named = &self.all.policy.signatures;
        Ok(Trusted { keys: self.read(&named.signers, keys)?, roots: self.read(&named.certificates, roots)? })
    }

    /// Whose signatures of programs, locks and packs count, and how many must have signed.
    pub(crate) fn trusted(&self) -> Result<(Vec<TrustedKey>, usize), Failure> {
        Ok((self.read(&self.all.trust.keys, keys)?, self.all.trust.threshold))
    }

    fn read<T>(&self, files: &[String], read: fn(&[PathBuf]) -> Result<Vec<T>, Failure>) -> Result<Vec<T>, Failure> {
        let files: Vec<PathBuf> = files.iter().map(|file| self.folder.join(file)).collect();
        read(&files)
    }
}

/// The public keys of these files.
pub(crate) fn keys(files: &[PathBuf]) -> Result<Vec<TrustedKey>, Failure> {
    all(files, |file| read_public(file).map_err(|refusal| refused(KEY, &refusal, file)))
}

/// The root certificates of these files.
pub(crate) fn roots(files: &[PathBuf]) -> Result<Vec<Root>, Failure> {
    let read = all(files, |file| read_roots(file).map_err(|refusal| refused(KEY, &refusal, file)))?;
    Ok(read.into_iter().flatten().collect())
}

/// Reads each, and says what is wrong with all that cannot be.
fn all<T>(files: &[PathBuf], read: impl Fn(&Path) -> Result<T, Diagnostic>) -> Result<Vec<T>, Failure> {
    let (mut found, mut wrong) = (vec![], vec![]);
    for file in files {
        match read(file) {
            Ok(one) => found.push(one),
            Err(error) => wrong.push(error),
        }
    }
    if wrong.is_empty() { Ok(found) } else { Err(wrong.into()) }
}
