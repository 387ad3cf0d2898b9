//! The tokens of some texts, one text after the other, as a session reads them.

use modeldeploy::session::{Batch, Stage};

/// Some texts in tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Ragged {
    ids: Vec<u32>,
    types: Vec<u32>,
    /// Where each text begins, and last where the last one ends.
    starts: Vec<u32>,
    /// Which rows are asked of them.
    stage: Stage,
}

impl Ragged {
    pub(crate) fn new() -> Ragged {
        Ragged { ids: vec![], types: vec![], starts: vec![0], stage: Stage::Output }
    }

    /// Adds a text.
    pub(crate) fn push(&mut self, ids: impl IntoIterator<Item = u32>, types: impl IntoIterator<Item = u32>) {
        self.ids.extend(ids);
        self.types.extend(types);
        self.starts.push(u32::try_from(self.ids.len()).expect("a request's body is far below 4 GiB"));
    }

    /// Adds a text of another.
    pub(crate) fn push_of(&mut self, other: &Ragged, text: usize) {
        let range = other.starts[text] as usize..other.starts[text + 1] as usize;
        self.push(other.ids[range.clone()].iter().copied(), other.types[range].iter().copied());
    }

    /// As they are, and asked for the rows of that stage.
    pub(crate) fn to(self, stage: Stage) -> Ragged {
        Ragged { stage, ..self }
    }

    pub(crate) fn stage(&self) -> Stage {
        self.stage
    }

    /// How many rows the texts before one have.
    pub(crate) fn rows_before(&self, text: usize) -> usize {
        if self.stage == Stage::Tokens { self.tokens_before(text) } else { text }
    }

    /// Takes all of them away; those to come are asked for the rows of that stage.
    pub(crate) fn clear_for(&mut self, stage: Stage) {
        self.clear();
        self.stage = stage;
    }

    pub(crate) fn clear(&mut self) {
        self.ids.clear();
        self.types.clear();
        self.starts.truncate(1);
    }

    /// How many texts there are.
    pub(crate) fn texts(&self) -> usize {
        self.starts.len() - 1
    }

    /// The tokens of all texts.
    pub(crate) fn tokens(&self) -> usize {
        self.ids.len()
    }

    /// The tokens of the texts before one.
    pub(crate) fn tokens_before(&self, text: usize) -> usize {
        self.starts[text] as usize
    }

    /// The tokens of one text.
    pub(crate) fn tokens_of(&self, text: usize) -> usize {
        (self.starts[text + 1] - self.starts[text]) as usize
    }

    pub(crate) fn as_batch(&self) -> Batch<'_> {
        Batch { ids: &self.ids, types: &self.types, starts: &self.starts }
    }
}
