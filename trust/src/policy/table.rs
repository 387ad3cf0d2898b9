//! A TOML table read strictly: what nobody asks for is a mistake, with the nearest key that is known.

use super::Mistake;
use std::cell::RefCell;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// A text being read, with what was found wrong so far.
pub(super) struct Source<'a> {
    text: &'a str,
    mistakes: RefCell<Vec<Mistake>>,
}

impl<'a> Source<'a> {
    pub(super) fn new(text: &'a str) -> Source<'a> {
        Source { text, mistakes: RefCell::default() }
    }

    pub(super) fn fail(&self, at: usize, message: impl Into<String>, help: impl Into<String>) {
        let before = self.text.get(..at).unwrap_or(self.text);
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().map_or(0, |line| line.chars().count()) + 1;
        let mistake = Mistake { at: (line, column), message: message.into(), help: help.into() };
        self.mistakes.borrow_mut().push(mistake);
    }

    pub(super) fn mistakes(self) -> Vec<Mistake> {
        self.mistakes.into_inner()
    }
}

/// One table; empty where the file does not have it.
pub(super) struct Table<'s, 'a> {
    source: &'s Source<'a>,
    name: &'static str,
    table: Option<&'s DeTable<'a>>,
}

impl<'s, 'a> Table<'s, 'a> {
    /// A table of these keys alone.
    pub(super) fn new(
        source: &'s Source<'a>,
        name: &'static str,
        table: Option<&'s DeTable<'a>>,
        known: &[&str],
    ) -> Table<'s, 'a> {
        for (key, _) in table.into_iter().flatten() {
            let found = key.get_ref();
            if known.contains(&found.as_ref()) {
                continue;
            }
            let near = known.iter().map(|known| (strsim::jaro_winkler(known, found), *known));
            let near = near.filter(|(alike, _)| *alike > 0.7).max_by(|a, b| a.0.total_cmp(&b.0));
            let help = match near {
                Some((_, near)) => format!("did you mean `{near}`?"),
                None => {
                    format!("there are {}", known.iter().map(|key| format!("`{key}`")).collect::<Vec<_>>().join(", "))
                }
            };
            let whose = if name.is_empty() { "the file".into() } else { format!("`{name}`") };
            source.fail(key.span().start, format!("{whose} has no key `{}`", found.escape_debug()), help);
        }
        Table { source, name, table }
    }

    /// Where the value of a key begins; the file's beginning if it is not there.
    pub(super) fn at(&self, key: &str) -> usize {
        self.value(key).map_or(0, |value| value.span().start)
    }

    fn value(&self, key: &str) -> Option<&'s Spanned<DeValue<'a>>> {
        self.table?.get(key)
    }

    /// Reads a key; what `read` cannot read is a mistake, for which `wanted` says what it should be.
    fn read<T>(&self, key: &str, wanted: &str, read: impl FnOnce(&'s DeValue<'a>) -> Option<T>) -> Option<T> {
        let value = self.value(key)?;
        let found = read(value.get_ref());
        if found.is_none() {
            let name = if self.name.is_empty() { key.to_owned() } else { format!("{}.{key}", self.name) };
            self.source.fail(value.span().start, format!("`{name}` is not {wanted}"), format!("write {wanted}"));
        }
        found
    }

    /// A table in this one.
    pub(super) fn table(&self, key: &str, name: &'static str, known: &[&str]) -> Table<'s, 'a> {
        let table = self.read(key, "a table", |value| value.as_table());
        Table::new(self.source, name, table, known)
    }

    pub(super) fn flag(&self, key: &str) -> Option<bool> {
        self.read(key, "`true` or `false`", |value| value.as_bool())
    }

    pub(super) fn count(&self, key: &str) -> Option<usize> {
        self.read(key, "a whole number from 1", |value| {
            let integer = value.as_integer()?;
            usize::from_str_radix(integer.as_str(), integer.radix()).ok().filter(|count| *count > 0)
        })
    }

    /// A text that `read` understands.
    pub(super) fn text<T>(&self, key: &str, wanted: &str, read: impl FnOnce(&str) -> Option<T>) -> Option<T> {
        self.read(key, wanted, |value| read(value.as_str()?))
    }

    /// A list of texts, each with where it stands.
    pub(super) fn texts(&self, key: &str) -> Option<Vec<(String, usize)>> {
        self.read(key, "a list of texts in quotes", |value| {
            let items = value.as_array()?.iter();
            items.map(|item| Some((item.get_ref().as_str()?.to_owned(), item.span().start))).collect()
        })
    }
}
