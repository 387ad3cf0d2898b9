//! `deploy.toml` as it is read: unknown keys are errors, with the one that was likely meant.

use super::Settings;
use crate::problem::{Kind, Problem};
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// The file's name, beside the service's `Cargo.toml`.
pub const FILE: &str = "deploy.toml";

/// The longest file.
const LONGEST: u64 = 1 << 20;

/// Reads the file of that path.
///
/// # Errors
///
/// If it cannot be read or says what cannot be.
pub fn read(path: &Path) -> Result<Settings, Problem> {
    let shown = path.display().to_string();
    let unreadable =
        |why: String| Problem::new(Kind::Settings, format!("the settings cannot be read: {why}")).at(&shown);
    let mut text = String::new();
    let file = File::open(path).map_err(|error| {
        unreadable(error.to_string())
            .help("`cargo modeldeploy deploy render --help` says what stands in it; all of it may be left out")
    })?;
    file.take(LONGEST + 1).read_to_string(&mut text).map_err(|error| unreadable(error.to_string()))?;
    if text.len() as u64 > LONGEST {
        return Err(unreadable(format!("it is longer than {LONGEST} bytes")));
    }
    parse(&shown, &text)
}

/// Reads a text; `shown` is the file's name for errors.
pub(crate) fn parse(shown: &str, text: &str) -> Result<Settings, Problem> {
    toml::from_str(text).map_err(|error| {
        let at = error.span().map_or(0, |span| span.start.min(text.len()));
        let line = text.as_bytes()[..at].iter().filter(|byte| **byte == b'\n').count() + 1;
        let problem = Problem::new(Kind::Settings, said(error.message())).at(format!("{shown}:{line}"));
        match near(error.message()) {
            Some(near) => problem.help(format!("did you mean `{near}`?")),
            None => problem,
        }
    })
}

/// serde's words on one line.
fn said(message: &str) -> String {
    message.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The key that was likely meant: serde names the unknown one first, then those that there are.
fn near(message: &str) -> Option<&str> {
    let mut names = message.strip_prefix("unknown field ")?.split('`').skip(1).step_by(2);
    let unknown = names.next()?;
    let nearest = names.min_by_key(|name| strsim::damerau_levenshtein(name, unknown))?;
    (strsim::damerau_levenshtein(nearest, unknown) <= 2.max(unknown.len() / 3)).then_some(nearest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::{By, Bytes};

    #[test]
    fn what_is_said_is_read_and_the_rest_has_its_default() {
        let text = "image = \"r.example/shop\"\nmemory = \"1GiB\"\n[replicas]\nmax = 6\n[canary]\nimage = \"x\"\n\
                    weights = { stable = 90, canary = 10 }\nby = \"gateway\"\n[options]\nmax-texts = 64\n";
        let settings = parse("deploy.toml", text).expect("settings");
        assert_eq!((settings.memory, settings.cpu), (Some(Bytes(1 << 30)), 2));
        assert_eq!((settings.replicas.min, settings.replicas.most()), (2, 6));
        assert_eq!(settings.canary.map(|canary| (canary.by, canary.weights.canary)), Some((By::Gateway, 10)));
        assert_eq!(parse("deploy.toml", ""), Ok(Settings::default()));
    }

    #[test]
    fn what_cannot_be_is_told_with_its_line_and_its_neighbour() {
        for (text, place, said, help) in [
            ("imag = \"a\"", "d:1", "unknown field `imag`", Some("did you mean `image`?")),
            ("cpu = 2\n[replicas]\nmin = 2\nmaxx = 3\n", "d:4", "unknown field `maxx`", Some("did you mean `max`?")),
            ("[canary]\nweights = { stable = 90 }\n", "d:2", "missing field `canary`", None),
            ("cpu = -1", "d:1", "invalid value", None),
            ("cpu = 1.5", "d:1", "invalid type", None),
            ("memory = \"much\"", "d:1", "is no number of bytes", None),
            ("\ngrace = \"10\"", "d:2", "is no time with its unit", None),
            ("[canary]\nweights = { stable = 90, canary = 10 }\nby = \"luck\"", "d:3", "unknown variant `luck`", None),
            ("cpu = ", "d:1", "", None),
            ("cpu = 2\ncpu = 3", "d:2", "duplicate key", None),
        ] {
            let error = parse("d", text).expect_err(text);
            assert_eq!(error.place.as_deref(), Some(place), "{text}: {error}");
            assert!(error.message.contains(said) && error.help.as_deref() == help, "{text}: {error}");
        }
    }

    #[test]
    fn files_have_a_longest_and_must_be_text() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join(FILE);
        for (bytes, said) in [(vec![b'#'; LONGEST as usize + 1], "longer than"), (vec![0xff], "UTF-8")] {
            std::fs::write(&path, bytes).expect("written");
            let error = read(&path).expect_err(said);
            assert!(error.message.contains(said), "{error}");
        }
        assert!(read(&folder.path().join("none.toml")).is_err());
    }
}
