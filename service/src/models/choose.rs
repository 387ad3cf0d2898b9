//! Which of a model's versions answers a request.
//!
//! What stands in the path or with the model's name goes first (`…/labels/canary`, `…/versions/1.2.0`, `query-encoder@canary`,
//! `query-encoder:1.2.0`), then the headers `x-model-version` and `x-model-label`, then the shares: by the header `x-routing-key` where
//! there is one, else by turns. What is asked for and not there is an error: nobody is answered by another version in silence.
//!
//! Nothing here reads a request's body or knows a protocol: metadata of gRPC are headers too.

use super::{Models, Served, Unknown};
use axum::http::{HeaderMap, HeaderValue};
use modeldeploy::format::Task;

/// The header that asks for a version, and says which one answered.
pub(crate) const VERSION: &str = "x-model-version";

/// The header that asks for a label.
pub(crate) const LABEL: &str = "x-model-label";

/// The header by whose value a request is given to a version, where it asks for none.
pub(crate) const KEY: &str = "x-routing-key";

/// A version as a path names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Named<'a> {
    /// Its version, or its label.
    Either(&'a str),
    /// Its label.
    Label(&'a str),
    /// Its number, as TensorFlow Serving counts versions.
    Number(&'a str),
}

/// What a request says of the version that it wants.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Wanted<'a> {
    named: Option<Named<'a>>,
    version: Option<&'a HeaderValue>,
    label: Option<&'a HeaderValue>,
    key: Option<&'a HeaderValue>,
}

impl<'a> Wanted<'a> {
    /// As a path and the headers say it.
    pub(crate) fn new(named: Option<Named<'a>>, headers: &'a HeaderMap) -> Wanted<'a> {
        let header = |name| headers.get(name).filter(|value| !value.is_empty());
        Wanted { named, version: header(VERSION), label: header(LABEL), key: header(KEY) }
    }

    /// As a path alone says it.
    pub(crate) fn only(named: Option<Named<'a>>) -> Wanted<'a> {
        Wanted { named, ..Wanted::default() }
    }

    fn is_any(&self) -> bool {
        self.named.is_none() && self.version.is_none() && self.label.is_none()
    }

    fn is_met_by(&self, served: &Served) -> bool {
        match self.named {
            Some(Named::Either(name)) => served.card.version == name || served.label == Some(name),
            Some(Named::Label(label)) => served.label == Some(label),
            Some(Named::Number(number)) => served.number().is_some_and(|own| number.parse() == Ok(own)),
            None => {
                let version = self.version.is_none_or(|version| version == served.card.version);
                version && self.label.is_none_or(|label| served.label.is_some_and(|own| label == own))
            }
        }
    }

    /// In words, for who asks for what is not there.
    fn shown(&self) -> String {
        let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        match (self.named, self.version, self.label) {
            (Some(Named::Either(name) | Named::Number(name)), ..) => format!("version `{name}`"),
            (Some(Named::Label(label)), ..) => format!("label `{label}`"),
            (None, Some(version), Some(label)) => {
                format!("version `{}` with the label `{}`", text(version), text(label))
            }
            (None, Some(version), None) => format!("version `{}`", text(version)),
            (None, None, label) => format!("label `{}`", label.map(text).unwrap_or_default()),
        }
    }
}

impl Models {
    /// The place in [`all`](Models::all) of the version that answers a request for the model `name`, which may be followed by `@` or `:`
    /// and a version or a label.
    ///
    /// # Errors
    ///
    /// If there is no such model, or no version of it that is as wanted.
    pub(crate) fn choose(&self, name: &str, wanted: &Wanted<'_>) -> Result<usize, Unknown> {
        let (name, wanted) = self.parts(name, wanted);
        self.of(name).map_or(Err(Unknown::model(name)), |versions| {
            if wanted.is_any() {
                return Ok(versions.split.next(versions.name, wanted.key.map(HeaderValue::as_bytes)));
            }
            self.met(name, &wanted)
        })
    }

    /// As [`choose`](Models::choose), of the model of that task, if it is given, that was added first.
    ///
    /// # Errors
    ///
    /// As there; and nothing if there is no such model.
    pub(crate) fn choose_first(&self, task: Option<Task>, wanted: &Wanted<'_>) -> Result<Option<usize>, Unknown> {
        self.first_name(task).map(|name| self.choose(name, wanted)).transpose()
    }

    /// The place of the version that tells of the model `name`: the one that is named, else the one that answers where no other has a
    /// share.
    ///
    /// # Errors
    ///
    /// As [`choose`](Models::choose).
    pub(crate) fn find(&self, name: &str, named: Option<Named<'_>>) -> Result<usize, Unknown> {
        let (name, wanted) = self.parts(name, &Wanted::only(named));
        self.met(name, &wanted)
    }

    /// A name and what is asked of it: what a path or a header says goes before what follows the name.
    fn parts<'a>(&self, name: &'a str, wanted: &Wanted<'a>) -> (&'a str, Wanted<'a>) {
        match name.split_once(['@', ':']) {
            Some((model, rest)) if wanted.named.is_none() && self.of(name).is_none() => {
                (model, Wanted { named: Some(Named::Either(rest)), ..*wanted })
            }
            _ => (name, *wanted),
        }
    }

    /// Of the versions that are as wanted the one that has the rest of the requests, else the newest.
    fn met(&self, name: &str, wanted: &Wanted<'_>) -> Result<usize, Unknown> {
        let versions = self.of(name).ok_or_else(|| Unknown::model(name))?;
        let rest = versions.split.rest();
        let mut places = std::iter::once(rest).chain(versions.places.clone());
        places.find(|&place| wanted.is_met_by(&self.all()[place])).ok_or_else(|| {
            let known = self.all()[versions.places.clone()].iter().map(Served::shown).collect();
            Unknown { name: versions.name.to_owned(), version: Some((wanted.shown(), known)) }
        })
    }
}
