//! What a text becomes: ids, segments, offsets; and the room in which that is worked out, kept from one text to the next.

use super::bpe;
use super::buffer::{Buffer, Span};
use super::unigram::Best;

/// A token before special tokens are put around it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Token {
    pub(super) id: u32,
    /// Bytes of the text that it stands for.
    pub(super) span: Span,
    /// White-space characters at its start and at its end, where the text rather than the vocabulary spells it.
    pub(super) edges: Option<(u32, u32)>,
}

/// The buffers of normalisation and splitting.
#[derive(Debug, Default)]
pub(super) struct Front {
    /// The normalised text.
    pub(super) text: Buffer,
    /// What a step writes before it takes the place of `text`.
    pub(super) next: Buffer,
    /// A part of the text with the marks or the space that its splitter puts in.
    pub(super) marked: Buffer,
    pub(super) decomposed: Vec<(u8, u32, char, i32)>,
    pub(super) pending: Vec<(char, i32)>,
    pub(super) changes: Vec<(char, i32)>,
}

/// The buffers of the model, and the tokens.
#[derive(Debug, Default)]
pub(super) struct Back {
    pub(super) tokens: Vec<Token>,
    /// No more tokens than these are asked for.
    pub(super) enough: usize,
    pub(super) bpe: bpe::Room,
    pub(super) best: Vec<Best>,
}

impl Back {
    #[inline]
    pub(super) fn is_full(&self) -> bool {
        self.tokens.len() >= self.enough
    }
}

/// The result of [`Tokenizer::encode_into`](super::Tokenizer::encode_into). It keeps its memory, so that once it has grown no text
/// of the same length allocates.
#[derive(Debug, Default)]
pub struct Encoding {
    ids: Vec<u32>,
    type_ids: Vec<u8>,
    offsets: Vec<Span>,
    special: Vec<bool>,
    pub(super) front: Front,
    pub(super) back: Back,
}

impl Encoding {
    /// One without tokens.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the tokens away and keeps the memory.
    pub fn clear(&mut self) {
        self.ids.clear();
        self.type_ids.clear();
        self.offsets.clear();
        self.special.clear();
        self.back.tokens.clear();
    }

    /// The number of tokens, special ones counted.
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    /// The ids, each below the vocabulary's size.
    pub fn ids(&self) -> &[u32] {
        &self.ids
    }

    /// The segment of each token: mostly 0 for the first text, 1 for the second.
    pub fn type_ids(&self) -> &[u8] {
        &self.type_ids
    }

    /// For each token the bytes `start..end` of its text that it stands for, always on characters; `(0, 0)` for special tokens of the
    /// template.
    pub fn offsets(&self) -> &[(u32, u32)] {
        &self.offsets
    }

    /// For each token whether the template put it there.
    pub fn special(&self) -> &[bool] {
        &self.special
    }

    pub(super) fn push(&mut self, id: u32, type_id: u8, span: Span, special: bool) {
        self.ids.push(id);
        self.type_ids.push(type_id);
        self.offsets.push(span);
        self.special.push(special);
    }
}
