//! A TOML table read strictly: each key is asked for by name and type, and what nobody asked for is an error.
//!
//! Manifests and suites are read through it, so that their errors look alike: file, line, column, and the nearest known key.

mod nearest;

pub use nearest::nearest;

use crate::diagnostic::{Code, Diagnostic};
use modeldeploy_format::lock::conflict;
use std::cell::RefCell;
use std::ops::Range;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// A text being read, and what was found wrong with it so far.
pub(crate) struct Source<'a> {
    /// As it is shown in errors.
    pub(crate) path: &'a str,
    pub(crate) text: &'a str,
    /// The code of errors in the text's form.
    pub(crate) code: Code,
    errors: RefCell<Vec<Diagnostic>>,
}

impl<'a> Source<'a> {
    pub(crate) fn new(path: &'a str, text: &'a str, code: Code) -> Self {
        Source { path, text, code, errors: RefCell::default() }
    }

    /// `path:line:column` of a byte, both counted from 1.
    pub(crate) fn place(&self, at: usize) -> String {
        let before = &self.text[..at.min(self.text.len())];
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().map_or(0, |line| line.chars().count()) + 1;
        format!("{}:{line}:{column}", self.path)
    }

    pub(crate) fn fail(&self, at: usize, message: impl Into<String>, help: impl Into<String>) {
        self.errors.borrow_mut().push(Diagnostic::new(self.code, message).at(self.place(at)).help(help));
    }

    /// Everything in the file as TOML, or the first syntax error.
    pub(crate) fn parse(&self) -> Option<DeTable<'a>> {
        match DeTable::parse(self.text) {
            Ok(table) => Some(table.into_inner()),
            Err(error) => {
                if let Some(line) = conflict(self.text) {
                    let help =
                        "keep what is right and remove the lines that begin with `<<<<<<<`, `=======` and `>>>>>>>`";
                    let error = Diagnostic::new(self.code, "git left both sides of a merge here");
                    self.errors.borrow_mut().push(error.at(format!("{}:{line}:1", self.path)).help(help));
                    return None;
                }
                let at = error.span().map_or(0, |span| span.start);
                self.fail(at, format!("not TOML: {}", error.message()), "mend the line; https://toml.io has the rules");
                None
            }
        }
    }

    pub(crate) fn errors(self) -> Vec<Diagnostic> {
        self.errors.into_inner()
    }
}

/// One table of a [`Source`].
pub(crate) struct Section<'s, 'a> {
    source: &'s Source<'a>,
    /// As errors name it: `model.query-encoder`.
    name: String,
    table: &'s DeTable<'a>,
    /// Where the table begins.
    pub(crate) at: usize,
    known: RefCell<Vec<&'static str>>,
}

impl<'s, 'a> Section<'s, 'a> {
    pub(crate) fn new(source: &'s Source<'a>, name: impl Into<String>, table: &'s DeTable<'a>, at: usize) -> Self {
        Section { source, name: name.into(), table, at, known: RefCell::default() }
    }

    fn get(&self, key: &'static str) -> Option<&'s Spanned<DeValue<'a>>> {
        self.known.borrow_mut().push(key);
        self.table.get(key)
    }

    /// Where the value of a key begins; the table's own place if it is not there.
    pub(crate) fn at(&self, key: &str) -> usize {
        self.table.get(key).map_or(self.at, |value| value.span().start)
    }

    fn typed<T>(
        &self,
        key: &'static str,
        wanted: &str,
        read: impl FnOnce(&'s Spanned<DeValue<'a>>) -> Option<T>,
    ) -> Option<T> {
        let value = self.get(key)?;
        let read = read(value);
        if read.is_none() {
            let found = value.get_ref().type_str();
            self.source.fail(
                value.span().start,
                format!("`{key}` of `{}` is not {wanted} but of type {found}", self.name),
                format!("write {wanted}"),
            );
        }
        read
    }

    pub(crate) fn string(&self, key: &'static str) -> Option<String> {
        self.typed(key, "a text in quotes", |value| value.get_ref().as_str().map(str::to_owned))
    }

    /// Like [`string`](Self::string), but its absence is an error too.
    pub(crate) fn required(&self, key: &'static str, help: &str) -> Option<String> {
        if !self.table.contains_key(key) {
            self.known.borrow_mut().push(key);
            self.source.fail(self.at, format!("`{key}` of `{}` is missing", self.name), help);
            return None;
        }
        self.string(key)
    }

    pub(crate) fn number(&self, key: &'static str) -> Option<f64> {
        let number = self.typed(key, "a number", |value| match value.get_ref() {
            DeValue::Float(float) => float.as_str().parse::<f64>().ok(),
            DeValue::Integer(integer) => integer.as_str().parse::<f64>().ok(),
            _ => None,
        })?;
        if !number.is_finite() {
            self.source.fail(
                self.at(key),
                format!("`{key}` of `{}` is not finite", self.name),
                "write a finite number",
            );
            return None;
        }
        Some(number)
    }

    pub(crate) fn count(&self, key: &'static str) -> Option<u32> {
        self.typed(key, "a whole number from 1", |value| {
            let integer = value.get_ref().as_integer()?;
            u32::from_str_radix(integer.as_str(), integer.radix()).ok().filter(|&number| number > 0)
        })
    }

    /// A whole number of 64 bits.
    pub(crate) fn whole(&self, key: &'static str) -> Option<u64> {
        self.typed(key, "a whole number from 0 that 64 bits hold", |value| {
            let integer = value.get_ref().as_integer()?;
            u64::from_str_radix(integer.as_str(), integer.radix()).ok()
        })
    }

    /// A list of texts with the place of each.
    pub(crate) fn strings(&self, key: &'static str) -> Option<Vec<(String, usize)>> {
        self.typed(key, "a list of texts in quotes", |value| {
            let entries = value.get_ref().as_array()?.iter();
            entries.map(|entry| Some((entry.get_ref().as_str()?.to_owned(), entry.span().start))).collect()
        })
    }

    /// A list of numbers.
    pub(crate) fn numbers(&self, key: &'static str) -> Option<Vec<f64>> {
        self.typed(key, "a list of numbers", |value| {
            let entries = value.get_ref().as_array()?.iter();
            entries
                .map(|entry| match entry.get_ref() {
                    DeValue::Float(float) => float.as_str().parse().ok(),
                    DeValue::Integer(integer) => integer.as_str().parse().ok(),
                    _ => None,
                })
                .collect()
        })
    }

    /// A table within the table.
    pub(crate) fn section(&self, key: &'static str) -> Option<Section<'s, 'a>> {
        let name = format!("{}.{key}", self.name);
        self.typed(key, "a table", |value| {
            Some(Section::new(
                self.source,
                name.trim_start_matches('.'),
                value.get_ref().as_table()?,
                value.span().start,
            ))
        })
    }

    /// A text, or a table of texts: the text alone stands for `whole`.
    pub(crate) fn text_or_table(&self, key: &'static str, whole: &str) -> Option<Vec<(String, String, usize)>> {
        self.typed(key, "a text in quotes or a table of them", |value| match value.get_ref() {
            DeValue::String(text) => Some(vec![(whole.to_owned(), text.to_string(), value.span().start)]),
            DeValue::Table(table) => table
                .iter()
                .map(|(key, value)| {
                    Some((key.get_ref().to_string(), value.get_ref().as_str()?.to_owned(), value.span().start))
                })
                .collect(),
            _ => None,
        })
    }

    /// The entries of a table whose keys are names, each a table.
    pub(crate) fn entries(&self) -> Vec<(String, Range<usize>, Section<'s, 'a>)> {
        let mut entries = vec![];
        for (key, value) in self.table {
            let name = key.get_ref().to_string();
            match value.get_ref().as_table() {
                Some(table) => {
                    let section = Section::new(self.source, format!("{}.{name}", self.name), table, key.span().start);
                    entries.push((name, key.span(), section));
                }
                None => self.source.fail(
                    value.span().start,
                    format!("`{}.{name}` is not a table but of type {}", self.name, value.get_ref().type_str()),
                    format!("write `[package.metadata.modeldeploy.{}.{name}]` and its keys under it", self.name),
                ),
            }
        }
        entries
    }

    /// Refuses the keys that nobody asked for.
    pub(crate) fn finish(self) {
        let known = self.known.into_inner();
        for key in self.table.keys() {
            let name = key.get_ref().as_ref();
            if !known.contains(&name) {
                let of = if self.name.is_empty() { "the file".to_owned() } else { format!("`{}`", self.name) };
                let help = match nearest(name, known.iter().copied()) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("it may have {}", list(&known)),
                };
                self.source.fail(key.span().start, format!("{of} has no key `{name}`"), help);
            }
        }
    }
}

/// `a`, `b` and `c`, each in backticks.
pub(crate) fn list(names: &[&str]) -> String {
    let quoted: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
    match quoted.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
        _ => quoted.concat(),
    }
}
