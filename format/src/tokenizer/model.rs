//! How a word becomes ids: WordPiece, byte-level BPE or Unigram.

use super::Error;
use super::bytes::{Doubles, Reader, Words, Writer};
use super::trie::Trie;

/// The id of "none" where a table has a hole.
pub const NONE: u32 = u32::MAX;

/// One of the three models.
#[derive(Clone, Copy, Debug)]
pub enum Model<'a> {
    /// Longest match first (BERT).
    WordPiece(WordPiece<'a>),
    /// Byte pair encoding over bytes (GPT-2, RoBERTa).
    Bpe(Bpe<'a>),
    /// The most probable segmentation (T5, XLM-R, ALBERT).
    Unigram(Unigram<'a>),
}

impl<'a> Model<'a> {
    const WORD_PIECE: u32 = 0;
    const BPE: u32 = 1;
    const UNIGRAM: u32 = 2;

    pub(super) fn parse(reader: &mut Reader<'a>, vocab: u32) -> Result<Self, Error> {
        Ok(match reader.u32("a model")? {
            Self::WORD_PIECE => Self::WordPiece(WordPiece {
                unk: id(reader, vocab)?,
                max_chars: reader.u32("the longest word")?,
                words: Trie::parse(reader, vocab)?,
                continuations: Trie::parse(reader, vocab)?,
            }),
            Self::BPE => {
                let bytes = reader.words("ids of bytes")?;
                if bytes.len() != 256 || bytes.iter().any(|id| id >= vocab) {
                    return Err(Error::wrong("ids of bytes", "are not 256 ids"));
                }
                let whole = match reader.u32("whole words")? {
                    0 => None,
                    1 => Some(Trie::parse(reader, vocab)?),
                    _ => return Err(Error::wrong("whole words", "are unknown")),
                };
                Self::Bpe(Bpe { bytes, whole, merges: Merges::parse(reader, vocab)? })
            }
            Self::UNIGRAM => {
                let unk = id(reader, vocab)?;
                let unk_score = reader.f64("a score")?;
                let trie = Trie::parse(reader, vocab)?;
                let scores = reader.doubles("scores")?;
                if scores.len() != vocab as usize {
                    return Err(Error::wrong("scores", "are not one for each piece"));
                }
                let bytes = reader.words("ids of bytes")?;
                if !matches!(bytes.len(), 0 | 256) || bytes.iter().any(|id| id >= vocab && id != NONE) {
                    return Err(Error::wrong("ids of bytes", "are not 256 ids"));
                }
                Self::Unigram(Unigram { unk, unk_score, trie, scores, bytes })
            }
            _ => return Err(Error::wrong("a model", "is unknown")),
        })
    }
}

fn id(reader: &mut Reader<'_>, vocab: u32) -> Result<u32, Error> {
    let id = reader.u32("an id")?;
    if id < vocab { Ok(id) } else { Err(Error::wrong("an id", "is not in the vocabulary")) }
}

/// Longest match first.
#[derive(Clone, Copy, Debug)]
pub struct WordPiece<'a> {
    /// The id of a word that the vocabulary cannot spell.
    pub unk: u32,
    /// A word of more characters than this is unknown.
    pub max_chars: u32,
    /// Pieces that begin a word.
    pub words: Trie<'a>,
    /// Pieces that go on with one, without their prefix.
    pub continuations: Trie<'a>,
}

impl WordPiece<'_> {
    /// Writes the model.
    pub fn write(writer: &mut Writer, unk: u32, max_chars: u32, words: &[u32], continuations: &[u32]) {
        writer.u32(Model::WORD_PIECE);
        writer.u32(unk);
        writer.u32(max_chars);
        Trie::write(writer, words);
        Trie::write(writer, continuations);
    }
}

/// Byte pair encoding over bytes.
#[derive(Clone, Copy, Debug)]
pub struct Bpe<'a> {
    /// The id of each byte.
    pub bytes: Words<'a>,
    /// Words that are looked up before any merge (`ignore_merges`).
    pub whole: Option<Trie<'a>>,
    /// The merges.
    pub merges: Merges<'a>,
}

impl Bpe<'_> {
    /// Writes the model: an id for each byte, the units of whole words, and `[left, right, id]` in order of rank.
    pub fn write(writer: &mut Writer, bytes: &[u32; 256], whole: Option<&[u32]>, merges: &[[u32; 3]]) {
        writer.u32(Model::BPE);
        writer.words(bytes.iter().copied());
        writer.u32(u32::from(whole.is_some()));
        if let Some(units) = whole {
            Trie::write(writer, units);
        }
        Merges::write(writer, merges);
    }
}

/// From two neighbours to what they become: a hash table of `left, right, rank, id`, probed one slot after the other.
#[derive(Clone, Copy, Debug)]
pub struct Merges<'a> {
    slots: Words<'a>,
    mask: usize,
}

impl<'a> Merges<'a> {
    fn parse(reader: &mut Reader<'a>, vocab: u32) -> Result<Self, Error> {
        let slots = reader.words("merges")?;
        let count = slots.len() / 4;
        if !slots.len().is_multiple_of(4) || !count.is_power_of_two() {
            return Err(Error::wrong("merges", "are not a power of two of slots"));
        }
        let empty = (0..count).any(|slot| slots.get(4 * slot) == NONE);
        if !empty || (0..count).any(|slot| slots.get(4 * slot) != NONE && slots.get(4 * slot + 3) >= vocab) {
            return Err(Error::wrong("merges", "have no empty slot, or an id outside the vocabulary"));
        }
        Ok(Self { slots, mask: count - 1 })
    }

    fn write(writer: &mut Writer, merges: &[[u32; 3]]) {
        let count = (merges.len() * 4 / 3 + 1).next_power_of_two();
        let mut slots = vec![[NONE; 4]; count];
        for (rank, &[left, right, id]) in (0..).zip(merges) {
            let mut at = Self::hash(left, right) & (count - 1);
            while slots[at][0] != NONE && slots[at][..2] != [left, right] {
                at = (at + 1) & (count - 1);
            }
            slots[at] = [left, right, rank, id];
        }
        writer.words(slots.into_iter().flatten());
    }

    #[inline]
    fn hash(left: u32, right: u32) -> usize {
        let key = u64::from(left) << 32 | u64::from(right);
        (key.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32) as usize
    }

    /// The rank and the id of what `left` and `right` become. Ends at an empty slot, and `parse` saw one.
    #[inline]
    pub fn get(&self, left: u32, right: u32) -> Option<(u32, u32)> {
        let mut at = Self::hash(left, right) & self.mask;
        loop {
            let found = self.slots.get(4 * at);
            if found == left && self.slots.get(4 * at + 1) == right {
                return Some((self.slots.get(4 * at + 2), self.slots.get(4 * at + 3)));
            }
            if found == NONE {
                return None;
            }
            at = (at + 1) & self.mask;
        }
    }
}

/// The most probable segmentation.
#[derive(Clone, Copy, Debug)]
pub struct Unigram<'a> {
    /// The id of what the vocabulary cannot spell.
    pub unk: u32,
    /// The score of one character that it cannot spell.
    pub unk_score: f64,
    /// Every piece.
    pub trie: Trie<'a>,
    /// The score of each piece.
    pub scores: Doubles<'a>,
    /// The id of each byte or [`NONE`], where unknown text falls back to its bytes; else empty.
    pub bytes: Words<'a>,
}

impl Unigram<'_> {
    /// Writes the model; `bytes` is empty or has 256.
    pub fn write(writer: &mut Writer, unk: u32, unk_score: f64, trie: &[u32], scores: &[f64], bytes: &[u32]) {
        writer.u32(Model::UNIGRAM);
        writer.u32(unk);
        writer.f64(unk_score);
        Trie::write(writer, trie);
        writer.doubles(scores.iter().copied());
        writer.words(bytes.iter().copied());
    }
}
