//! A value as a request has it, before it is known what belongs in its place.

use modeldeploy::format::features::Kind;
use modeldeploy::rank::{List, Value};

/// A value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Cell {
    /// `null`.
    Missing,
    Number(f64),
    Text(String),
    List(Vec<Cell>),
    /// What no feature is: a boolean, an object.
    Other(&'static str),
}

impl Cell {
    /// What it is, in words.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Cell::Missing => "null",
            Cell::Number(_) => "a number",
            Cell::Text(_) => "a string",
            Cell::List(_) => "a list",
            Cell::Other(kind) => kind,
        }
    }

    /// The one value that it is: a list of one is as its value.
    pub(super) fn one(&self) -> &Cell {
        match self {
            Cell::List(cells) => {
                if let [one] = &cells[..] {
                    one
                } else {
                    self
                }
            }
            _ => self,
        }
    }
}

/// Values of a feature.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Values {
    /// NaN where one is missing.
    Numbers(Vec<f64>),
    Texts(Vec<String>),
}

impl Values {
    /// Values of that kind.
    ///
    /// # Errors
    ///
    /// The first that is none: its place, what it is and what must stand there.
    pub(crate) fn of<'c>(kind: Kind, cells: impl Iterator<Item = &'c Cell>) -> Result<Values, (usize, String)> {
        let wrong = |at: usize, cell: &Cell| (at, format!("{}, where {} must stand", cell.kind(), expected(kind)));
        match kind {
            Kind::Number => {
                let number = |(at, cell): (usize, &Cell)| match cell.one() {
                    Cell::Number(number) => Ok(*number),
                    Cell::Missing => Ok(f64::NAN),
                    other => Err(wrong(at, other)),
                };
                cells.enumerate().map(number).collect::<Result<_, _>>().map(Values::Numbers)
            }
            Kind::Text => {
                let text = |(at, cell): (usize, &Cell)| match cell.one() {
                    Cell::Text(text) => Ok(text.clone()),
                    Cell::Missing => Ok(String::new()),
                    other => Err(wrong(at, other)),
                };
                cells.enumerate().map(text).collect::<Result<_, _>>().map(Values::Texts)
            }
        }
    }

    pub(crate) fn len(&self) -> usize {
        match self {
            Values::Numbers(values) => values.len(),
            Values::Texts(values) => values.len(),
        }
    }

    /// One of them, as engines take it.
    pub(super) fn at(&self, at: usize) -> Value<'_> {
        match self {
            Values::Numbers(values) => Value::Number(values[at]),
            Values::Texts(values) => Value::Text(&values[at]),
        }
    }
}

/// A session's values, as engines take them: texts by reference.
#[derive(Debug)]
pub(super) enum Lent<'v> {
    Numbers(&'v [f64]),
    Texts(Vec<&'v str>),
}

impl<'v> From<&'v Values> for Lent<'v> {
    fn from(values: &'v Values) -> Lent<'v> {
        match values {
            Values::Numbers(values) => Lent::Numbers(values),
            Values::Texts(values) => Lent::Texts(values.iter().map(String::as_str).collect()),
        }
    }
}

impl Lent<'_> {
    pub(super) fn list(&self) -> List<'_> {
        match self {
            Lent::Numbers(values) => List::Numbers(values),
            Lent::Texts(values) => List::Texts(values),
        }
    }
}

/// What a value of that kind is.
pub(super) fn expected(kind: Kind) -> &'static str {
    match kind {
        Kind::Number => "a number or null",
        Kind::Text => "a string or null",
    }
}
