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
    /// Where the words of the text at hand begin, if it is cut from the left.
    pub(super) starts: Vec<u32>,
    pub(super) limit: Limit,
    /// The limit has been reached: what follows need not be worked out.
    pub(super) is_full: bool,
    pub(super) bpe: bpe::Room,
    pub(super) best: Vec<Best>,
}

/// How many tokens of one text are worked out, by whole words. It is part of the result: which of two texts is the longer one is asked
/// only after, as in the Hugging Face library.
#[derive(Clone, Copy, Debug, Default)]
pub(super) enum Limit {
    /// All of them.
    #[default]
    None,
    /// Those up to the word that brings all tokens, of texts before too, to this many.
    First(usize),
    /// Those from the last word on after which there are this many.
    Last(usize),
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
