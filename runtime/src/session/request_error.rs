//! Why a request cannot be scored.

use core::fmt;
use modeldeploy_format::program::Rows;

/// Why a request cannot be scored. Nothing was computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RequestError {
    /// There is no user.
    NoUsers,
    /// The starts of the items and of the candidates are of different numbers of users.
    Users {
        /// How many starts of items there are.
        starts: usize,
        /// How many starts of candidates.
        candidates: usize,
    },
    /// Starts do not begin with 0 or do not ascend.
    Starts {
        /// Of what.
        of: Rows,
    },
    /// There are more items, users or candidates than the session has capacity for.
    Capacity {
        /// Which of them.
        of: Rows,
        /// How many there are.
        rows: usize,
        /// The capacity.
        limit: usize,
    },
    /// A user has no item, and the model reads sessions.
    EmptySession {
        /// Which.
        user: usize,
    },
    /// A session is longer than the model takes.
    LongSession {
        /// Whose.
        user: usize,
        /// Its items.
        items: usize,
        /// The most that it may have.
        limit: usize,
    },
    /// There are not so many numbers as the rows need.
    Numbers {
        /// Of what.
        of: Rows,
        /// How many there are.
        got: usize,
        /// How many rows.
        rows: usize,
        /// How many numbers a row has.
        each: u32,
    },
    /// There are not so many ids as the rows need.
    Ids {
        /// Of what.
        of: Rows,
        /// How many there are.
        got: usize,
        /// How many rows.
        rows: usize,
        /// How many ids a row has.
        each: u32,
    },
    /// An id is past a table that is read by it.
    Id {
        /// Of what.
        of: Rows,
        /// Which row.
        row: usize,
        /// Which of the row's ids.
        column: usize,
        /// The id.
        id: u32,
        /// Ids there are below it.
        limit: u32,
    },
}

/// One of the rows, and several.
fn names(of: Rows) -> (&'static str, &'static str) {
    match of {
        Rows::Tokens => ("item", "items"),
        Rows::Texts => ("user", "users"),
        Rows::Candidates => ("candidate", "candidates"),
    }
}

/// The field of [`Request`](super::Request) that is meant.
fn field(of: Rows) -> &'static str {
    match of {
        Rows::Tokens => "session",
        Rows::Texts => "user",
        Rows::Candidates => "candidate",
    }
}

impl fmt::Display for RequestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let columns = |f: &mut fmt::Formatter<'_>, of, what, got, rows, each| {
            let (field, (_, plural)) = (field(of), names(of));
            write!(
                f,
                "`{field}.{what}` has {got} values where {rows} {plural} of {each} need {}",
                rows as u64 * u64::from(each)
            )
        };
        match *self {
            RequestError::NoUsers => f.write_str("the request has no user; `starts` has one more than there are users"),
            RequestError::Users { starts, candidates } => write!(
                f,
                "`starts` has {starts} places and `candidates` has {candidates}; both have one more than there are users"
            ),
            RequestError::Starts { of } => {
                let field = if of == Rows::Candidates { "candidates" } else { "starts" };
                write!(f, "`{field}` must begin with 0 and ascend: one more than there are users")
            }
            RequestError::Capacity { of, rows, limit } => {
                let field = match of {
                    Rows::Tokens => "tokens",
                    Rows::Texts => "texts",
                    Rows::Candidates => "candidates",
                };
                let (_, plural) = names(of);
                write!(
                    f,
                    "the request has {rows} {plural}, the session holds {limit}; split it, or make the session with a greater `Capacity::{field}`"
                )
            }
            RequestError::EmptySession { user } => {
                write!(f, "user {user} has no item in the session, which the model reads; give it one at least")
            }
            RequestError::LongSession { user, items, limit } => {
                write!(
                    f,
                    "the session of user {user} has {items} items, the model takes {limit}; give the last {limit}"
                )
            }
            RequestError::Numbers { of, got, rows, each } => columns(f, of, "numbers", got, rows, each),
            RequestError::Ids { of, got, rows, each } => columns(f, of, "ids", got, rows, each),
            RequestError::Id { of, row, column, id, limit } => {
                let (one, _) = names(of);
                write!(
                    f,
                    "id {column} of {one} {row} is {id}, the model's table ends at {limit}; do the features come from this model's rules?"
                )
            }
        }
    }
}

impl std::error::Error for RequestError {}
