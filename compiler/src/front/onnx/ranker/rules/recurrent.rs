//! Gated recurrent units, as PyTorch and cuDNN have them.

use super::super::import::{Importer, Lowered, flat};
use super::{Made, input, optional};
use crate::graph::{Constant, Dim};
use crate::onnx::{Source, Step};
use crate::ops::{Add, Gru, MatMul, Pool};
use modeldeploy_format::program::Pooling;

pub(super) fn gru(to: &mut Importer<'_>, step: &Step) -> Made {
    if step.int_or("linear_before_reset", 0)? != 1 {
        return Err("its reset gate stands before the product, which PyTorch and cuDNN have after it".to_owned());
    }
    if step.text_or("direction", "forward")? != "forward" || step.int_or("layout", 0)? != 0 {
        return Err("it does not go forward over items along the first axis".to_owned());
    }
    if step.has("activations") || step.has("activation_alpha") || step.has("activation_beta") || step.has("clip") {
        return Err("its functions are not the usual ones".to_owned());
    }
    if optional(step, 4).is_some() {
        return Err("it takes the lengths of sessions, which are never padded".to_owned());
    }
    if optional(step, 5).is_some_and(|state| !to.is_all(state, 0.0)) {
        return Err("it does not begin with zeros".to_owned());
    }
    let value = input(step, 0)?;
    if to.trace.source(value) == Source::Candidates {
        return Err("it goes over candidates".to_owned());
    }
    let x = to.value(value)?;
    let (weights, [gates, depth]) = to.matrix(input(step, 1)?)?;
    let (hidden, [rows, size]) = to.matrix(input(step, 2)?)?;
    let bias = match optional(step, 3) {
        Some(bias) => to.vector(bias)?,
        None => vec![0.0; 2 * gates],
    };
    if size == 0 || gates != 3 * size || rows != gates || bias.len() != 2 * gates {
        return Err("its parameters are not of three gates".to_owned());
    }
    // ONNX has the gates in the order of z, r, h, and the program r, z, n.
    let ordered = |numbers: &[f32], row: usize| -> Vec<f32> {
        [1, 0, 2].iter().flat_map(|gate| &numbers[gate * size * row..(gate + 1) * size * row]).copied().collect()
    };
    let name = &step.name;
    let of = |name: String, shape: Vec<usize>, numbers: Vec<f32>, to: &mut Importer<'_>| {
        to.graph.constant(&name, Constant::f32(shape, &numbers))
    };
    let weights = of(format!("{name}.weight"), vec![gates, depth], ordered(&weights.to_f32(), depth), to);
    let hidden = of(format!("{name}.hidden"), vec![gates, size], ordered(&hidden.to_f32(), size), to);
    let first = of(format!("{name}.bias"), vec![gates], ordered(&bias[..gates], 1), to);
    let second = of(format!("{name}.hidden.bias"), vec![gates], ordered(&bias[gates..], 1), to);
    let x = to.reshaped(x, &flat(Some(Dim::Tokens), &[depth]), name)?;
    let share = to.add(MatMul { transpose_b: true }, &[x, weights], name)?;
    let share = to.add(Add, &[share, first], name)?;
    let states = to.add(Gru, &[share, hidden, second], name)?;
    let last = to.add(Pool { pooling: Pooling::Last }, &[states], name)?;
    let row = if size == 1 { flat(None, &[]) } else { flat(None, &[size]) };
    let states = to.reshaped(states, &[&[Dim::Tokens], &row[..]].concat(), name)?;
    Ok(vec![Lowered::Value(states), Lowered::Value(to.reshaped(last, &row, name)?)])
}
