//! Why a session cannot be made, and why a batch cannot be run.

use super::{RequestError, Stage};
use core::fmt;

/// Why a session cannot be made.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SessionError {
    /// A capacity of no token or of no text; of a ranker's network, of no user, of no candidate, or of no item where it reads sessions.
    NoCapacity,
    /// The pack is a ranker's that has trees, which no session runs.
    Ranker,
    /// The memory cannot be had, or its size cannot even be counted (`usize::MAX`).
    Memory {
        /// How much the session would take.
        bytes: usize,
    },
    /// The program asks for what no kernel does: the step, by number and name, and what it is.
    Unsupported {
        /// The step's place in the program.
        step: usize,
        /// Its name.
        name: &'static str,
        /// What cannot be done.
        what: String,
    },
    /// The system gives no more threads.
    Threads {
        /// How many the session was to have.
        threads: usize,
        /// What the system says.
        cause: std::io::ErrorKind,
    },
}

impl fmt::Display for SessionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SessionError::NoCapacity => f.write_str(
                "a session needs a capacity of one token and one text at least, and of one candidate to score candidates",
            ),
            SessionError::Ranker => f.write_str("the model has trees, not a program: `rank::Engine` runs it"),
            SessionError::Memory { bytes } => {
                write!(
                    f,
                    "a session of this capacity takes {bytes} bytes, which cannot be had; lower `Capacity::tokens`"
                )
            }
            SessionError::Unsupported { step, name, what } => write!(f, "step {step} ({name}): {what}"),
            SessionError::Threads { threads, cause } => write!(
                f,
                "the {threads} threads of a session cannot be had: {cause}; raise the limit (`ulimit -u`), or take fewer"
            ),
        }
    }
}

impl std::error::Error for SessionError {}

/// Why a batch cannot be run. Nothing was computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RunError {
    /// The model is a ranker's network, which reads no text.
    Network,
    /// The model reads texts and scores no candidate.
    NoNetwork,
    /// The request is wrong.
    Request(RequestError),
    /// The program computes no rows of that stage.
    Stage {
        /// Which.
        stage: Stage,
    },
    /// There is no text.
    NoTexts,
    /// `ids` and `types` differ in length.
    Lengths {
        /// Of `ids`.
        ids: usize,
        /// Of `types`.
        types: usize,
    },
    /// `starts` does not begin with 0, does not ascend, or does not end with the number of tokens.
    Starts,
    /// A text has no token.
    EmptyText {
        /// Which.
        text: usize,
    },
    /// A text is longer than the model takes.
    LongText {
        /// Which.
        text: usize,
        /// Its tokens.
        tokens: usize,
        /// The most that it may have.
        limit: usize,
    },
    /// There are more tokens than the session has capacity for.
    Tokens {
        /// How many there are.
        tokens: usize,
        /// The capacity.
        limit: usize,
    },
    /// There are more texts than the session has capacity for.
    Texts {
        /// How many there are.
        texts: usize,
        /// The capacity.
        limit: usize,
    },
    /// A token's id is not in the vocabulary.
    TokenId {
        /// Which token of the batch.
        token: usize,
        /// Its id.
        id: u32,
        /// Ids are below it.
        limit: u32,
    },
    /// A token's type is none of the model's.
    TokenType {
        /// Which token of the batch.
        token: usize,
        /// Its type.
        id: u32,
        /// Types are below it.
        limit: u32,
    },
}

impl fmt::Display for RunError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            RunError::Network => f.write_str("the model does `rank`, it reads no text: call `Session::score`"),
            RunError::NoNetwork => f.write_str("the model reads texts, it scores no candidate: call `Session::run`"),
            RunError::Request(error) => error.fmt(f),
            RunError::Stage { stage: Stage::Tokens } => {
                f.write_str("the model has no rows of tokens: it computes its last block for the first token alone, or pools nothing")
            }
            RunError::Stage { stage: Stage::Unscaled } => f.write_str("the model's rows are not of unit length"),
            RunError::Stage { stage: Stage::Raw } => f.write_str("the model's rows end in no sigmoid and no softmax"),
            RunError::Stage { stage: Stage::Output } => f.write_str("the model has no step"),
            RunError::NoTexts => f.write_str("the batch has no text"),
            RunError::Lengths { ids, types } => {
                write!(f, "the batch has {ids} ids but {types} types; each token has one of each")
            }
            RunError::Starts => f.write_str(
                "`starts` must begin with 0, ascend, and end with the number of tokens: one more than there are texts",
            ),
            RunError::EmptyText { text } => {
                write!(f, "text {text} has no token; a tokenizer gives one its special tokens at least")
            }
            RunError::LongText { text, tokens, limit } => write!(
                f,
                "text {text} has {tokens} tokens, the model takes {limit}; truncate it, or lock the model with a greater `max-tokens`"
            ),
            RunError::Tokens { tokens, limit } => write!(
                f,
                "the batch has {tokens} tokens, the session holds {limit}; split it, or make the session with a greater `Capacity::tokens`"
            ),
            RunError::Texts { texts, limit } => write!(
                f,
                "the batch has {texts} texts, the session holds {limit}; split it, or make the session with a greater `Capacity::texts`"
            ),
            RunError::TokenId { token, id, limit } => write!(
                f,
                "token {token} has the id {id}, the vocabulary's end at {limit}; was it tokenized for another model?"
            ),
            RunError::TokenType { token, id, limit } => {
                write!(f, "token {token} is of type {id}, the model's types end at {limit}")
            }
        }
    }
}

impl std::error::Error for RunError {}

impl From<RequestError> for RunError {
    fn from(error: RequestError) -> RunError {
        RunError::Request(error)
    }
}
