//! How far apart two versions of a model are: what a service that depends on it would notice, and which part of the version's
//! number must say so.
//!
//! - **major**: code or data that worked with the old one is wrong with the new one. The signature takes or gives something else, or
//!   vectors cannot be compared with those that are stored (another space): indexes must be made anew.
//! - **minor**: everything still fits, but answers or terms differ: other weights behind the same labels, longer texts, another
//!   licence.
//! - **patch**: no answer differs.

use crate::artifact::Facts;
use modeldeploy_format::features::Fact;
use modeldeploy_format::{Signature, Task};
use semver::Version;
use std::collections::BTreeMap;
use std::fmt;

/// The part of a version's number that must grow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Nothing that a service could notice.
    Patch,
    /// Everything fits; answers or terms differ.
    Minor,
    /// Not compatible.
    Major,
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Level::Patch => "patch",
            Level::Minor => "minor",
            Level::Major => "major",
        })
    }
}

/// How far apart two versions are, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judgement {
    /// The greatest level of the reasons.
    pub level: Level,
    /// What differs, the worst first.
    pub reasons: Vec<(Level, String)>,
}

/// Compares two versions.
pub fn judge(old: &Facts, new: &Facts) -> Judgement {
    let mut reasons = vec![];
    match (&old.signature, &new.signature) {
        (Some(old), Some(new)) => signatures(old, new, &mut reasons),
        (None, None) => reasons.push((Level::Major, "neither says what it takes and gives".into())),
        _ => reasons.push((Level::Major, "only one of them says what it takes and gives".into())),
    }
    let embeds = [old, new].iter().any(|it| it.signature.as_ref().is_some_and(|it| it.task == Task::Embed));
    match (old.space == new.space, embeds) {
        (true, _) => {}
        (false, true) => {
            let why = if recipes_differ(old, new) { ", for they are compressed otherwise" } else { "" };
            let message = format!("its vectors cannot be compared with the old ones{why}: indexes must be made anew");
            reasons.push((Level::Major, message));
        }
        (false, false) => reasons.push((Level::Minor, "its answers differ: it computes with other numbers".into())),
    }
    if old.license != new.license {
        let said = |facts: &Facts| facts.license.clone().unwrap_or_else(|| "not stated".into());
        reasons.push((Level::Minor, format!("its licence was {}, and is {}", said(old), said(new))));
    }
    for (path, change) in files(old, new) {
        reasons.push((Level::Patch, format!("file `{path}` {change}")));
    }
    reasons.sort_by_key(|reason| std::cmp::Reverse(reason.0));
    Judgement { level: reasons.first().map_or(Level::Patch, |reason| reason.0), reasons }
}

/// The level that the step from one version's number to another's promises, by Cargo's rules: in `0.x` the first number that is not
/// zero takes the part of the major one.
pub fn promised(old: &Version, new: &Version) -> Level {
    let main = |version: &Version| [version.major, version.minor, version.patch];
    let (old, new) = (main(old), main(new));
    // Which of the numbers is the first to differ, and which the first that is not zero.
    let differs = old.iter().zip(&new).position(|(old, new)| old != new).unwrap_or(3);
    let leading = old.iter().position(|&number| number != 0).unwrap_or(2);
    match differs.checked_sub(leading) {
        None | Some(0) => Level::Major,
        Some(1) if leading == 0 => Level::Minor,
        // In `0.x.y` the last number is for everything that is compatible.
        Some(1) if leading == 1 => Level::Minor,
        Some(_) => Level::Patch,
    }
}

fn recipes_differ(old: &Facts, new: &Facts) -> bool {
    old.recipe != new.recipe
}

fn signatures(old: &Signature, new: &Signature, reasons: &mut Vec<(Level, String)>) {
    let mut say = |level, what: String| reasons.push((level, what));
    if old.task != new.task {
        say(Level::Major, format!("its task was {}, and is {}", old.task, new.task));
    }
    if old.outputs != new.outputs {
        say(Level::Major, format!("it gave {} values, and gives {}", old.outputs, new.outputs));
    }
    if old.normalized != new.normalized {
        let said = if new.normalized { "are now" } else { "are no longer" };
        say(Level::Major, format!("its vectors {said} of unit length"));
    }
    if old.labels != new.labels {
        say(Level::Major, format!("its labels were {}, and are {}", list(&old.labels), list(&new.labels)));
    }
    // A row of a ranker is a struct with all of them: one more is one that the service's code must give.
    let names = |signature: &Signature| -> Vec<String> {
        let said = |fact: &Fact| match fact.kind.embedding() {
            Some(of) => format!("{} ({} of {})", fact.name, fact.kind, of.space),
            None => format!("{} ({})", fact.name, fact.kind),
        };
        signature.features.iter().map(said).collect()
    };
    if old.features != new.features {
        let (old, new) = (names(old), names(new));
        say(Level::Major, format!("its features were {}, and are {}", list(&old), list(&new)));
    }
    if new.max_tokens < old.max_tokens {
        let what = format!("texts past {} tokens are cut; it took {}", new.max_tokens, old.max_tokens);
        say(Level::Major, what);
    }
    if new.max_tokens > old.max_tokens {
        say(Level::Minor, format!("it takes texts of {} tokens; it took {}", new.max_tokens, old.max_tokens));
    }
    let (before, after): (BTreeMap<_, _>, BTreeMap<_, _>) =
        (old.prompts.iter().cloned().collect(), new.prompts.iter().cloned().collect());
    for (name, prompt) in &before {
        match after.get(name) {
            None => say(Level::Major, format!("the prompt `{name}` is gone")),
            Some(now) if now != prompt => say(Level::Major, format!("the prompt `{name}` is another text")),
            Some(_) => {}
        }
    }
    for name in after.keys().filter(|name| !before.contains_key(*name)) {
        say(Level::Minor, format!("the prompt `{name}` is new"));
    }
    if old.default_prompt != new.default_prompt {
        say(Level::Major, "another prompt stands before texts that name none".into());
    }
}

fn list(labels: &[String]) -> String {
    if labels.is_empty() { "none".into() } else { labels.join(", ") }
}

/// The files that differ, and how.
pub fn files<'a>(old: &'a Facts, new: &'a Facts) -> Vec<(&'a str, &'static str)> {
    let by_path = |facts: &'a Facts| -> BTreeMap<&'a str, _> {
        facts.files.iter().map(|file| (file.path.as_str(), file.digest)).collect()
    };
    let (before, after) = (by_path(old), by_path(new));
    let gone = before.keys().filter(|path| !after.contains_key(*path)).map(|path| (*path, "is gone"));
    let come = after.keys().filter(|path| !before.contains_key(*path)).map(|path| (*path, "is new"));
    let other = before.iter().filter(|(path, digest)| after.get(*path).is_some_and(|now| now != *digest));
    let mut all: Vec<_> = gone.chain(come).chain(other.map(|(path, _)| (*path, "is another"))).collect();
    all.sort_unstable();
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use modeldeploy_format::Digest;
    use modeldeploy_format::features::{Kind, Side};
    use modeldeploy_format::lock::LockedFile;

    fn facts(task: Task) -> Facts {
        let labels = if task == Task::Classify { vec!["good".into(), "bad".into()] } else { vec![] };
        Facts {
            name: "m".into(),
            version: Version::new(1, 0, 0),
            license: Some("MIT".into()),
            signature: Some(Signature {
                task,
                max_tokens: 64,
                outputs: 2,
                normalized: false,
                labels,
                prompts: vec![("query".into(), "query: ".into())],
                default_prompt: None,
                features: vec![],
            }),
            space: Some(Digest::of(b"space")),
            recipe: BTreeMap::new(),
            gate: None,
            files: vec![LockedFile { path: "README.md".into(), size: 1, digest: Digest::of(b"a") }],
        }
    }

    fn with(change: impl FnOnce(&mut Facts, &mut Signature)) -> Facts {
        let mut facts = facts(Task::Embed);
        let mut signature = facts.signature.take().expect("a signature");
        change(&mut facts, &mut signature);
        facts.signature = Some(signature);
        facts
    }

    #[test]
    fn what_differs_decides_which_number_grows() {
        let old = facts(Task::Embed);
        for (new, level, said) in [
            (old.clone(), Level::Patch, None),
            (with(|it, _| it.files[0].digest = Digest::of(b"b")), Level::Patch, Some("file `README.md` is another")),
            (with(|it, _| it.files.clear()), Level::Patch, Some("is gone")),
            (with(|_, it| it.max_tokens = 128), Level::Minor, Some("it takes texts of 128 tokens")),
            (with(|it, _| it.license = None), Level::Minor, Some("its licence was MIT, and is not stated")),
            (with(|_, it| it.prompts.push(("p".into(), String::new()))), Level::Minor, Some("`p` is new")),
            (with(|it, _| it.space = Some(Digest::of(b"other"))), Level::Major, Some("indexes must be made anew")),
            (with(|_, it| it.outputs = 3), Level::Major, Some("it gave 2 values, and gives 3")),
            (with(|_, it| it.max_tokens = 32), Level::Major, Some("past 32 tokens are cut")),
            (with(|_, it| it.normalized = true), Level::Major, Some("are now of unit length")),
            (with(|_, it| it.prompts.clear()), Level::Major, Some("the prompt `query` is gone")),
            (with(|_, it| it.prompts[0].1.clear()), Level::Major, Some("is another text")),
            (with(|_, it| it.default_prompt = Some("query".into())), Level::Major, Some("another prompt")),
            (facts(Task::Score), Level::Major, Some("its task was embed, and is score")),
            (
                with(|_, it| {
                    it.features = vec![Fact { name: "price".into(), kind: Kind::Number, side: Side::Candidate }]
                }),
                Level::Major,
                Some("its features were none, and are price (number)"),
            ),
        ] {
            let judged = judge(&old, &new);
            assert_eq!(judged.level, level, "{judged:?}");
            let found = said.is_none_or(|said| judged.reasons.iter().any(|(_, reason)| reason.contains(said)));
            assert!(found, "{said:?}: {judged:?}");
        }
    }

    #[test]
    fn other_numbers_behind_the_same_labels_are_minor_and_other_labels_major() {
        let old = facts(Task::Classify);
        let mut new = old.clone();
        new.space = Some(Digest::of(b"other"));
        assert_eq!(judge(&old, &new).level, Level::Minor);
        new.signature.as_mut().expect("a signature").labels.reverse();
        assert_eq!(judge(&old, &new).level, Level::Major);
        new.signature = None;
        assert_eq!(judge(&old, &new).level, Level::Major);
    }

    #[test]
    fn numbers_promise_what_cargo_reads_in_them() {
        for (old, new, level) in [
            ("1.2.3", "2.0.0", Level::Major),
            ("1.2.3", "1.3.0", Level::Minor),
            ("1.2.3", "1.2.4", Level::Patch),
            ("1.2.3", "1.2.3", Level::Patch),
            ("0.2.3", "0.3.0", Level::Major),
            ("0.2.3", "0.2.4", Level::Minor),
            ("0.0.3", "0.0.4", Level::Major),
            ("0.0.3", "0.1.0", Level::Major),
            ("0.2.3", "1.0.0", Level::Major),
        ] {
            let parse = |text: &str| Version::parse(text).expect("a version");
            assert_eq!(promised(&parse(old), &parse(new)), level, "{old} to {new}");
            // The same as a caret takes them: whatever is compatible is in the old one's range.
            let range = semver::VersionReq::parse(&format!("^{old}")).expect("a range");
            assert_eq!(range.matches(&parse(new)), level != Level::Major, "{old} to {new}");
        }
    }
}
