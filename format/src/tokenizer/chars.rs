//! What is known of each character: tables of two stages over all code points, in blocks of 128 that are shared where equal.

use super::Error;
use super::bytes::{Halves, Reader, Writer};
use super::strings::Strings;

/// Characters in a block.
pub const CHARS_PER_BLOCK: usize = 128;

/// Blocks that cover all code points.
pub const BLOCKS: usize = 0x11_0000 / CHARS_PER_BLOCK;

fn check_index(index: Halves<'_>, blocks: usize) -> Result<(), Error> {
    if index.len() != BLOCKS || index.iter().any(|block| usize::from(block) >= blocks) {
        return Err(Error::wrong("a table of characters", "does not cover them"));
    }
    Ok(())
}

/// A byte for each character: flags, or a combining class.
#[derive(Clone, Copy, Debug)]
pub struct Classes<'a> {
    index: Halves<'a>,
    blocks: &'a [[u8; CHARS_PER_BLOCK]],
}

impl<'a> Classes<'a> {
    /// `char::is_whitespace`.
    pub const WHITESPACE: u8 = 1;
    /// Punctuation as BERT sees it.
    pub const PUNCTUATION: u8 = 2;
    /// `\p{L}`.
    pub const LETTER: u8 = 4;
    /// `\p{N}`.
    pub const NUMBER: u8 = 8;
    /// `\w`.
    pub const WORD: u8 = 16;

    pub(super) fn parse(reader: &mut Reader<'a>) -> Result<Self, Error> {
        let index = reader.halves("an index of characters")?;
        let (blocks, tail) = reader.bytes("classes of characters")?.as_chunks();
        if !tail.is_empty() {
            return Err(Error::wrong("classes of characters", "are not whole blocks"));
        }
        check_index(index, blocks.len())?;
        Ok(Self { index, blocks })
    }

    /// Writes the class of every code point, `classes[0x110000]`.
    ///
    /// # Panics
    ///
    /// If `classes` does not have one for each.
    pub fn write(writer: &mut Writer, classes: &[u8]) {
        let (index, blocks) = share(classes);
        writer.halves(index);
        writer.bytes(&blocks);
    }

    /// The class of `c`.
    #[inline]
    pub fn get(&self, c: char) -> u8 {
        let block = self.index.get(c as usize / CHARS_PER_BLOCK);
        self.blocks[usize::from(block)][c as usize % CHARS_PER_BLOCK]
    }
}

/// What becomes of a character.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mapped<'a> {
    /// It stays.
    Keep,
    /// Its marks might have to be put in order: the steps must be taken one by one.
    Slow,
    /// It stays, with a space before and after.
    Pad,
    /// A Hangul syllable: it becomes its Jamo.
    Hangul,
    /// It becomes this text; none where it is removed.
    Text(&'a str),
}

/// A replacement for each character.
#[derive(Clone, Copy, Debug)]
pub struct Map<'a> {
    index: Halves<'a>,
    blocks: Halves<'a>,
    texts: Strings<'a>,
}

impl<'a> Map<'a> {
    /// Code of [`Mapped::Keep`].
    pub const KEEP: u16 = 0;
    /// Code of [`Mapped::Slow`].
    pub const SLOW: u16 = 1;
    /// Code of [`Mapped::Pad`].
    pub const PAD: u16 = 2;
    /// Code of [`Mapped::Hangul`].
    pub const HANGUL: u16 = 3;
    /// Code of [`Mapped::Text`] with the first text; the others follow.
    pub const TEXT: u16 = 4;

    pub(super) fn parse(reader: &mut Reader<'a>) -> Result<Self, Error> {
        let index = reader.halves("an index of characters")?;
        let blocks = reader.halves("codes of characters")?;
        if !blocks.len().is_multiple_of(CHARS_PER_BLOCK) {
            return Err(Error::wrong("codes of characters", "are not whole blocks"));
        }
        check_index(index, blocks.len() / CHARS_PER_BLOCK)?;
        let texts = Strings::parse(reader)?;
        if blocks.iter().any(|code| code >= Self::TEXT && usize::from(code - Self::TEXT) >= texts.len()) {
            return Err(Error::wrong("codes of characters", "name a text that is not there"));
        }
        Ok(Self { index, blocks, texts })
    }

    /// Writes the code of every code point, `codes[0x110000]`, and the texts that they name.
    ///
    /// # Panics
    ///
    /// If `codes` does not have one for each.
    pub fn write<S: AsRef<str>>(writer: &mut Writer, codes: &[u16], texts: &[S]) {
        let (index, blocks) = share(codes);
        writer.halves(index);
        writer.halves(blocks);
        Strings::write(writer, texts);
    }

    /// What becomes of `c`.
    #[inline]
    pub fn get(&self, c: char) -> Mapped<'a> {
        let block = usize::from(self.index.get(c as usize / CHARS_PER_BLOCK));
        match self.blocks.get(block * CHARS_PER_BLOCK + c as usize % CHARS_PER_BLOCK) {
            Self::KEEP => Mapped::Keep,
            Self::SLOW => Mapped::Slow,
            Self::PAD => Mapped::Pad,
            Self::HANGUL => Mapped::Hangul,
            text => Mapped::Text(self.texts.get(usize::from(text - Self::TEXT))),
        }
    }
}

/// The index and the distinct blocks of a table over all code points.
fn share<T: Copy + Ord>(table: &[T]) -> (Vec<u16>, Vec<T>) {
    assert_eq!(table.len(), BLOCKS * CHARS_PER_BLOCK, "a table has one item for each code point");
    let mut numbers = std::collections::BTreeMap::new();
    let mut blocks = Vec::new();
    let index = table.chunks(CHARS_PER_BLOCK).map(|block| {
        *numbers.entry(block).or_insert_with(|| {
            blocks.extend_from_slice(block);
            u16::try_from(blocks.len() / CHARS_PER_BLOCK - 1).expect("there are fewer than 2^16 blocks")
        })
    });
    (index.collect(), blocks)
}
