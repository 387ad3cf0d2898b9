//! Rules of types that many operators share.

use crate::graph::{Dim, Elem, Type};

/// The inputs, if there are `N`.
pub(super) fn exactly<const N: usize>(inputs: &[Type]) -> Result<&[Type; N], String> {
    inputs.try_into().map_err(|_| format!("it takes {N} inputs, not {}", inputs.len()))
}

/// Checks the kind of numbers of an input.
pub(super) fn elem(what: &str, ty: &Type, elem: Elem) -> Result<(), String> {
    if ty.elem == elem { Ok(()) } else { Err(format!("{what} is {ty}, where {} is needed", elem.name())) }
}

/// Checks that an input is a vector of `n` f32.
pub(super) fn vector(what: &str, ty: &Type, n: usize) -> Result<(), String> {
    if *ty == Type::f32([n.into()]) { Ok(()) } else { Err(format!("{what} is {ty}, where f32[{n}] is needed")) }
}

/// The fixed width of the last axis.
pub(super) fn width(what: &str, ty: &Type) -> Result<usize, String> {
    ty.width().ok_or_else(|| format!("{what} is {ty}, whose last axis is not of fixed size"))
}

/// The two sizes of a matrix of fixed size.
pub(super) fn matrix(what: &str, ty: &Type) -> Result<(usize, usize), String> {
    match ty.shape[..] {
        [Dim::Fixed(rows), Dim::Fixed(columns)] => Ok((rows, columns)),
        _ => Err(format!("{what} is {ty}, where a matrix of fixed size is needed")),
    }
}

/// The shape with another last axis.
pub(super) fn with_width(shape: &[Dim], width: usize) -> Vec<Dim> {
    let outer = shape.split_last().map_or(&[][..], |(_, outer)| outer);
    outer.iter().copied().chain([Dim::Fixed(width)]).collect()
}

/// Checks an axis against the rank.
pub(super) fn axis(axis: usize, ty: &Type) -> Result<(), String> {
    if axis < ty.rank() { Ok(()) } else { Err(format!("{ty} has no axis {axis}")) }
}

/// The shape of two broadcast together, as numpy does: from the last axis, sizes are equal or one of them is 1 or absent.
pub(super) fn broadcast(a: &[Dim], b: &[Dim]) -> Result<Vec<Dim>, String> {
    let rank = a.len().max(b.len());
    let at = |shape: &[Dim], axis: usize| (axis + shape.len()).checked_sub(rank).map_or(Dim::Fixed(1), |at| shape[at]);
    (0..rank)
        .map(|axis| match (at(a, axis), at(b, axis)) {
            (a, b) if a == b => Ok(a),
            (Dim::Fixed(1), other) | (other, Dim::Fixed(1)) => Ok(other),
            (a, b) => Err(format!("axes of {a} and {b} do not go together")),
        })
        .collect()
}
