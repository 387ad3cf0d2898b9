//! What a model is given: of a text, or of a session, a user and candidates.

use super::{Attributes, Operator, Text};
use crate::graph::{Dim, Elem, Type};
use candle_core::{Device, Tensor};
use modeldeploy_format::program::Rows;
use std::fmt;

/// An input of the model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input {
    /// The token's id.
    TokenIds,
    /// Which text of a pair the token belongs to.
    TokenTypes,
    /// The token's place, from 0; of a ranker, the item's in its session.
    Positions,
    /// How many tokens of its text come after it; of a ranker, items of its session.
    PositionsFromEnd,
    /// 0 for the token `padding`; for any other its number among the others, from 1 (`create_position_ids_from_input_ids` of the
    /// Hugging Face library, less the padding's id).
    CountedPositions {
        /// The id of the padding's token, which a text may spell out.
        padding: u32,
    },
    /// Numbers that a ranker is given with each row: `f32[rows, count]`, without the axis of one where there is one.
    Numbers {
        /// With what.
        of: Rows,
        /// The first of them.
        column: usize,
        /// How many.
        count: usize,
    },
    /// Ids that a ranker is given with each row: `index[rows, count]`, without the axis of one where there is one.
    Ids {
        /// With what.
        of: Rows,
        /// The first of them.
        column: usize,
        /// How many.
        count: usize,
    },
}

impl Input {
    /// Its name in texts.
    pub const fn name(self) -> &'static str {
        match self {
            Input::TokenIds => "token_ids",
            Input::TokenTypes => "token_types",
            Input::Positions => "positions",
            Input::PositionsFromEnd => "positions_from_end",
            Input::CountedPositions { .. } => "counted_positions",
            Input::Numbers { .. } => "numbers",
            Input::Ids { .. } => "ids",
        }
    }

    /// Its type: `index[tokens]`, or what is given with rows.
    pub fn ty(self) -> Type {
        match self {
            Input::Numbers { of, count, .. } => Type::f32(given(of, count)),
            Input::Ids { of, count, .. } => Type::new(Elem::Index, given(of, count)),
            _ => Type::new(Elem::Index, [Dim::Tokens]),
        }
    }
}

impl fmt::Display for Input {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Input::Numbers { of, column, count } | Input::Ids { of, column, count } => {
                write!(f, "{}.{}.{column}", rows_name(*of), self.name())?;
                if *count > 1 { write!(f, "+{count}") } else { Ok(()) }
            }
            _ => f.write_str(self.name()),
        }
    }
}

/// The axis that rows of a kind have; a user's row has none.
const fn rows_dim(of: Rows) -> Option<Dim> {
    match of {
        Rows::Tokens => Some(Dim::Tokens),
        Rows::Texts => None,
        Rows::Candidates => Some(Dim::Candidates),
    }
}

const fn rows_name(of: Rows) -> &'static str {
    match of {
        Rows::Tokens => "session",
        Rows::Texts => "user",
        Rows::Candidates => "candidates",
    }
}

fn given(of: Rows, count: usize) -> Vec<Dim> {
    rows_dim(of).into_iter().chain((count != 1).then_some(Dim::Fixed(count))).collect()
}

/// The columns `column..column + count` of each row, of which each has as many as fit.
fn columns<T: Copy + candle_core::WithDType>(
    values: &[T],
    of: Rows,
    rows: usize,
    column: usize,
    count: usize,
) -> candle_core::Result<Tensor> {
    let width = values.len().checked_div(rows).unwrap_or(column + count);
    if column + count > width || values.len() != width * rows {
        candle_core::bail!("columns {column}+{count} are not among the {width} that are given with a row");
    }
    let taken: Vec<T> = values.chunks_exact(width).flat_map(|row| &row[column..column + count]).copied().collect();
    let sizes = rows_dim(of).map(|_| rows).into_iter().chain((count != 1).then_some(count));
    Tensor::from_vec(taken, sizes.collect::<Vec<_>>(), &Device::Cpu)
}

impl Operator for Input {
    const NAME: &'static str = "input";

    fn infer(&self, inputs: &[Type]) -> Result<Type, String> {
        super::shapes::exactly::<0>(inputs)?;
        match self {
            Input::Numbers { count: 0, .. } | Input::Ids { count: 0, .. } => Err("no column is read".to_owned()),
            _ => Ok(self.ty()),
        }
    }

    fn eval(&self, _: &[Tensor], text: Text<'_>) -> candle_core::Result<Tensor> {
        let count = text.sizes().tokens;
        let none = || candle_core::Error::Msg("a text has no features".to_owned());
        match *self {
            Input::TokenIds => Tensor::from_slice(text.ids, text.ids.len(), &Device::Cpu),
            Input::TokenTypes => Tensor::from_slice(text.types, text.types.len(), &Device::Cpu),
            Input::Positions => Tensor::from_iter(0..count as u32, &Device::Cpu),
            Input::PositionsFromEnd => Tensor::from_iter((0..count as u32).rev(), &Device::Cpu),
            Input::CountedPositions { padding } => {
                let mut others = 0;
                let place = |&id: &u32| {
                    others += u32::from(id != padding);
                    if id == padding { 0 } else { others }
                };
                Tensor::from_iter(text.ids.iter().map(place), &Device::Cpu)
            }
            Input::Numbers { of, column, count } => {
                let (given, rows) = text.request.ok_or_else(none)?.of(of);
                columns(&given.numbers, of, rows, column, count)
            }
            Input::Ids { of, column, count } => {
                let (given, rows) = text.request.ok_or_else(none)?.of(of);
                columns(&given.ids, of, rows, column, count)
            }
        }
    }

    fn write(&self, attributes: &mut Attributes) {
        attributes.set("of", self.name());
        match self {
            Input::CountedPositions { padding } => attributes.set("padding", padding),
            Input::Numbers { of, column, count } | Input::Ids { of, column, count } => {
                attributes.set("with", rows_name(*of));
                attributes.set("column", column);
                attributes.set("count", count);
            }
            _ => {}
        }
    }

    fn read(attributes: &mut Attributes) -> Result<Self, String> {
        let name: String = attributes.take("of")?;
        match name.as_str() {
            "token_ids" => Ok(Input::TokenIds),
            "token_types" => Ok(Input::TokenTypes),
            "positions" => Ok(Input::Positions),
            "positions_from_end" => Ok(Input::PositionsFromEnd),
            "counted_positions" => Ok(Input::CountedPositions { padding: attributes.take("padding")? }),
            "numbers" | "ids" => {
                let with: String = attributes.take("with")?;
                let of = Rows::ALL.into_iter().find(|&of| rows_name(of) == with);
                let of = of.ok_or_else(|| format!("attribute `with` is `{with}`, which it cannot be"))?;
                let (column, count) = (attributes.take("column")?, attributes.take("count")?);
                Ok(if name == "ids" { Input::Ids { of, column, count } } else { Input::Numbers { of, column, count } })
            }
            _ => Err(format!("attribute `of` is `{name}`, which it cannot be")),
        }
    }
}
