//! Rules against facts: which rule a model breaks, and what would mend it.

use super::{Policy, Signatures};
use crate::date::Date;
use modeldeploy_format::lock::LockedFile;
use std::fmt;

/// A rule of a policy, by the key that has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Rule {
    /// `policy.licenses`.
    Licenses,
    /// `policy.sources`.
    Sources,
    /// `policy.max-age`.
    MaxAge,
    /// `policy.max-size`.
    MaxSize,
    /// `policy.signatures`: there is no valid signature, or too few.
    Signatures,
    /// `policy.signatures`: a signature is valid, and not of a file that the lock pins.
    SignedFiles,
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Rule::Licenses => "policy.licenses",
            Rule::Sources => "policy.sources",
            Rule::MaxAge => "policy.max-age",
            Rule::MaxSize => "policy.max-size",
            Rule::Signatures | Rule::SignedFiles => "policy.signatures",
        })
    }
}

/// What is known of a model.
#[derive(Clone, Debug)]
pub struct Facts<'a> {
    /// Its name.
    pub model: &'a str,
    /// Where it comes from, as its manifest says.
    pub source: &'a str,
    /// Its licence, as its manifest says.
    pub license: Option<&'a str>,
    /// When it was released, as its manifest says.
    pub released: Option<&'a str>,
    /// Its files, once they are known: the rules that are about them are not asked before.
    pub files: Option<&'a [LockedFile]>,
    /// Its signatures, of which each is proved or refused already.
    pub signed: &'a [Signed],
}

/// One signature of a model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Signed {
    /// It is one of the signers'.
    By {
        /// The signer's key and name.
        signer: String,
        /// What of the model's files it is not of.
        unlisted: Vec<Listed>,
    },
    /// It is nobody's who is asked for.
    Stranger(String),
    /// It does not hold, or cannot be read: its file, and why.
    Wrong(String),
}

/// A file that a signature is not of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Its path in the model's folder.
    pub path: String,
    /// Whether the signature names it with other bytes.
    pub differs: bool,
}

/// A rule that is broken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Which.
    pub rule: Rule,
    /// By which model.
    pub model: String,
    /// What is so.
    pub message: String,
    /// What would mend it.
    pub help: String,
}

/// The rules that a model breaks on that day.
pub fn judge(policy: &Policy, facts: &Facts<'_>, today: Date) -> Vec<Violation> {
    let mut found = vec![];
    let mut broken = |rule, message: String, help: String| {
        let message = format!("model `{}` breaks `{rule}`: {message}", facts.model);
        found.push(Violation { rule, model: facts.model.to_owned(), message, help });
    };
    license(policy, facts, &mut broken);
    source(policy, facts, &mut broken);
    age(policy, facts, today, &mut broken);
    if let Some(files) = facts.files {
        size(policy, files, &mut broken);
        signatures(&policy.signatures, facts, &mut broken);
    }
    found
}

/// Hears of a broken rule: what is so, and what would mend it.
type Broken<'b> = dyn FnMut(Rule, String, String) + 'b;

fn license(policy: &Policy, facts: &Facts<'_>, broken: &mut Broken<'_>) {
    let Some(allowed) = &policy.licenses else { return };
    let names = || allowed.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let Some(license) = facts.license else {
        let help =
            format!("find out its licence and write it into its manifest: license = \"…\"; allowed are {}", names());
        return broken(Rule::Licenses, "it states no licence".into(), help);
    };
    match spdx::Expression::parse(license) {
        Err(error) => {
            let message =
                format!("its licence `{}` is not an SPDX expression: {}", license.escape_debug(), error.reason);
            broken(Rule::Licenses, message, "write its licence as https://spdx.org/licenses has it".into());
        }
        Ok(expression) if expression.evaluate(|needed| allowed.iter().any(|it| it.satisfies(needed))) => {}
        Ok(_) => {
            let message = format!("its licence is `{license}`, and allowed are {}", names());
            broken(Rule::Licenses, message, "take another model, or let who may decide it allow the licence".into());
        }
    }
}

fn source(policy: &Policy, facts: &Facts<'_>, broken: &mut Broken<'_>) {
    let help = "take the model from where models may come from, or change `policy.sources`";
    if let Some(pattern) = policy.forbidden.iter().find(|pattern| pattern.matches(facts.source)) {
        let message = format!("it comes from `{}`, and `{pattern}` is forbidden", facts.source.escape_debug());
        broken(Rule::Sources, message, help.into());
    } else if let Some(allowed) = &policy.allowed
        && !allowed.iter().any(|pattern| pattern.matches(facts.source))
    {
        let names: Vec<String> = allowed.iter().map(|pattern| format!("`{pattern}`")).collect();
        let names =
            if names.is_empty() { "nothing is allowed".into() } else { format!("allowed are {}", names.join(", ")) };
        broken(Rule::Sources, format!("it comes from `{}`, and {names}", facts.source.escape_debug()), help.into());
    }
}

fn age(policy: &Policy, facts: &Facts<'_>, today: Date, broken: &mut Broken<'_>) {
    let Some(days) = policy.max_age else { return };
    let stated = facts.released.map(str::parse::<Date>);
    match stated {
        None => {
            let help = "write the day into its manifest: released = \"2026-05-31\"";
            broken(Rule::MaxAge, "its manifest does not say when it was released".into(), help.into());
        }
        Some(Err(why)) => {
            broken(Rule::MaxAge, format!("its release: {why}"), "write it as released = \"2026-05-31\"".into())
        }
        Some(Ok(released)) => {
            let age = today.days_since(released);
            if age < 0 {
                let message = format!("it was released on {released}, and today is {today}");
                broken(Rule::MaxAge, message, "correct `released`, or the clock".into());
            } else if age > i64::from(days) {
                let message = format!("it was released on {released}, {age} days ago, and {days} are the most");
                broken(
                    Rule::MaxAge,
                    message,
                    "take a newer one, or train it again, and write its day into `released`".into(),
                );
            }
        }
    }
}

fn size(policy: &Policy, files: &[LockedFile], broken: &mut Broken<'_>) {
    let Some(most) = policy.max_size else { return };
    let size = files.iter().fold(0_u64, |sum, file| sum.saturating_add(file.size));
    if size > most {
        let largest = files.iter().max_by_key(|file| file.size).map(|file| file.path.as_str()).unwrap_or_default();
        let message =
            format!("its files have {size} bytes together, and {most} are the most; the largest is `{largest}`");
        broken(Rule::MaxSize, message, "take a smaller model, or change `policy.max-size`".into());
    }
}

fn signatures(policy: &Signatures, facts: &Facts<'_>, broken: &mut Broken<'_>) {
    let get = format!(
        "get a signature of the files as they are; `cargo modeldeploy explain` says more of `{}`",
        Rule::Signatures
    );
    // A signature that does not hold is never passed over, required or not: somebody changed something.
    for signed in facts.signed {
        if let Signed::Wrong(why) = signed {
            broken(Rule::Signatures, why.clone(), "get the model and its signature again from who signed it".into());
        }
    }
    let mut whole: Vec<&str> = vec![];
    let mut partial: Vec<(&str, &[Listed])> = vec![];
    for signed in facts.signed {
        match signed {
            Signed::By { signer, unlisted } if unlisted.is_empty() => whole.push(signer),
            Signed::By { signer, unlisted } => partial.push((signer, unlisted)),
            Signed::Stranger(_) | Signed::Wrong(_) => {}
        }
    }
    whole.sort_unstable();
    whole.dedup();
    // One that is enough of the signers' makes up for others that are of an older state, but not for one of other bytes.
    if whole.len() >= policy.threshold.max(1) {
        partial.retain(|(_, unlisted)| unlisted.iter().any(|file| file.differs));
    }
    for (signer, unlisted) in &partial {
        for file in *unlisted {
            let path = file.path.escape_debug();
            let what = if file.differs { "is of other bytes of" } else { "is not of" };
            broken(
                Rule::SignedFiles,
                format!("the signature by {signer} {what} `{path}`, which the lock pins"),
                get.clone(),
            );
        }
    }
    if !policy.required || !partial.is_empty() || whole.len() >= policy.threshold.max(1) {
        return;
    }
    if facts.signed.iter().any(|signed| matches!(signed, Signed::Wrong(_))) {
        return;
    }
    let strangers: Vec<&str> = facts
        .signed
        .iter()
        .filter_map(|signed| match signed {
            Signed::Stranger(why) => Some(why.as_str()),
            _ => None,
        })
        .collect();
    let message = match (whole.len(), strangers.first()) {
        (0, None) => "it has no signature".to_owned(),
        (0, Some(why)) => format!("its signature is by none of the signers: {why}"),
        (count, _) => format!("{count} of the signers have signed it, and {} are asked for", policy.threshold),
    };
    broken(Rule::Signatures, message, get);
}
