//! Tokens that are found in the text before the model sees it: `[MASK]`, `<s>` and what a user added.

use super::Error;
use super::bytes::{Reader, Words, Writer};
use super::trie::Trie;

/// One such token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AddedToken {
    /// Its id.
    pub id: u32,
    /// It is not found inside a word.
    pub single_word: bool,
    /// It takes the white space before it.
    pub lstrip: bool,
    /// It takes the white space after it.
    pub rstrip: bool,
}

/// All of them.
#[derive(Clone, Copy, Debug)]
pub struct Added<'a> {
    raw: Trie<'a>,
    normalized: Trie<'a>,
    tokens: Words<'a>,
}

impl<'a> Added<'a> {
    pub(super) fn parse(reader: &mut Reader<'a>, vocab: u32) -> Result<Self, Error> {
        let tokens = reader.words("added tokens")?;
        if !tokens.len().is_multiple_of(2) || (0..tokens.len() / 2).any(|i| tokens.get(2 * i) >= vocab) {
            return Err(Error::wrong("added tokens", "are not in the vocabulary"));
        }
        let count = u32::try_from(tokens.len() / 2).map_err(|_| Error::wrong("added tokens", "are too many"))?;
        Ok(Self { raw: Trie::parse(reader, count)?, normalized: Trie::parse(reader, count)?, tokens })
    }

    /// Writes the tokens and two tries whose values are their places in `tokens`.
    pub fn write(writer: &mut Writer, tokens: &[AddedToken], raw: &[u32], normalized: &[u32]) {
        writer.words(tokens.iter().flat_map(|token| {
            [token.id, u32::from(token.single_word) | u32::from(token.lstrip) << 1 | u32::from(token.rstrip) << 2]
        }));
        Trie::write(writer, raw);
        Trie::write(writer, normalized);
    }

    /// Those that are looked for in the text as it came.
    pub fn raw(&self) -> Trie<'a> {
        self.raw
    }

    /// Those that are looked for in the normalised text.
    pub fn normalized(&self) -> Trie<'a> {
        self.normalized
    }

    /// The token that a trie's value names.
    ///
    /// # Panics
    ///
    /// If no trie of these has that value.
    pub fn token(&self, value: u32) -> AddedToken {
        let (id, flags) = (self.tokens.get(2 * value as usize), self.tokens.get(2 * value as usize + 1));
        AddedToken { id, single_word: flags & 1 != 0, lstrip: flags & 2 != 0, rstrip: flags & 4 != 0 }
    }
}
