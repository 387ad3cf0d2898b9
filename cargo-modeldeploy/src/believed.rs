//! Whether a file's signatures are believed: those beside it, by keys that are trusted.

use crate::exit::Failure;
use crate::settings::{self, Settings};
use modeldeploy_compiler::diagnostic::{Code, Diagnostic};
use modeldeploy_format::Digest;
use modeldeploy_trust::keys::{KeyId, TrustedKey};
use modeldeploy_trust::statement::{Attestations, ENDING, Statement};
use modeldeploy_trust::{Date, LONGEST, Refusal};
use serde_json::{Value, json};
use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

/// A key or a certificate that cannot be read.
pub(crate) const KEY: Code = Code("MD1108");
/// A file of signatures that cannot be read.
const FORM: Code = Code("MD1110");
/// A signature that does not hold.
const WRONG: Code = Code("MD1111");
/// Nobody who is trusted has signed, or too few have.
const UNTRUSTED: Code = Code("MD1112");
/// A signature that was given for something else.
pub(crate) const OTHER: Code = Code("MD1113");
/// A signature whose time is over.
const EXPIRED: Code = Code("MD1114");

/// Who has signed a file.
#[derive(Debug)]
pub(crate) enum Believed {
    /// Nobody.
    Unsigned,
    /// These keys, which are trusted, and what they said of it.
    By(Vec<TrustedKey>, Vec<Statement>),
    /// Whoever says so: none of the keys is trusted, or too few are.
    Strangers(Vec<KeyId>),
}

/// A refusal as an error of that number.
pub(crate) fn refused(code: Code, refusal: &Refusal, path: &Path) -> Diagnostic {
    let help = match code {
        KEY => "`cargo modeldeploy keygen` makes a pair of keys; a public one ends in `.pub`",
        FORM => "get the signature again from who signed, or sign again: `cargo modeldeploy sign`",
        UNTRUSTED => "name a public key that you trust with `--key`, or in `modeldeploy.toml` under `[trust]`",
        EXPIRED => "ask for a newer signature: `cargo modeldeploy sign` makes one",
        _ => "do not use it: get it again, with its signature, from who signed it",
    };
    Diagnostic::new(code, refusal.to_string()).at(path.display().to_string()).help(help)
}

/// A refusal of a signature, by its own kind.
pub(crate) fn refused_signature(refusal: &Refusal, path: &Path) -> Diagnostic {
    let code = match refusal {
        Refusal::Form(_) => FORM,
        Refusal::Wrong(_) => WRONG,
        Refusal::Untrusted(_) => UNTRUSTED,
        Refusal::Other(_) => OTHER,
        Refusal::Expired(_) => EXPIRED,
    };
    refused(code, refusal, path)
}

/// The file beside `path` that has its signatures.
pub(crate) fn beside(path: &Path) -> PathBuf {
    let mut file = path.as_os_str().to_owned();
    file.push(ENDING);
    file.into()
}

/// The keys of flags, else those of the settings around; and how many of them must have signed.
pub(crate) fn trusted(keys: &[PathBuf], threshold: Option<usize>) -> Result<(Vec<TrustedKey>, usize), Failure> {
    let (keys, usual) = if keys.is_empty() { Settings::around()?.trusted()? } else { (settings::keys(keys)?, 1) };
    Ok((keys, threshold.unwrap_or(usual)))
}

/// The bytes of a file of signatures; nothing where there is none.
pub(crate) fn read(path: &Path) -> Result<Option<Vec<u8>>, Diagnostic> {
    let unread = |error| refused(FORM, &Refusal::Form(format!("the signature cannot be read: {error}")), path);
    let mut bytes = vec![];
    match File::open(path) {
        Ok(file) => file.take(LONGEST as u64 + 1).read_to_end(&mut bytes).map_err(unread)?,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(unread(error)),
    };
    Ok(Some(bytes))
}

/// The signatures in a file; none where there is no such file.
pub(crate) fn attestations(path: &Path) -> Result<Option<Attestations>, Diagnostic> {
    let read = read(path)?;
    read.map(|bytes| Attestations::parse(&bytes)).transpose().map_err(|refusal| refused_signature(&refusal, path))
}

/// Who has signed a file, by the signatures at `path`; its digest is asked for where there are some.
///
/// # Errors
///
/// If they cannot be read, one is wrong, or they are of another file: nothing is signed so by chance.
pub(crate) fn believed(
    path: &Path,
    about: impl FnOnce() -> Digest,
    (keys, threshold): &(Vec<TrustedKey>, usize),
) -> Result<Believed, Diagnostic> {
    let Some(said) = attestations(path)? else { return Ok(Believed::Unsigned) };
    let about = &about();
    match said.verify(about, keys, *threshold, Date::today()) {
        Ok(vouched) => Ok(Believed::By(vouched.keys.into_iter().cloned().collect(), vouched.statements)),
        Err(Refusal::Untrusted(_)) if said.is_about(about) => Ok(Believed::Strangers(said.claimed().collect())),
        Err(Refusal::Untrusted(_)) => {
            let why = format!("it has signatures of another file: none of them is for {about}");
            Err(refused_signature(&Refusal::Other(why), path))
        }
        Err(refusal) => Err(refused_signature(&refusal, path)),
    }
}

impl Believed {
    /// In a few words.
    pub(crate) fn said(&self) -> String {
        match self {
            Believed::Unsigned => "it is not signed".into(),
            Believed::By(keys, _) => {
                format!("signed by {}", keys.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "))
            }
            Believed::Strangers(ids) => {
                let ids: Vec<String> =
                    ids.iter().map(|id| id.0.chars().take(64).flat_map(char::escape_debug).collect()).collect();
                let whose = if ids.is_empty() { "somebody".into() } else { ids.join(", ") };
                format!(
                    "it says it is signed by {whose}, and that cannot be proved: too few of its keys are trusted here; `--key` names one"
                )
            }
        }
    }

    /// For programs.
    pub(crate) fn facts(&self) -> Vec<Value> {
        match self {
            Believed::Unsigned => vec![],
            Believed::By(keys, _) => keys
                .iter()
                .map(|it| json!({"keyid": it.key.id().0, "name": it.name, "algorithm": it.key.algorithm().name(), "trusted": true}))
                .collect(),
            Believed::Strangers(ids) => ids.iter().map(|id| json!({"keyid": id.0, "trusted": false})).collect(),
        }
    }
}
