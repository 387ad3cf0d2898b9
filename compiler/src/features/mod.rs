//! What rankers are given: the specification of their features, and files that say what some candidates must get.

mod candidates;
mod columns;
mod filled;
mod requests;
mod specification;

pub use candidates::{Expected, expected};
pub use columns::{Column, Sided, sides};
pub(crate) use requests::requests;
pub use requests::{NetworkRows, Served};
pub use specification::features;

use crate::diagnostic::Code;

/// A specification of features that is no right one, or not that of the model.
pub const SPECIFICATION: Code = Code("MD1605");
/// A candidate gets another score than where its model was trained.
pub const OTHER_SCORES: Code = Code("MD1606");
