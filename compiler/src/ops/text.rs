//! What a graph is evaluated for: a text, or of a ranker a request.

use crate::graph::Sizes;
use modeldeploy_format::golden::requests::GivenRows;
use modeldeploy_format::program::Rows;

/// The text that a graph is evaluated for, or the request of a ranker's network.
#[derive(Clone, Copy, Debug)]
pub struct Text<'a> {
    /// Its token ids, special tokens included.
    pub ids: &'a [u32],
    /// For each token, which text of a pair it belongs to.
    pub types: &'a [u32],
    /// What a ranker's network is given, in the place of tokens.
    pub request: Option<Request<'a>>,
}

/// A session, a user and some candidates, as they come after the features' rules.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// The items of the session.
    pub session: &'a GivenRows,
    /// How many there are.
    pub items: usize,
    /// The user: one row.
    pub user: &'a GivenRows,
    /// The candidates.
    pub candidates: &'a GivenRows,
    /// How many there are.
    pub count: usize,
}

impl<'a> Text<'a> {
    /// Nothing: for what reads nothing of a text.
    pub const NONE: Text<'static> = Text::tokens(&[], &[]);

    /// A text of these tokens.
    pub const fn tokens(ids: &'a [u32], types: &'a [u32]) -> Text<'a> {
        Text { ids, types, request: None }
    }

    /// A request.
    pub const fn request(request: Request<'a>) -> Text<'a> {
        Text { ids: &[], types: &[], request: Some(request) }
    }

    /// How many there are of what varies.
    pub fn sizes(&self) -> Sizes {
        match &self.request {
            Some(request) => Sizes { tokens: request.items, candidates: request.count },
            None => Sizes { tokens: self.ids.len(), candidates: 0 },
        }
    }
}

impl<'a> Request<'a> {
    /// What is given with rows of a kind, and how many rows there are.
    pub const fn of(&self, rows: Rows) -> (&'a GivenRows, usize) {
        match rows {
            Rows::Tokens => (self.session, self.items),
            Rows::Texts => (self.user, 1),
            Rows::Candidates => (self.candidates, self.count),
        }
    }
}
