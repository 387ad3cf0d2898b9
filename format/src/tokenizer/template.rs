//! How special tokens stand around one text or two, and how a text too long is cut.

use super::Error;
use super::bytes::{Reader, Words, Writer};

/// One part of a template.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// A special token.
    Special {
        /// Its id.
        id: u32,
        /// Its segment.
        type_id: u8,
    },
    /// The first text.
    First {
        /// Its segment.
        type_id: u8,
    },
    /// The second text.
    Second {
        /// Its segment.
        type_id: u8,
    },
}

/// The parts in order.
#[derive(Clone, Copy, Debug)]
pub struct Template<'a> {
    words: Words<'a>,
}

impl<'a> Template<'a> {
    const SPECIAL: u32 = 0;
    const FIRST: u32 = 1;
    const SECOND: u32 = 2;

    pub(super) fn parse(reader: &mut Reader<'a>, vocab: u32, pair: bool) -> Result<Self, Error> {
        let words = reader.words("a template")?;
        if !words.len().is_multiple_of(3) {
            return Err(Error::wrong("a template", "is not whole parts"));
        }
        for i in (0..words.len()).step_by(3) {
            let sound = match words.get(i) {
                Self::SPECIAL => words.get(i + 1) < vocab,
                Self::FIRST => true,
                Self::SECOND => pair,
                _ => false,
            };
            if !sound || words.get(i + 2) > u32::from(u8::MAX) {
                return Err(Error::wrong("a template", "has an unknown part"));
            }
        }
        Ok(Self { words })
    }

    /// Writes `parts`.
    pub fn write(writer: &mut Writer, parts: &[Part]) {
        writer.words(parts.iter().flat_map(|&part| match part {
            Part::Special { id, type_id } => [Self::SPECIAL, id, u32::from(type_id)],
            Part::First { type_id } => [Self::FIRST, 0, u32::from(type_id)],
            Part::Second { type_id } => [Self::SECOND, 0, u32::from(type_id)],
        }));
    }

    /// The parts in order.
    pub fn parts(&self) -> impl Iterator<Item = Part> {
        (0..self.words.len()).step_by(3).map(|i| {
            let type_id = self.words.get(i + 2) as u8;
            match self.words.get(i) {
                Self::SPECIAL => Part::Special { id: self.words.get(i + 1), type_id },
                Self::FIRST => Part::First { type_id },
                _ => Part::Second { type_id },
            }
        })
    }

    /// How many special tokens there are.
    pub fn specials(&self) -> usize {
        self.parts().filter(|part| matches!(part, Part::Special { .. })).count()
    }
}

/// The side from which tokens are taken away.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum Side {
    /// The start goes, the end stays.
    Left,
    /// The end goes, the start stays.
    #[default]
    Right,
}

/// Which of two texts is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum Strategy {
    /// The longer one, then both alike.
    #[default]
    LongestFirst,
    /// The first alone.
    OnlyFirst,
    /// The second alone.
    OnlySecond,
}

/// How many tokens there may be, special ones counted, and how the rest goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Truncation {
    /// The most tokens.
    pub max_len: u32,
    /// The side that is cut.
    pub side: Side,
    /// The text that is cut.
    pub strategy: Strategy,
}

impl Truncation {
    /// No limit.
    pub const NONE: Self = Self { max_len: u32::MAX, side: Side::Right, strategy: Strategy::LongestFirst };

    /// At most `max_len` tokens; the end goes, of two texts that of the longer one.
    pub fn to(max_len: u32) -> Self {
        Self { max_len, ..Self::NONE }
    }

    pub(super) fn parse(reader: &mut Reader<'_>) -> Result<Self, Error> {
        let max_len = reader.u32("a truncation")?;
        let side = match reader.u32("a truncation")? {
            0 => Side::Left,
            1 => Side::Right,
            _ => return Err(Error::wrong("a truncation", "has an unknown side")),
        };
        let strategy = match reader.u32("a truncation")? {
            0 => Strategy::LongestFirst,
            1 => Strategy::OnlyFirst,
            2 => Strategy::OnlySecond,
            _ => return Err(Error::wrong("a truncation", "has an unknown strategy")),
        };
        Ok(Self { max_len, side, strategy })
    }

    /// Writes it.
    pub fn write(self, writer: &mut Writer) {
        writer.u32(self.max_len);
        writer.u32(self.side as u32);
        writer.u32(self.strategy as u32);
    }
}
