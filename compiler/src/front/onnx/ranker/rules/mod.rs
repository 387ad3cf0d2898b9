//! What each operator of a recommender becomes in the graph.

mod masks;
mod movement;
mod normalize;
mod numbers;
mod products;
mod recurrent;
mod reduce;
mod taking;

use super::import::{Importer, Lowered};
use crate::graph::ValueId;
use crate::onnx::Step;
use crate::ops::{Erf, Exp, Neg, Relu, Sigmoid, Sqrt, Tanh};
use modeldeploy_format::program::Pooling;

/// What a node becomes: its outputs in order.
type Made = Result<Vec<Lowered>, String>;

/// How a node is written.
type Rule = fn(&mut Importer<'_>, &Step) -> Made;

/// Every operator that a network may be made of.
const RULES: &[(&str, Rule)] = &[
    ("Add", numbers::add),
    ("Sub", numbers::subtract),
    ("Mul", numbers::multiply),
    ("Div", normalize::divide),
    ("Sum", numbers::sum),
    ("Pow", numbers::power),
    ("Sqrt", |to, step| numbers::one(to, step, Sqrt.into())),
    ("Exp", |to, step| numbers::one(to, step, Exp.into())),
    ("Neg", |to, step| numbers::one(to, step, Neg.into())),
    ("Erf", |to, step| numbers::one(to, step, Erf.into())),
    ("Tanh", |to, step| numbers::one(to, step, Tanh.into())),
    ("Relu", |to, step| numbers::one(to, step, Relu.into())),
    ("Sigmoid", |to, step| numbers::one(to, step, Sigmoid.into())),
    ("LeakyRelu", numbers::leaky),
    ("PRelu", numbers::leaky),
    ("Gelu", numbers::gelu),
    ("Clip", numbers::clip),
    ("Softmax", numbers::softmax),
    ("BatchNormalization", normalize::batch),
    ("LayerNormalization", normalize::layer),
    ("LpNormalization", normalize::unit),
    ("ReduceSum", |to, step| reduce::reduce(to, step, Pooling::Sum)),
    ("ReduceMean", |to, step| reduce::reduce(to, step, Pooling::Mean)),
    ("ReduceMax", |to, step| reduce::reduce(to, step, Pooling::Max)),
    ("ReduceSumSquare", reduce::squares),
    ("ReduceL2", reduce::length),
    ("MatMul", products::matmul),
    ("Gemm", products::gemm),
    ("Conv", products::conv),
    ("GRU", recurrent::gru),
    ("LSTM", recurrent::lstm),
    ("Gather", taking::gather),
    ("GatherND", taking::gather_nd),
    ("Transpose", movement::transpose),
    ("Slice", taking::slice),
    ("Split", taking::split),
    ("Concat", movement::concat),
    ("Expand", movement::expand),
    ("Tile", movement::tile),
    ("Reshape", movement::reshape),
    ("Squeeze", movement::reshape),
    ("Unsqueeze", movement::reshape),
    ("Flatten", movement::reshape),
    ("Identity", movement::same),
    ("Dropout", movement::same),
    ("Cast", movement::cast),
    ("IsNaN", numbers::never_nan),
    ("Where", numbers::choose),
    ("Equal", masks::compare),
    ("Greater", masks::compare),
    ("GreaterOrEqual", masks::compare),
    ("Less", masks::compare),
    ("LessOrEqual", masks::compare),
    ("Not", masks::not),
    ("And", masks::logic),
    ("Or", masks::logic),
];

/// Writes a node.
pub(super) fn lower(to: &mut Importer<'_>, step: &Step) -> Made {
    let rule = RULES.iter().find(|(operator, _)| *operator == step.operator);
    let (_, rule) =
        rule.ok_or("it is computed by the interpreter only, and is no part of a recommender that is known")?;
    rule(to, step)
}

/// The values that a node is written from.
pub(super) fn read(to: &Importer<'_>, step: &Step) -> Vec<usize> {
    match normalize::unit_row(to, step) {
        // The row's length is no value of the graph.
        Some(row) => vec![row],
        None => step.inputs.iter().copied().flatten().collect(),
    }
}

fn input(step: &Step, at: usize) -> Result<usize, String> {
    step.inputs.get(at).copied().flatten().ok_or_else(|| format!("the input {at} is left out"))
}

fn optional(step: &Step, at: usize) -> Option<usize> {
    step.inputs.get(at).copied().flatten()
}

fn output(step: &Step) -> Result<usize, String> {
    step.outputs.first().copied().flatten().ok_or_else(|| "it gives no first output".to_owned())
}

fn made(id: ValueId) -> Made {
    Ok(vec![Lowered::Value(id)])
}

/// Axes from an attribute, or since some opset from an input; none where they are left out.
fn axes(to: &Importer<'_>, step: &Step) -> Result<Option<Vec<i64>>, String> {
    match optional(step, 1) {
        Some(axes) => to.integers(axes).map(Some).ok_or_else(|| "its axes are not constant".to_owned()),
        None => Ok(step.ints("axes")?.map(<[i64]>::to_vec)),
    }
}
