//! What is done to the text before it is split: steps in order, and where they allow it one table that does them all at once.

use super::Error;
use super::bytes::{Reader, Words, Writer};
use super::chars::{Classes, Map};

/// More steps than any real file has.
const MOST_STEPS: u32 = 64;

/// One step over the whole text.
#[derive(Clone, Copy, Debug)]
pub enum Step<'a> {
    /// Each character by itself.
    Map(Map<'a>),
    /// Unicode normalisation: decomposition, canonical order by combining class, and composition where `compositions` is not empty.
    Unicode {
        /// Full decompositions, canonical or compatible.
        decompositions: Map<'a>,
        /// Canonical combining class of each character.
        classes: Classes<'a>,
        /// Triples `first, second, composed`, sorted.
        compositions: Words<'a>,
    },
    /// SentencePiece's `precompiled_charsmap`.
    Charsmap(Charsmap<'a>),
    /// Each occurrence of `from` becomes `to`.
    Replace {
        /// What is looked for; never empty.
        from: &'a str,
        /// What stands there afterwards.
        to: &'a str,
    },
    /// Each run of two or more spaces becomes `to`.
    CollapseSpaces {
        /// What stands there afterwards.
        to: &'a str,
    },
    /// `text` is put before a text that is not empty.
    Prepend {
        /// What is put there.
        text: &'a str,
    },
    /// White space is taken off the ends.
    Strip {
        /// At the start.
        left: bool,
        /// At the end.
        right: bool,
    },
}

impl<'a> Step<'a> {
    const MAP: u32 = 0;
    const UNICODE: u32 = 1;
    const CHARSMAP: u32 = 2;
    const REPLACE: u32 = 3;
    const COLLAPSE: u32 = 4;
    const PREPEND: u32 = 5;
    const STRIP: u32 = 6;

    fn parse(reader: &mut Reader<'a>) -> Result<Self, Error> {
        Ok(match reader.u32("a step")? {
            Self::MAP => Self::Map(Map::parse(reader)?),
            Self::UNICODE => {
                let decompositions = Map::parse(reader)?;
                let classes = Classes::parse(reader)?;
                let compositions = reader.words("compositions")?;
                if !compositions.len().is_multiple_of(3) {
                    return Err(Error::wrong("compositions", "are not triples"));
                }
                Self::Unicode { decompositions, classes, compositions }
            }
            Self::CHARSMAP => {
                Self::Charsmap(Charsmap { units: reader.words("a charsmap")?, texts: reader.text("a charsmap")? })
            }
            Self::REPLACE => {
                let (from, to) = (reader.text("a replaced text")?, reader.text("a replacement")?);
                if from.is_empty() {
                    return Err(Error::wrong("a replaced text", "is empty"));
                }
                Self::Replace { from, to }
            }
            Self::COLLAPSE => Self::CollapseSpaces { to: reader.text("a replacement")? },
            Self::PREPEND => Self::Prepend { text: reader.text("a prefix")? },
            Self::STRIP => {
                let sides = reader.u32("the sides to strip")?;
                if sides > 3 {
                    return Err(Error::wrong("the sides to strip", "are unknown"));
                }
                Self::Strip { left: sides & 1 != 0, right: sides & 2 != 0 }
            }
            _ => return Err(Error::wrong("a step", "is unknown")),
        })
    }
}

/// Writers of the steps, each as [`Step`] reads it.
pub mod write {
    use super::{Classes, Map, Step, Writer};

    /// [`Step::Map`].
    pub fn map<S: AsRef<str>>(writer: &mut Writer, codes: &[u16], texts: &[S]) {
        writer.u32(Step::MAP);
        Map::write(writer, codes, texts);
    }

    /// [`Step::Unicode`].
    pub fn unicode<S: AsRef<str>>(
        writer: &mut Writer,
        decompositions: (&[u16], &[S]),
        classes: &[u8],
        compositions: &[[char; 3]],
    ) {
        writer.u32(Step::UNICODE);
        Map::write(writer, decompositions.0, decompositions.1);
        Classes::write(writer, classes);
        writer.words(compositions.iter().flatten().map(|&c| u32::from(c)));
    }

    /// [`Step::Charsmap`].
    pub fn charsmap(writer: &mut Writer, units: &[u8], texts: &str) {
        writer.u32(Step::CHARSMAP);
        writer.bytes(units);
        writer.bytes(texts.as_bytes());
    }

    /// [`Step::Replace`].
    pub fn replace(writer: &mut Writer, from: &str, to: &str) {
        writer.u32(Step::REPLACE);
        writer.bytes(from.as_bytes());
        writer.bytes(to.as_bytes());
    }

    /// [`Step::CollapseSpaces`].
    pub fn collapse_spaces(writer: &mut Writer, to: &str) {
        writer.u32(Step::COLLAPSE);
        writer.bytes(to.as_bytes());
    }

    /// [`Step::Prepend`].
    pub fn prepend(writer: &mut Writer, text: &str) {
        writer.u32(Step::PREPEND);
        writer.bytes(text.as_bytes());
    }

    /// [`Step::Strip`].
    pub fn strip(writer: &mut Writer, left: bool, right: bool) {
        writer.u32(Step::STRIP);
        writer.u32(u32::from(left) | u32::from(right) << 1);
    }
}

/// The rewriting rules of a SentencePiece model, as the model holds them: darts-clone units over bytes, and texts that end with a NUL.
#[derive(Clone, Copy, Debug)]
pub struct Charsmap<'a> {
    units: Words<'a>,
    texts: &'a str,
}

impl<'a> Charsmap<'a> {
    /// What `chunk` becomes by the shortest rule that it begins with. A transition out of the array is none, as is a rule whose text
    /// is not there.
    pub fn get(&self, chunk: &str) -> Option<&'a str> {
        let unit_at = |at: usize| (at < self.units.len()).then(|| self.units.get(at));
        let offset = |unit: u32| ((unit >> 10) << ((unit & (1 << 9)) >> 6)) as usize;
        let mut at = offset(unit_at(0)?);
        for &byte in chunk.as_bytes() {
            if byte == 0 {
                break;
            }
            at ^= usize::from(byte);
            let unit = unit_at(at)?;
            if unit & (1 << 31 | 0xFF) != u32::from(byte) {
                return None;
            }
            at ^= offset(unit);
            if unit & (1 << 8) != 0 {
                let start = (unit_at(at)? & !(1 << 31)) as usize;
                let text = self.texts.get(start..)?;
                return Some(text.split('\0').next().unwrap_or(text));
            }
        }
        None
    }
}

/// All the steps.
#[derive(Clone, Debug)]
pub struct Normalizer<'a> {
    fused: Option<Map<'a>>,
    steps: Box<[Step<'a>]>,
}

impl<'a> Normalizer<'a> {
    pub(super) fn parse(reader: &mut Reader<'a>) -> Result<Self, Error> {
        let fused = match reader.u32("a normalizer")? {
            0 => None,
            1 => Some(Map::parse(reader)?),
            _ => return Err(Error::wrong("a normalizer", "is unknown")),
        };
        let count = reader.u32("the number of steps")?;
        if count > MOST_STEPS {
            return Err(Error::wrong("the number of steps", "is too large"));
        }
        let steps = (0..count).map(|_| Step::parse(reader)).collect::<Result<_, _>>()?;
        Ok(Self { fused, steps })
    }

    /// One table that does all the steps at once for a text without a [`Mapped::Slow`](super::Mapped::Slow) character.
    pub fn fused(&self) -> Option<&Map<'a>> {
        self.fused.as_ref()
    }

    /// The steps in order.
    pub fn steps(&self) -> &[Step<'a>] {
        &self.steps
    }
}
