//! The sum of the tables of tokens, types and positions, normalized: the same in every architecture here, but for the types.

use super::{Dimensions, Emitter, Tensors, Value};
use crate::ops::{Add, Input};

/// What an architecture does with token types.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Types {
    /// Each token takes the row of its type.
    Given,
    /// Every token takes the first row: the library never passes types to it.
    First,
    /// It has no such table.
    Absent,
}

/// `f32[tokens, embedding]`.
pub(super) fn emit(emit: &mut Emitter, tensors: &mut Tensors<'_>, size: &Dimensions, types: Types) -> Value {
    const POSITIONS: &str = "embeddings.position_embeddings";
    const TYPES: &str = "embeddings.token_type_embeddings";
    let width = size.embedding;
    let mut sum = emit.lookup(tensors, Input::TokenIds, "embeddings.word_embeddings", [size.vocabulary, width]);
    // A table of one row is the same as no choice; its row goes into the positions', so that a second text of a pair has one too.
    let constant = types == Types::First || types == Types::Given && size.types == 1;
    if types == Types::Given && !constant {
        let rows = emit.lookup(tensors, Input::TokenTypes, TYPES, [size.types, width]);
        sum = emit.op(Add, &[sum, rows], "embeddings");
    }
    let plus = constant.then_some((TYPES, size.types));
    let positions = emit.positions(tensors, POSITIONS, [size.positions, width], size.first_position, plus);
    sum = emit.op(Add, &[sum, positions], "embeddings");
    emit.layer_norm(tensors, "embeddings.LayerNorm", sum, width, size.epsilon)
}
