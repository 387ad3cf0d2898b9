//! What compression costs, layer by layer.

use super::samples::{Sample, usable};
use crate::diagnostic::Diagnostic;
use crate::graph::{Graph, ValueId};
use crate::ops::{Op, Operator, Text};
use crate::reference::{EVALUATION_ERROR, Reference};
use candle_core::Tensor;
use std::collections::BTreeMap;

/// The error of one linear layer's output over some samples.
#[derive(Clone, Debug, PartialEq)]
pub struct LayerError {
    /// The layer's name.
    pub name: String,
    /// `‖compressed − f32‖ / ‖f32‖` of the layer's output, with all that the layers before it had lost already.
    pub relative: f64,
    /// The same where the layer is given what the f32 graph gives it: its own loss.
    pub own: f64,
}

/// Compares the linear layers of a compressed graph with those of the f32 graph that it was made of.
///
/// # Errors
///
/// `MD0505` without samples, and what the reference finds wrong with a graph or a sample.
///
/// # Panics
///
/// If `compressed` does not have the layers of `graph`, in their order.
pub fn error_by_layer(
    graph: &Graph,
    compressed: &Graph,
    samples: &[Sample],
) -> Result<Vec<LayerError>, Vec<Diagnostic>> {
    let samples = usable(samples).map_err(|error| vec![error])?;
    let pairs: Vec<(ValueId, ValueId)> = layers(graph).into_iter().zip(layers(compressed)).collect();
    assert_eq!(pairs.len(), layers(graph).len(), "the compressed graph has the layers of the f32 graph");
    let (exact, lossy) = (Reference::new(graph)?, Reference::new(compressed)?);
    let (constants, lossy_constants) = (constants(graph)?, constants(compressed)?);
    let mut sums = vec![[0.0_f64; 3]; pairs.len()];
    for sample in samples {
        let (mut seen, seen_lossy) = (values(&exact, sample)?, values(&lossy, sample)?);
        seen.extend(constants.iter().map(|(&id, value)| (id, value.clone())));
        for (sums, &(layer, lossy_layer)) in sums.iter_mut().zip(&pairs) {
            let alone = alone([graph, compressed], [layer, lossy_layer], &seen, &lossy_constants);
            let add = alone.and_then(|alone| {
                let want = numbers(&seen[&layer])?;
                let square = |got: Vec<f64>| got.iter().zip(&want).map(|(got, want)| (got - want).powi(2)).sum::<f64>();
                let lossy = square(numbers(&seen_lossy[&lossy_layer])?);
                Ok([lossy, square(numbers(&alone)?), want.iter().map(|x| x * x).sum()])
            });
            let add = add.map_err(|error| {
                let place = format!("node `{}`", graph.node(layer).name);
                vec![Diagnostic::new(EVALUATION_ERROR, format!("the layer cannot be compared: {error}")).at(place)]
            })?;
            sums.iter_mut().zip(add).for_each(|(sum, add)| *sum += add);
        }
    }
    let relative = |error: f64, of: f64| if of > 0.0 { (error / of).sqrt() } else { 0.0 };
    let errors = pairs.iter().zip(sums).map(|(&(layer, _), [lossy, own, of])| LayerError {
        name: graph.node(layer).name.clone(),
        relative: relative(lossy, of),
        own: relative(own, of),
    });
    Ok(errors.collect())
}

/// The linear layers in order of evaluation.
fn layers(graph: &Graph) -> Vec<ValueId> {
    let order = graph.order().into_iter();
    order.filter(|&id| matches!(graph.node(id).op, Op::Dense(_) | Op::DenseInt8(_))).collect()
}

fn numbers(tensor: &Tensor) -> candle_core::Result<Vec<f64>> {
    tensor.to_dtype(candle_core::DType::F64)?.flatten_all()?.to_vec1()
}

/// All values of one text.
fn values(reference: &Reference, sample: &Sample) -> Result<BTreeMap<ValueId, Tensor>, Vec<Diagnostic>> {
    let mut seen = BTreeMap::new();
    let mut keep = |id, value: &Tensor| {
        seen.insert(id, value.clone());
    };
    reference.run_observed(&sample.ids, &sample.types, &mut keep).map_err(|error| vec![error])?;
    Ok(seen)
}

/// The live constants as tensors.
fn constants(graph: &Graph) -> Result<BTreeMap<ValueId, Tensor>, Vec<Diagnostic>> {
    let live = graph.order().into_iter().filter(|&id| graph.is_const(id));
    let eval = |id| match graph.node(id).op.eval(&[], Text::NONE) {
        Ok(tensor) => Ok((id, tensor)),
        Err(error) => {
            let place = format!("tensor `{}`", graph.node(id).name);
            Err(vec![Diagnostic::new(EVALUATION_ERROR, format!("the constant cannot be read: {error}")).at(place)])
        }
    };
    live.map(eval).collect()
}

/// The output of the compressed layer on the inputs of the f32 layer; graphs and layers are `[f32, compressed]`.
fn alone(
    [graph, compressed]: [&Graph; 2],
    [layer, lossy]: [ValueId; 2],
    seen: &BTreeMap<ValueId, Tensor>,
    constants: &BTreeMap<ValueId, Tensor>,
) -> candle_core::Result<Tensor> {
    let (node, lossy) = (graph.node(layer), compressed.node(lossy));
    let Op::Dense(dense) = node.op else { unreachable!("the f32 graph has float layers only") };
    let parts = dense.parts(&node.inputs);
    let (x, residual) = match lossy.op {
        Op::DenseInt8(int8) => {
            // [layer normalization →] quantize → layer; a smoothed normalization is not that of the f32 graph.
            let quantize = compressed.node(lossy.inputs[0]);
            let source = compressed.node(quantize.inputs[0]);
            let exact = graph.node(parts.x);
            let x = match (&source.op, &exact.op) {
                (Op::LayerNorm(norm), Op::LayerNorm(_)) => {
                    let [gamma, beta] = [1, 2].map(|at| constants[&source.inputs[at]].clone());
                    norm.eval(&[seen[&exact.inputs[0]].clone(), gamma, beta], Text::NONE)?
                }
                _ => seen[&parts.x].clone(),
            };
            (quantize.op.eval(&[x], Text::NONE)?, int8.parts(&lossy.inputs).residual)
        }
        Op::Dense(dense) => (seen[&parts.x].clone(), dense.parts(&lossy.inputs).residual),
        _ => unreachable!("`layers` gives linear layers only"),
    };
    let rest = lossy.inputs[1..].iter().map(|input| match parts.residual.filter(|_| Some(*input) == residual) {
        Some(exact) => seen[&exact].clone(),
        None => constants[input].clone(),
    });
    let inputs: Vec<Tensor> = std::iter::once(x).chain(rest).collect();
    lossy.op.eval(&inputs, Text::NONE)
}
