//! A suite: a small TOML file that names a team's own evaluation. Paths in it are relative to the file itself.
//!
//! ```toml
//! kind = "search"                         # search | classify | requests
//! rank = "judged"                         # judged: each query's judged documents; corpus: all documents
//! metrics = ["ndcg@10", "recall@10", "mrr"]
//! relevant = 1                            # the lowest rating that is relevant (recall, mrr)
//! [corpus]
//! file = "products.jsonl"                 # JSON lines
//! id = "id"
//! text = "{title}, {category}"            # keys in braces, or one key alone
//! prompt = "passage"                      # one of the model's prompts, if it has any
//! [queries]                               # without it, the judgments' first column is the query's text
//! file = "queries.jsonl"                  # or .tsv: id, text
//! where = { split = "held-out" }          # keeps the lines whose keys have these values
//! [judgments]
//! file = "judgments.tsv"                  # query, document id, rating; or JSON lines with these keys
//! ```
//!
//! A suite of kind `requests` measures rankers: `[requests]` with `file`, JSON lines as `golden.jsonl` has them but with `labels` (how
//! relevant each candidate was) in the place of scores; its metrics are `ndcg`, `recall`, `mrr` and `hr` of each request, and `auc` and
//! `logloss` of all.
//!
//! A suite of kind `classify` has `[examples]` with `file`, `text`, `pair` (optional) and `label`, and the metric `accuracy`.

mod classify;
mod read;
mod requests;
mod search;

use crate::diagnostic::{Code, Diagnostic};
use crate::metrics::Metric;
use modeldeploy_format::Digest;
use std::path::Path;

use crate::records::TextFile;

pub use crate::records::Document;

/// A suite's file that cannot be read.
pub const UNREADABLE: Code = Code("MD0601");
/// A suite's file that is not as it should be.
pub const FORM: Code = Code("MD0602");
/// A judgment of a document that the corpus does not have.
pub const ABSENT: Code = Code("MD0606");
/// A query without judgments, or a judgment without its query.
pub const UNJUDGED: Code = Code("MD0607");
/// Nothing to measure.
pub const EMPTY: Code = Code("MD0608");
/// A metric that is unknown or does not fit the suite.
pub const METRIC: Code = Code("MD0609");

/// A suite with all that it names, in memory.
#[derive(Clone, Debug, PartialEq)]
pub struct Suite {
    /// Its path, as errors name it.
    pub shown: String,
    /// The digest of its file and all that it names.
    pub digest: Digest,
    /// What is measured, in the file's order.
    pub metrics: Vec<Metric>,
    /// On what.
    pub kind: Kind,
}

/// What a suite is made of.
#[derive(Clone, Debug, PartialEq)]
pub enum Kind {
    /// Queries, documents and judgments.
    Search(Search),
    /// Texts with their labels.
    Classify(Vec<Example>),
    /// Requests with the labels of their candidates.
    Requests(Requests),
}

impl Kind {
    /// Its name in suites.
    pub const fn name(&self) -> &'static str {
        match self {
            Kind::Search(_) => "search",
            Kind::Classify(_) => "classify",
            Kind::Requests(_) => "requests",
        }
    }
}

/// Requests with the labels of their candidates, which only the features of a model give a meaning.
#[derive(Clone, Debug, PartialEq)]
pub struct Requests {
    /// The file, with its text.
    pub(crate) file: TextFile,
    /// The lowest label that is relevant.
    pub relevant: f64,
}

/// Queries, documents and judgments.
#[derive(Clone, Debug, PartialEq)]
pub struct Search {
    /// Which documents a query ranks.
    pub rank: Rank,
    /// The lowest rating that is relevant.
    pub relevant: f64,
    /// The corpus, in its file's order.
    pub documents: Vec<Document>,
    /// The name of the prompt before each document.
    pub document_prompt: Option<String>,
    /// The queries, in their file's order.
    pub queries: Vec<Query>,
    /// The name of the prompt before each query.
    pub query_prompt: Option<String>,
    /// The file of the judgments, as errors name it.
    pub judgments: String,
}

/// Which documents a query ranks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rank {
    /// Those that were judged for it.
    Judged,
    /// The whole corpus.
    Corpus,
}

/// A query with its judgments.
#[derive(Clone, Debug, PartialEq)]
pub struct Query {
    /// Its text.
    pub text: String,
    /// The judged documents by their place in the corpus, ascending, with their ratings.
    pub judged: Vec<(usize, f64)>,
}

/// A text (or pair) with its label.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Example {
    /// The text.
    pub text: String,
    /// The second text of a pair.
    pub pair: Option<String>,
    /// The right label.
    pub label: String,
}

impl Suite {
    /// Reads a suite and all that it names.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with it, with file and line: absent files, unknown keys, documents that are judged but not there,
    /// queries without judgments, duplicates, ratings that are no numbers, nothing to measure.
    pub fn read(path: &Path) -> Result<Suite, Vec<Diagnostic>> {
        read::read(path)
    }

    /// The texts of an even selection of at most `count` documents: what calibration takes. Other suites have none.
    pub fn documents(&self, count: usize) -> Vec<&str> {
        let Kind::Search(Search { documents, .. }) = &self.kind else { return vec![] };
        let step = documents.len().div_ceil(count.max(1)).max(1);
        documents.iter().step_by(step).map(|document| document.text.as_str()).collect()
    }
}

#[cfg(test)]
mod tests;
