//! The models of a service by name, each with its versions.

use super::split::Split;
use super::version::STABLE;
use super::{Served, Share};
use modeldeploy::format::Task;
use std::cmp::Ordering;
use std::fmt;
use std::ops::Range;

/// The models of a service. Of a name's versions the one with the label `stable` answers where no other has a share; without one the
/// newest.
#[derive(Debug, Default)]
pub(crate) struct Models {
    all: Vec<Served>,
    /// By name.
    names: Vec<Versions>,
    /// Those that are scored after others and answer nobody.
    shadows: Vec<Served>,
    /// The places in `names` in the order in which they were added.
    added: Vec<usize>,
}

/// The versions of a name.
#[derive(Debug)]
pub(super) struct Versions {
    pub(super) name: &'static str,
    /// Their places in `all`.
    pub(super) places: Range<usize>,
    pub(super) split: Split,
}

/// There is no such model, or no such version of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Unknown {
    pub(crate) name: String,
    /// What was asked for, and the versions that there are; none where the name is not known.
    pub(crate) version: Option<(String, Vec<String>)>,
}

impl Models {
    /// The models, if their versions go together.
    ///
    /// # Errors
    ///
    /// Which model's versions do not, and why.
    pub(crate) fn new(models: Vec<Served>) -> Result<Models, String> {
        let mut order: Vec<&'static str> = vec![];
        for served in &models {
            if !order.contains(&served.card.name) {
                order.push(served.card.name);
            }
        }
        let (mut shadows, mut all): (Vec<_>, Vec<_>) = models.into_iter().partition(|served| served.is_shadow);
        // Newest first; models of equal versions stay in the order in which they were added.
        let order_of =
            |a: &Served, b: &Served| a.card.name.cmp(b.card.name).then(newest_first(a.card.version, b.card.version));
        all.sort_by(order_of);
        shadows.sort_by(order_of);
        let mut names = order.clone();
        names.sort_unstable();
        let versions = names.iter().map(|&name| Versions::new(name, &all, &shadows)).collect::<Result<Vec<_>, _>>()?;
        let place = |name: &&str| names.binary_search(name).expect("it is one of them");
        let added = order.iter().map(place).collect();
        Ok(Models { all, names: versions, shadows, added })
    }

    /// All that answer: by name, and of a name the newest first.
    pub(crate) fn all(&self) -> &[Served] {
        &self.all
    }

    /// All that answer nobody.
    pub(crate) fn shadows(&self) -> &[Served] {
        &self.shadows
    }

    /// The names of those that answer, each once.
    pub(crate) fn names(&self) -> impl Iterator<Item = &'static str> {
        self.names.iter().map(|versions| versions.name)
    }

    pub(super) fn of(&self, name: &str) -> Option<&Versions> {
        self.names.iter().find(|versions| versions.name == name)
    }

    /// The name of the model that was added first, or first of that task.
    pub(super) fn first_name(&self, task: Option<Task>) -> Option<&'static str> {
        let mut added = self.added.iter().map(|&at| &self.names[at]);
        let found = added.find(|versions| task.is_none_or(|task| self.all[versions.places.start].facts.task == task));
        found.map(|versions| versions.name)
    }

    /// The place of the model that was added first.
    pub(crate) fn first(&self) -> Option<usize> {
        self.first_name(None).and_then(|name| self.find(name, None).ok())
    }

    /// The place of the model of texts that was added first.
    pub(crate) fn first_of_texts(&self) -> Option<usize> {
        let reads = |versions: &&Versions| self.all[versions.places.start].texts().is_some();
        let found = self.added.iter().map(|&at| &self.names[at]).find(reads)?;
        self.find(found.name, None).ok()
    }

    /// Why no model does what is asked of texts: all that there are may be rankers.
    pub(crate) fn lacks(&self, what: &str) -> String {
        match self.first() {
            Some(first) if self.first_of_texts().is_none() => {
                format!("no model here {what}: {}", self.all[first].no_texts())
            }
            _ => format!("no model here {what}"),
        }
    }

    /// The place of the model of that task that was added first.
    pub(crate) fn first_of(&self, task: Task) -> Option<usize> {
        self.first_name(Some(task)).and_then(|name| self.find(name, None).ok())
    }
}

impl Versions {
    fn new(name: &'static str, all: &[Served], shadows: &[Served]) -> Result<Versions, String> {
        let wrong = |why: String| format!("the versions of model `{name}` do not go together: {why}");
        let places = all.partition_point(|served| served.card.name < name)
            ..all.partition_point(|served| served.card.name <= name);
        let own = &all[places.clone()];
        let shadows: Vec<&Served> = shadows.iter().filter(|served| served.card.name == name).collect();
        let everyone = || own.iter().chain(shadows.iter().copied());
        let Some(rest) = rest_of(own) else {
            return Err(wrong("there is only a shadow, and none that answers".to_owned()));
        };
        check_labels(everyone()).map_err(wrong)?;
        if let Some(other) = everyone().find(|served| served.facts.task != own[rest].facts.task) {
            return Err(wrong(format!(
                "{} is for the task `{}`, {} for `{}`",
                own[rest].shown(),
                own[rest].facts.task,
                other.shown(),
                other.facts.task
            )));
        }
        if let Some(shadow) = shadows.iter().find(|shadow| shadow.share > Share::NONE) {
            return Err(wrong(format!(
                "{} has a share of {}, and a shadow answers nobody",
                shadow.shown(),
                shadow.share
            )));
        }
        // Who does not choose a version must get answers of one form, and a shadow's are compared with them.
        let alike = |served: &&Served| served.is_shadow || served.share > Share::NONE;
        let form = |served: &Served| (served.facts.outputs, served.facts.labels);
        if let Some(other) = everyone().filter(alike).find(|served| form(served) != form(&own[rest])) {
            let (name, outputs) = (other.shown(), other.facts.outputs);
            return Err(wrong(format!(
                "{} gives {} values, {name} {outputs} or others",
                own[rest].shown(),
                own[rest].facts.outputs
            )));
        }
        // Nor can who does not choose know which features to give.
        let takes = |served: &Served| served.ranker().map(|engine| engine.signature().features.as_slice());
        if let Some(other) = everyone().filter(alike).find(|served| takes(served) != takes(&own[rest])) {
            return Err(wrong(format!("{} takes other features than {}", other.shown(), own[rest].shown())));
        }
        let others = own.iter().enumerate().filter(|(at, _)| *at != rest);
        let shares = others.map(|(at, served)| (places.start + at, served.share));
        let sum = shares.clone().try_fold(Share::NONE, |sum, (_, share)| sum.plus(share));
        let stated = own[rest].share;
        if !sum.is_some_and(|sum| stated == Share::NONE || stated == sum.rest()) {
            let all = own.iter().filter(|served| served.share > Share::NONE);
            let all: Vec<_> = all.map(|served| format!("{} of {}", served.share, served.shown())).collect();
            return Err(wrong(format!(
                "the shares are {}, and must be 100%; {} gets what is left",
                all.join(", "),
                own[rest].shown()
            )));
        }
        let split = Split::new(shares, places.start + rest);
        Ok(Versions { name, places, split })
    }
}

/// Who answers what no other has a share of.
fn rest_of(own: &[Served]) -> Option<usize> {
    let stable = own.iter().position(|served| served.label == Some(STABLE));
    let without = || own.iter().position(|served| served.share == Share::NONE);
    stable.or_else(without).or((!own.is_empty()).then_some(0))
}

/// Labels are of one version each, and nothing that could be a version.
fn check_labels<'a>(versions: impl Iterator<Item = &'a Served> + Clone) -> Result<(), String> {
    for (at, served) in versions.clone().enumerate() {
        let version = served.card.version;
        if version.is_empty() || !version.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(format!("`{version}` cannot be a version here: it stands in a header"));
        }
        let Some(label) = served.label else { continue };
        let first = label.starts_with(|c: char| c.is_ascii_lowercase());
        if !first || !label.bytes().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-' || c == b'_') {
            return Err(format!(
                "`{label}` cannot be a label: one begins with a lower-case letter and has such letters, digits, `-` and `_`"
            ));
        }
        if versions.clone().any(|other| other.card.version == label) {
            return Err(format!("the label `{label}` is a version, too"));
        }
        if versions.clone().skip(at + 1).any(|other| other.label == Some(label)) {
            return Err(format!("two of them have the label `{label}`"));
        }
    }
    Ok(())
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

impl Unknown {
    pub(super) fn model(name: &str) -> Unknown {
        Unknown { name: name.to_owned(), version: None }
    }
}

impl fmt::Display for Unknown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = &self.name;
        match &self.version {
            None => write!(f, "there is no model `{name}`; `/models` lists those that are compiled in"),
            Some((asked, known)) => write!(f, "there is no {asked} of model `{name}`; there is {}", known.join(", ")),
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
        let unknown = Models::default().find("ranker", None).expect_err("no models");
        assert_eq!(unknown.to_string(), "there is no model `ranker`; `/models` lists those that are compiled in");
        let version = Some(("version `3`".to_owned(), vec!["2.0.0 (canary)".to_owned(), "1.0.0".to_owned()]));
        let unknown = Unknown { name: "ranker".to_owned(), version };
        assert_eq!(unknown.to_string(), "there is no version `3` of model `ranker`; there is 2.0.0 (canary), 1.0.0");
    }
}
