//! The tokenizer's tables inside the pack: read-only bytes that are used where they lie.
//!
//! The compiler writes them from a model's `tokenizer.json` or `vocab.txt`, with all that is known of Unicode compiled in, so that
//! the pack alone decides the ids of a text. [`Tables::parse`] reads them without copying, once over each table, and allocates nothing
//! that grows with the vocabulary. After it no offset, no id and no transition can be wrong, whatever the bytes were.

mod added;
mod bytes;
mod chars;
mod model;
mod normalizer;
mod splitter;
mod strings;
mod template;
pub mod trie;

use std::fmt;

pub use added::{Added, AddedToken};
pub use bytes::{Doubles, Halves, Words, Writer};
pub use chars::{BLOCKS, CHARS_PER_BLOCK, Classes, Map, Mapped};
pub use model::{Bpe, Merges, Model, NONE, Unigram, WordPiece};
pub use normalizer::{Charsmap, Normalizer, Step, write as step};
pub use splitter::{Prepend, Splitter};
pub use strings::Strings;
pub use template::{Part, Side, Strategy, Template, Truncation};
pub use trie::Trie;

use bytes::Reader;

/// The first bytes of the tables; the digit is the version of their layout.
pub const MAGIC: [u8; 8] = *b"MDTOKEN1";

/// More pieces than any vocabulary has; ids stay below it.
const MOST_PIECES: usize = 1 << 24;

/// Why bytes are not a tokenizer's tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Error {
    part: &'static str,
    wrong: Option<&'static str>,
}

impl Error {
    fn ends_in(part: &'static str) -> Self {
        Self { part, wrong: None }
    }

    fn wrong(part: &'static str, wrong: &'static str) -> Self {
        Self { part, wrong: Some(wrong) }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.wrong {
            Some(wrong) => write!(f, "tokenizer tables: {} {wrong}", self.part),
            None => write!(f, "tokenizer tables end in {}", self.part),
        }
    }
}

impl std::error::Error for Error {}

/// A whole tokenizer, in place.
#[derive(Clone, Debug)]
pub struct Tables<'a> {
    pieces: Strings<'a>,
    classes: Classes<'a>,
    normalizer: Normalizer<'a>,
    splitter: Splitter,
    model: Model<'a>,
    added: Added<'a>,
    single: Template<'a>,
    pair: Template<'a>,
    trim: Trim,
    truncation: Truncation,
}

/// Whether white space is taken off the offsets of tokens (byte-level post-processing).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Trim {
    /// It is not.
    #[default]
    Off,
    /// It is.
    On,
    /// It is, but one space before the first token is taken for the one that was put there.
    KeepPrefix,
}

impl<'a> Tables<'a> {
    /// Reads the tables in `bytes` and proves them.
    ///
    /// # Errors
    ///
    /// If the bytes end early, go on after the end, or hold anything that this layout does not.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, Error> {
        let reader = &mut Reader::new(bytes);
        if reader.array("the magic number")? != MAGIC {
            return Err(Error::wrong("the magic number", "is another"));
        }
        let pieces = Strings::parse(reader)?;
        if pieces.len() > MOST_PIECES {
            return Err(Error::wrong("the vocabulary", "is too large"));
        }
        let vocab = pieces.len() as u32;
        let tables = Self {
            pieces,
            classes: Classes::parse(reader)?,
            normalizer: Normalizer::parse(reader)?,
            splitter: Splitter::parse(reader)?,
            model: Model::parse(reader, vocab)?,
            added: Added::parse(reader, vocab)?,
            single: Template::parse(reader, vocab, false)?,
            pair: Template::parse(reader, vocab, true)?,
            trim: match reader.u32("the trimming")? {
                0 => Trim::Off,
                1 => Trim::On,
                2 => Trim::KeepPrefix,
                _ => return Err(Error::wrong("the trimming", "is unknown")),
            },
            truncation: Truncation::parse(reader)?,
        };
        if reader.is_empty() { Ok(tables) } else { Err(Error::wrong("the end", "is not where the bytes end")) }
    }

    /// The number of ids: each id of an encoding is below it.
    pub fn vocab_size(&self) -> u32 {
        self.pieces.len() as u32
    }

    /// The spelling of each id, as the vocabulary has it.
    pub fn pieces(&self) -> Strings<'a> {
        self.pieces
    }

    /// What is known of each character.
    pub fn classes(&self) -> Classes<'a> {
        self.classes
    }

    /// What is done to the text first.
    pub fn normalizer(&self) -> &Normalizer<'a> {
        &self.normalizer
    }

    /// How the text is split.
    pub fn splitter(&self) -> Splitter {
        self.splitter
    }

    /// How a word becomes ids.
    pub fn model(&self) -> &Model<'a> {
        &self.model
    }

    /// The tokens that are found in the text itself.
    pub fn added(&self) -> Added<'a> {
        self.added
    }

    /// The template of one text.
    pub fn single(&self) -> Template<'a> {
        self.single
    }

    /// The template of two texts.
    pub fn pair(&self) -> Template<'a> {
        self.pair
    }

    /// How offsets are trimmed.
    pub fn trim(&self) -> Trim {
        self.trim
    }

    /// The truncation that the tokenizer's own files ask for; [`Truncation::NONE`] where they ask for none.
    pub fn truncation(&self) -> Truncation {
        self.truncation
    }
}

/// Begins a table: the magic number and the vocabulary. What follows is written in the order of the fields of [`Tables`].
pub fn begin<S: AsRef<str>>(pieces: &[S]) -> Writer {
    let mut writer = Writer::default();
    writer.raw(&MAGIC);
    Strings::write(&mut writer, pieces);
    writer
}

impl Trim {
    /// Writes it.
    pub fn write(self, writer: &mut Writer) {
        writer.u32(self as u32);
    }
}
