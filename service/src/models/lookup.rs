//! Models by name and version.

use super::Served;
use modeldeploy::format::Task;
use std::cmp::Ordering;
use std::fmt;

/// The models of a service. Of a name's versions the newest answers where none is asked for.
#[derive(Debug, Default)]
pub(crate) struct Models {
    all: Vec<Served>,
    /// The names in the order in which they were added.
    added: Vec<&'static str>,
}

/// There is no such model, or no such version of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Unknown {
    pub(crate) name: String,
    /// The version that was asked for, and those that there are; none where the name is not known.
    pub(crate) version: Option<(String, Vec<&'static str>)>,
}

impl Models {
    pub(crate) fn new(mut all: Vec<Served>) -> Models {
        let added = all.iter().map(|served| served.card.name).collect();
        // Newest first; models of equal versions stay in the order in which they were added.
        all.sort_by(|a, b| a.card.name.cmp(b.card.name).then(newest_first(a.card.version, b.card.version)));
        Models { all, added }
    }

    /// All of them: by name, and of a name the newest first.
    pub(crate) fn all(&self) -> &[Served] {
        &self.all
    }

    /// The place in [`all`](Models::all) of a model: of the version asked for, or else the newest.
    pub(crate) fn find(&self, name: &str, version: Option<&str>) -> Result<usize, Unknown> {
        self.pick(name, version, |served, wanted| served.card.version == wanted)
    }

    /// As [`find`](Models::find), the version being a whole number, as TensorFlow Serving has them.
    pub(crate) fn find_number(&self, name: &str, version: Option<&str>) -> Result<usize, Unknown> {
        self.pick(name, version, |served, wanted| served.number().is_some_and(|number| wanted.parse() == Ok(number)))
    }

    /// The model that was added first, of its versions the newest.
    pub(crate) fn first(&self) -> Option<usize> {
        self.added.first().and_then(|name| self.find(name, None).ok())
    }

    /// The model of that task that was added first, of its versions the newest.
    pub(crate) fn first_of(&self, task: Task) -> Option<usize> {
        let mut newest = self.added.iter().filter_map(|name| self.find(name, None).ok());
        newest.find(|&at| self.all[at].facts.task == task)
    }

    fn pick(&self, name: &str, version: Option<&str>, is_it: impl Fn(&Served, &str) -> bool) -> Result<usize, Unknown> {
        let of_name = || self.all.iter().enumerate().filter(|(_, served)| served.card.name == name);
        let wanted = |served: &Served| version.is_none_or(|version| is_it(served, version));
        of_name().find(|(_, served)| wanted(served)).map(|(at, _)| at).ok_or_else(|| {
            let known: Vec<_> = of_name().map(|(_, served)| served.card.version).collect();
            let version = version.filter(|_| !known.is_empty()).map(|version| (version.to_owned(), known));
            Unknown { name: name.to_owned(), version }
        })
    }
}

/// Versions that are none by semver stand after those that are, by their letters.
fn newest_first(a: &str, b: &str) -> Ordering {
    match (semver::Version::parse(a), semver::Version::parse(b)) {
        (Ok(a), Ok(b)) => b.cmp(&a),
        (Ok(_), Err(_)) => Ordering::Less,
        (Err(_), Ok(_)) => Ordering::Greater,
        (Err(_), Err(_)) => match (a.parse::<u64>(), b.parse::<u64>()) {
            (Ok(a), Ok(b)) => b.cmp(&a),
            _ => b.cmp(a),
        },
    }
}

impl fmt::Display for Unknown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = &self.name;
        match &self.version {
            None => write!(f, "there is no model `{name}`; `/models` lists those that are compiled in"),
            Some((version, known)) => {
                write!(f, "there is no version `{version}` of model `{name}`; there is {}", known.join(", "))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn newer_versions_stand_first() {
        for (newer, older) in [("1.10.0", "1.9.0"), ("2.0.0", "2.0.0-rc.1"), ("1.0.0", "7"), ("10", "9"), ("b", "a")] {
            assert_eq!(newest_first(newer, older), Ordering::Less, "{newer} {older}");
            assert_eq!(newest_first(older, newer), Ordering::Greater, "{newer} {older}");
        }
    }

    #[test]
    fn what_is_unknown_is_said_with_what_is_known() {
        let unknown = Models::default().find("ranker", Some("1")).expect_err("no models");
        assert_eq!(unknown.to_string(), "there is no model `ranker`; `/models` lists those that are compiled in");
        let version = Some(("3".to_owned(), vec!["2.0.0", "1.0.0"]));
        let unknown = Unknown { name: "ranker".to_owned(), version };
        assert_eq!(unknown.to_string(), "there is no version `3` of model `ranker`; there is 2.0.0, 1.0.0");
    }
}
