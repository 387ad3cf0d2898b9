//! The attributes of an operator as text: `{epsilon=1e-12, axis=0}`.

use std::fmt::{self, Display};
use std::str::FromStr;

/// Keys and values, in the operator's order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Attributes(Vec<(String, String)>);

impl Attributes {
    /// Appends one.
    pub fn set(&mut self, key: &str, value: impl Display) {
        self.0.push((key.to_owned(), value.to_string()));
    }

    /// Appends `key=true` if it is.
    pub(crate) fn flag(&mut self, key: &str, value: bool) {
        if value {
            self.set(key, true);
        }
    }

    /// Takes the value of a key.
    pub(crate) fn take<T: FromStr>(&mut self, key: &str) -> Result<T, String> {
        let at =
            self.0.iter().position(|(name, _)| name == key).ok_or_else(|| format!("attribute `{key}` is missing"))?;
        let value = self.0.remove(at).1;
        value.parse().map_err(|_| format!("attribute `{key}` is `{value}`, which it cannot be"))
    }

    /// Takes a flag: false if it is not there.
    pub(crate) fn take_flag(&mut self, key: &str) -> Result<bool, String> {
        if self.0.iter().any(|(name, _)| name == key) { self.take(key) } else { Ok(false) }
    }

    /// Takes a list of whole numbers in brackets.
    pub(crate) fn list(&mut self, key: &str) -> Result<Vec<usize>, String> {
        let text: String = self.take(key)?;
        let inner = text.strip_prefix('[').and_then(|text| text.strip_suffix(']'));
        let inner = inner.ok_or_else(|| format!("{key} stand in brackets"))?;
        let numbers = inner.split(',').map(str::trim).filter(|number| !number.is_empty()).map(str::parse);
        numbers.collect::<Result<_, _>>().map_err(|_| format!("`{text}` are no {key}"))
    }

    /// Those that are left.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(key, value)| (key.as_str(), value.as_str()))
    }
}

impl fmt::Display for Attributes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return Ok(());
        }
        f.write_str("{")?;
        for (at, (key, value)) in self.iter().enumerate() {
            write!(f, "{}{key}={value}", if at == 0 { "" } else { ", " })?;
        }
        f.write_str("}")
    }
}
