//! From named values to scores, for every protocol: what a request says of a user, a session and candidates becomes what a ranker takes.
//!
//! ```text
//! protocols/* ─▶ tensors, rows or columns of Cells, by name ─▶ Asked: checked against the features ─▶ Workers ─▶ scores
//! ```
//!
//! A protocol says how values are written; what they mean, and what is wrong with them, is said here, and so is the same in all of them:
//! a candidate's feature has a value for each candidate, a user's has one, a session's a list. A number that is missing is `null`, or NaN
//! where numbers are binary; a text that is `null` is the empty one, as it is in an empty session. What becomes of such values, and of
//! texts and ids that the model does not know, is what its `features.toml` says (`docs/rank.md`).
//!
//! Nothing here knows a protocol, and no score depends on what else is asked: the bits are those of the handle's own `rank`.

mod asked;
mod cell;
mod inputs;
mod rows;
mod workers;

pub(crate) use asked::{Asked, Gathered};
pub(crate) use cell::{Cell, Values};
pub(crate) use inputs::{Input, Type, inputs};
pub(crate) use rows::Row;
pub(crate) use workers::{Scored, Workers};

/// The name of the output of every ranker.
pub(crate) const OUTPUT: &str = "scores";
