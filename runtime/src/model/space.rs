//! Spaces as types, so that the compiler compares them.

/// The space of the digest whose first 16 bytes, big-endian, are `A` and whose last 16 are `B`. It has no values.
#[derive(Debug)]
pub enum Space<const A: u128, const B: u128> {}

/// That two spaces are one. Every space is the same as itself, and as no other.
///
/// ```
/// use modeldeploy::model::{SameSpace, Space};
///
/// fn compare<A: SameSpace<B>, B>() {}
/// compare::<Space<1, 2>, Space<1, 2>>();
/// ```
///
/// ```compile_fail,E0277
/// use modeldeploy::model::{SameSpace, Space};
///
/// fn compare<A: SameSpace<B>, B>() {}
/// compare::<Space<1, 2>, Space<1, 3>>();
/// ```
#[diagnostic::on_unimplemented(
    message = "these vectors lie in different spaces and cannot be compared",
    label = "made by a model of another space",
    note = "two models share a space only if tokenizer, prompts, pooling, weights and quantization are the same; `SPACE` in `Model.lock` is its digest"
)]
pub trait SameSpace<S> {}

impl<const A: u128, const B: u128> SameSpace<Space<A, B>> for Space<A, B> {}
