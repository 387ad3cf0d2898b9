//! A value as a request has it, before it is known what belongs in its place.

use modeldeploy::format::features::{EmbeddingOf, Kind};
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
    /// Embeddings, one after the other.
    Embeddings {
        width: usize,
        values: Vec<f32>,
    },
}

impl Values {
    /// Values of that kind.
    ///
    /// # Errors
    ///
    /// The first that is none: its place, what it is and what must stand there.
    pub(crate) fn of<'c>(kind: &Kind, cells: impl Iterator<Item = &'c Cell>) -> Result<Values, (usize, String)> {
        let wrong = |at: usize, cell: &Cell| (at, format!("{}, where {} must stand", said(cell), expected(kind)));
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
            Kind::Embedding(of) => {
                let width = of.width as usize;
                let mut values = vec![];
                for (at, cell) in cells.enumerate() {
                    let own = embedding(cell).filter(|own| own.len() == width).ok_or_else(|| wrong(at, cell))?;
                    for value in own {
                        let Cell::Number(number) = value else {
                            return Err((
                                at,
                                format!("a list with {}, where {} must stand", value.kind(), expected(kind)),
                            ));
                        };
                        values.push(*number as f32);
                    }
                }
                Ok(Values::Embeddings { width, values })
            }
        }
    }

    /// Values of that kind whose elements stand one after the other, as in a tensor.
    ///
    /// # Errors
    ///
    /// As [`of`](Values::of), with the place of the element.
    pub(crate) fn of_elements(kind: &Kind, elements: &[Cell]) -> Result<Values, (usize, String)> {
        let Kind::Embedding(of) = kind else { return Values::of(kind, elements.iter()) };
        let number = |(at, cell): (usize, &Cell)| match cell {
            Cell::Number(number) => Ok(*number),
            other => Err((at, format!("{}, where a number must stand", other.kind()))),
        };
        let numbers = elements.iter().enumerate().map(number).collect::<Result<_, _>>()?;
        Ok(Values::embeddings(of, numbers))
    }

    /// Numbers of that kind, which is none of texts, as their elements stand in a tensor.
    pub(crate) fn of_numbers(kind: &Kind, numbers: Vec<f64>) -> Values {
        match kind {
            Kind::Embedding(of) => Values::embeddings(of, numbers),
            Kind::Number | Kind::Text => Values::Numbers(numbers),
        }
    }

    fn embeddings(of: &EmbeddingOf, numbers: Vec<f64>) -> Values {
        Values::Embeddings {
            width: of.width as usize,
            values: numbers.into_iter().map(|number| number as f32).collect(),
        }
    }

    pub(crate) fn len(&self) -> usize {
        match self {
            Values::Numbers(values) => values.len(),
            Values::Texts(values) => values.len(),
            Values::Embeddings { width, values } => values.len() / width,
        }
    }

    pub(super) fn bytes(&self) -> usize {
        let own = match self {
            Values::Numbers(values) => size_of_val(&values[..]),
            Values::Texts(values) => values.iter().map(|text| size_of::<String>() + text.len()).sum(),
            Values::Embeddings { values, .. } => size_of_val(&values[..]),
        };
        size_of::<Values>() + own
    }

    /// One of them, as engines take it.
    pub(super) fn at(&self, at: usize) -> Value<'_> {
        match self {
            Values::Numbers(values) => Value::Number(values[at]),
            Values::Texts(values) => Value::Text(&values[at]),
            Values::Embeddings { width, values } => Value::Embedding(&values[at * width..][..*width]),
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
            Values::Embeddings { .. } => unreachable!("no session has embeddings"),
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
fn expected(kind: &Kind) -> String {
    match kind {
        Kind::Number => "a number or null".to_owned(),
        Kind::Text => "a string or null".to_owned(),
        Kind::Embedding(of) => format!("a list of the {} numbers of an embedding of `{}`", of.width, of.model),
    }
}

/// What a cell is, in words, a list with its length.
fn said(cell: &Cell) -> String {
    match cell {
        Cell::List(cells) => format!("a list of {}", cells.len()),
        other => other.kind().to_owned(),
    }
}

/// The values of an embedding: a list of its list alone is as that.
fn embedding(cell: &Cell) -> Option<&[Cell]> {
    match cell {
        Cell::List(cells) => match &cells[..] {
            [Cell::List(inner)] => Some(inner),
            _ => Some(cells),
        },
        _ => None,
    }
}
