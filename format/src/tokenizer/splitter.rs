//! How the normalised text is split into the words that the model sees.

use super::Error;
use super::bytes::{Reader, Writer};

/// When a Metaspace mark is put before a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Prepend {
    /// Never.
    Never,
    /// Before the part that begins the text.
    First,
    /// Before each part.
    Always,
}

/// The pre-tokenizer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Splitter {
    /// The text is one word.
    Whole,
    /// At white space, which goes, and around each punctuation mark (BERT).
    Bert,
    /// At white space, which goes.
    Whitespace,
    /// As GPT-2's regular expression does; nothing goes.
    ByteLevel {
        /// A space is put before a text that does not begin with one.
        prefix_space: bool,
        /// Whether the expression is used, or the text is one word.
        split: bool,
    },
    /// Spaces become a mark that begins each word (SentencePiece).
    Metaspace {
        /// First at white space, which goes.
        whitespace: bool,
        /// The mark.
        mark: char,
        /// When a mark is put before.
        prepend: Prepend,
        /// Whether each mark begins a word, or the text is one word.
        split: bool,
    },
}

impl Splitter {
    pub(super) fn parse(reader: &mut Reader<'_>) -> Result<Self, Error> {
        let [kind, first, second, prepend] = reader.array("a splitter")?;
        let mark = char::from_u32(reader.u32("a splitter")?).ok_or(Error::wrong("a splitter", "has no mark"))?;
        if first > 1 || second > 1 {
            return Err(Error::wrong("a splitter", "has an unknown flag"));
        }
        Ok(match kind {
            0 => Self::Whole,
            1 => Self::Bert,
            2 => Self::Whitespace,
            3 => Self::ByteLevel { prefix_space: first == 1, split: second == 1 },
            4 => Self::Metaspace {
                whitespace: first == 1,
                mark,
                prepend: match prepend {
                    0 => Prepend::Never,
                    1 => Prepend::First,
                    2 => Prepend::Always,
                    _ => return Err(Error::wrong("a splitter", "has an unknown scheme")),
                },
                split: second == 1,
            },
            _ => return Err(Error::wrong("a splitter", "is unknown")),
        })
    }

    /// Writes it.
    pub fn write(self, writer: &mut Writer) {
        let (head, mark) = match self {
            Self::Whole => ([0, 0, 0, 0], '\0'),
            Self::Bert => ([1, 0, 0, 0], '\0'),
            Self::Whitespace => ([2, 0, 0, 0], '\0'),
            Self::ByteLevel { prefix_space, split } => ([3, u8::from(prefix_space), u8::from(split), 0], '\0'),
            Self::Metaspace { whitespace, mark, prepend, split } => {
                ([4, u8::from(whitespace), u8::from(split), prepend as u8], mark)
            }
        };
        writer.raw(&head);
        writer.u32(u32::from(mark));
    }
}
