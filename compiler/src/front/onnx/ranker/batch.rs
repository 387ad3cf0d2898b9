//! A batch of a fixed size: which inputs begin with it, by what `features.toml` says of their columns.

use crate::features::Sided;
use crate::onnx::{Dimension, Model, Port};
use modeldeploy_format::features::Side;

/// Takes an axis of `size` that inputs begin with for that of the candidates, if none of theirs is dynamic and it is more than one row. The
/// inputs of the user and of the session begin with it where the file repeats them for each candidate.
pub fn free_batch(model: &mut Model, size: usize, said: &[Sided]) {
    let of = |port: &Port| -> Vec<&Sided> { said.iter().filter(|it| it.is_of(&port.name)).collect() };
    // Without a word on it, a feature is the candidates'.
    let is_candidates = |port: &Port| {
        let said = of(port);
        said.is_empty() || said.iter().any(|it| it.side == Side::Candidate)
    };
    let dims = |port: &Port| port.shape.clone().unwrap_or_default();
    let is_fixed = |dim: &Dimension| matches!(dim, Dimension::Fixed(_));
    let inputs = model.inputs();
    if size < 2 || inputs.iter().any(|port| is_candidates(port) && !dims(port).iter().all(is_fixed)) {
        return;
    }
    let begins = |port: &&Port| {
        let dims = dims(port);
        let [Dimension::Fixed(first), rest @ ..] = &dims[..] else { return false };
        let said = of(port);
        let repeats = match said.first().map(|it| it.side) {
            _ if is_candidates(port) => true,
            // Its last axis is that of its items.
            Some(Side::Session) => !rest.is_empty(),
            _ => is_repeated(&said, rest),
        };
        *first == size && repeats
    };
    let names: Vec<String> = inputs.iter().filter(begins).map(|port| port.name.clone()).collect();
    // A name that no other axis has.
    names.iter().for_each(|name| model.name_first_axis(name, &format!("max-batch = {size}")));
}

/// The fixed number of rows that all inputs of the candidates begin with, if they do: it may be that of a batch.
pub fn fixed_batch(model: &Model, said: &[Sided]) -> Option<usize> {
    let inputs = model.inputs().iter();
    let mut own = inputs.filter(|port| {
        let of: Vec<&Sided> = said.iter().filter(|it| it.is_of(&port.name)).collect();
        of.is_empty() || of.iter().any(|it| it.side == Side::Candidate)
    });
    let first = |port: &Port| match port.shape.as_deref() {
        Some([Dimension::Fixed(size), rest @ ..]) if rest.iter().all(|dim| matches!(dim, Dimension::Fixed(_))) => {
            Some(*size)
        }
        _ => None,
    };
    let size = own.next().and_then(first).filter(|&size| size > 1)?;
    own.all(|port| first(port) == Some(size)).then_some(size)
}

/// Whether an input of the user has a row for each candidate: its columns are those of one row.
fn is_repeated(said: &[&Sided], rest: &[Dimension]) -> bool {
    let size = |dim: &Dimension| if let Dimension::Fixed(size) = dim { *size } else { 1 };
    let row = rest.iter().map(size).fold(1, usize::saturating_mul);
    let named = said.iter().try_fold(0_usize, |sum, it| Some(sum.saturating_add(it.columns?)));
    // An embedding is as wide as its input, and of more than one value.
    named.map_or(row > 1, |named| named == row)
}
