//! A ragged batch: the tokens of all texts one after the other, without padding.

use super::{Capacity, RunError};

/// The tokens of some texts.
#[derive(Clone, Copy, Debug)]
pub struct Batch<'a> {
    /// The id of each token.
    pub ids: &'a [u32],
    /// The type of each token: which text of a pair it belongs to.
    pub types: &'a [u32],
    /// Where each text begins, from 0 on, and last where the last one ends: one more than there are texts.
    pub starts: &'a [u32],
}

/// What a batch must keep within.
#[derive(Clone, Debug)]
pub(super) struct Limits {
    pub(super) capacity: Capacity,
    /// The most tokens of one text.
    pub(super) text: usize,
    /// Whether each text must have a token.
    pub(super) session: bool,
    /// The greatest that each id may be which is given with a row, by kind of rows.
    pub(super) columns: [Box<[u32]>; 3],
    /// Ids are below it.
    pub(super) ids: u32,
    /// Types are below it.
    pub(super) types: u32,
}

impl Batch<'_> {
    /// How many texts there are.
    pub fn texts(&self) -> usize {
        self.starts.len().saturating_sub(1)
    }

    /// Proves that a session with these limits can run it.
    pub(super) fn check(&self, limits: &Limits) -> Result<(), RunError> {
        let (tokens, texts) = (self.ids.len(), self.texts());
        let Capacity { tokens: most_tokens, texts: most_texts, .. } = limits.capacity;
        if texts == 0 {
            return Err(RunError::NoTexts);
        }
        if self.types.len() != tokens {
            return Err(RunError::Lengths { ids: tokens, types: self.types.len() });
        }
        if tokens > most_tokens {
            return Err(RunError::Tokens { tokens, limit: most_tokens });
        }
        if texts > most_texts {
            return Err(RunError::Texts { texts, limit: most_texts });
        }
        if self.starts[0] != 0 || self.starts[texts] as usize != tokens {
            return Err(RunError::Starts);
        }
        for (text, ends) in self.starts.windows(2).enumerate() {
            match (ends[1].checked_sub(ends[0])).ok_or(RunError::Starts)? as usize {
                0 => return Err(RunError::EmptyText { text }),
                tokens if tokens > limits.text => return Err(RunError::LongText { text, tokens, limit: limits.text }),
                _ => {}
            }
        }
        if let Some(token) = self.ids.iter().position(|&id| id >= limits.ids) {
            return Err(RunError::TokenId { token, id: self.ids[token], limit: limits.ids });
        }
        if let Some(token) = self.types.iter().position(|&id| id >= limits.types) {
            return Err(RunError::TokenType { token, id: self.types[token], limit: limits.types });
        }
        Ok(())
    }
}
