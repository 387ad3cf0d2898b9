//! Which pins a workspace had: `pins.json` in its store, so that `rollback` knows where to go back to.

use crate::error::{Error, Kind};
use crate::fetch::Pin;
use std::collections::BTreeMap;
use std::fs;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

/// The pins of a model that are remembered.
const REMEMBERED: usize = 50;

/// The pins of each model, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Journal {
    path: PathBuf,
    pins: BTreeMap<String, Vec<Pin>>,
}

impl Journal {
    /// The journal of the store in `root`.
    ///
    /// # Errors
    ///
    /// If it cannot be read.
    pub fn read(root: &Path) -> Result<Journal, Error> {
        let path = root.join("pins.json");
        let pins = match fs::read(&path) {
            Ok(bytes) => serde_json::from_slice(&bytes).map_err(|error| {
                Error::new(Kind::Io, format!("the journal of pins cannot be read: {error}"))
                    .at(path.display())
                    .help("remove it: git has the older locks")
            })?,
            Err(error) if error.kind() == ErrorKind::NotFound => BTreeMap::new(),
            Err(error) => return Err(Error::io("the journal of pins cannot be read", &path, &error)),
        };
        Ok(Journal { path, pins })
    }

    /// Adds a pin, unless it is the last one already.
    ///
    /// # Errors
    ///
    /// If it cannot be written.
    pub fn add(&mut self, model: &str, pin: &Pin) -> Result<(), Error> {
        let pins = self.pins.entry(model.to_owned()).or_default();
        if pins.last() == Some(pin) {
            return Ok(());
        }
        pins.push(pin.clone());
        if pins.len() > REMEMBERED {
            pins.remove(0);
        }
        self.write()
    }

    /// The pin before `current`, if there is one.
    pub fn before(&self, model: &str, current: &Pin) -> Option<&Pin> {
        let pins = self.pins.get(model)?;
        let at = pins.iter().rposition(|pin| pin.tree == current.tree && pin.revision == current.revision);
        pins[..at.unwrap_or(pins.len())].last()
    }

    /// Forgets what came after a pin that was gone back to, so that the next step back goes further.
    ///
    /// # Errors
    ///
    /// If it cannot be written.
    pub fn back_to(&mut self, model: &str, pin: &Pin) -> Result<(), Error> {
        let pins = self.pins.entry(model.to_owned()).or_default();
        match pins.iter().rposition(|it| it == pin) {
            Some(at) => pins.truncate(at + 1),
            None => *pins = vec![pin.clone()],
        }
        self.write()
    }

    fn write(&self) -> Result<(), Error> {
        let folder = self.path.parent().unwrap_or(Path::new("."));
        let done = || {
            fs::create_dir_all(folder)?;
            let mut draft = tempfile::NamedTempFile::new_in(folder)?;
            draft.write_all(&serde_json::to_vec_pretty(&self.pins).expect("string keys and plain values"))?;
            draft.persist(&self.path).map_err(|error| error.error)?;
            Ok(())
        };
        done().map_err(|error: std::io::Error| Error::io("the journal of pins cannot be written", &self.path, &error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use modeldeploy_format::Digest;

    fn pin(version: &str) -> Pin {
        let tree = Digest::of(version.as_bytes());
        Pin { version: Some(version.into()), revision: tree.to_string(), tree, license: None }
    }

    #[test]
    fn each_step_back_goes_further_and_a_new_pin_begins_from_there() {
        let store = tempfile::tempdir().expect("a temporary folder");
        let mut journal = Journal::read(store.path()).expect("an empty journal");
        for version in ["1.0.0", "1.0.0", "1.1.0", "1.2.0"] {
            journal.add("m", &pin(version)).expect("written");
        }
        for (current, before) in [("1.2.0", Some("1.1.0")), ("1.1.0", Some("1.0.0")), ("1.0.0", None)] {
            let journal = Journal::read(store.path()).expect("a journal");
            assert_eq!(journal.before("m", &pin(current)), before.map(pin).as_ref());
        }
        journal.back_to("m", &pin("1.0.0")).expect("written");
        journal.add("m", &pin("1.3.0")).expect("written");
        let journal = Journal::read(store.path()).expect("a journal");
        assert_eq!(journal.before("m", &pin("1.3.0")), Some(&pin("1.0.0")));
        assert_eq!(journal.before("other", &pin("1.3.0")), None);
        // A pin that it does not know came after all that it knows.
        assert_eq!(journal.before("m", &pin("7.0.0")), Some(&pin("1.3.0")));
    }
}
