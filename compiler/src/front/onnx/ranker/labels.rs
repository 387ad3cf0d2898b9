//! Which axes are those of a session's items, in a file that knows one number of items alone.
//!
//! Exporters write that number into shapes and constants, where it may be the size of another axis too. So an axis is told by the way that
//! it came from the inputs, operator by operator. Where the way is not known the axis has a fixed size, and what reads it is refused.

use super::axes::counted;
use super::ports::{Axis, Ports};
use crate::onnx::{Size, Source, Step, Trace};

/// Says of each value of a trace, of sessions of so many items, which of its axes are theirs.
pub(super) fn label(trace: &mut Trace, ports: &Ports, items: usize) {
    let given: Vec<(String, usize)> = trace.inputs().to_vec();
    for (name, value) in given {
        let port = ports.list.iter().find(|port| port.name == name).expect("a port for each input");
        let Some(mut sizes) = trace.sizes(value) else { continue };
        for (size, axis) in sizes.iter_mut().zip(&port.axes) {
            if *axis == Axis::Items {
                *size = Size::Tokens;
            }
        }
        trace.say(value, sizes);
    }
    for step in trace.steps.clone() {
        for at in 0..step.outputs.len() {
            let Some(out) = step.outputs[at] else { continue };
            if trace.source(out) == Source::Lengths {
                continue;
            }
            let Some(mut sizes) = trace.sizes(out) else { continue };
            for axis in axes(trace, &step, at, &sizes).unwrap_or_default() {
                if sizes[axis] == Size::Fixed(items) {
                    sizes[axis] = Size::Tokens;
                }
            }
            known(trace, &step, &sizes, items);
            trace.say(out, sizes);
        }
    }
}

/// The operators whose inputs are broadcast to their output.
const BROADCAST: &[&str] = &[
    "Abs",
    "Add",
    "And",
    "BatchNormalization",
    "Cast",
    "Clip",
    "Div",
    "Dropout",
    "Elu",
    "Equal",
    "Erf",
    "Exp",
    "Expand",
    "Gelu",
    "Greater",
    "GreaterOrEqual",
    "HardSigmoid",
    "HardSwish",
    "Identity",
    "IsNaN",
    "LayerNormalization",
    "LeakyRelu",
    "Less",
    "LessOrEqual",
    "Log",
    "LpNormalization",
    "Max",
    "Min",
    "Mul",
    "Neg",
    "Not",
    "Or",
    "PRelu",
    "Pow",
    "Reciprocal",
    "Relu",
    "Sigmoid",
    "Sign",
    "Softmax",
    "Softplus",
    "Sqrt",
    "Sub",
    "Sum",
    "Tanh",
    "Where",
];

/// The axes of an output that are those of items, as far as the operator says.
fn axes(trace: &Trace, step: &Step, output: usize, sizes: &[Size]) -> Option<Vec<usize>> {
    let input = |at: usize| step.inputs.get(at).copied().flatten();
    let own = |at: usize| -> Option<Vec<Size>> { trace.sizes(input(at)?) };
    let items = |sizes: &[Size]| -> Vec<usize> { (0..sizes.len()).filter(|&at| sizes[at] == Size::Tokens).collect() };
    let rank = sizes.len();
    if BROADCAST.contains(&step.operator) {
        let mut found = vec![];
        for value in step.inputs.iter().flatten() {
            let own = trace.sizes(*value)?;
            let skipped = rank.checked_sub(own.len())?;
            found.extend(items(&own).into_iter().map(|axis| axis + skipped));
        }
        return Some(found);
    }
    let of_first = own(0)?;
    Some(match step.operator {
        "Reshape" | "Flatten" | "Squeeze" | "Unsqueeze" => {
            let before = |sizes: &[Size]| sizes.iter().map(|size| fixed(trace, *size)).product::<usize>();
            let same = |axis: usize| {
                (0..rank).find(|&to| {
                    before(&sizes[..to]) == before(&of_first[..axis])
                        && fixed(trace, sizes[to]) == fixed(trace, of_first[axis])
                })
            };
            items(&of_first).into_iter().filter_map(same).collect()
        }
        "Transpose" => {
            let order: Vec<usize> = match step.ints("perm").ok()? {
                Some(order) => order.iter().map(|&axis| counted(axis, rank)).collect::<Result<_, _>>().ok()?,
                None => (0..rank).rev().collect(),
            };
            (0..rank).filter(|&to| of_first.get(order[to]) == Some(&Size::Tokens)).collect()
        }
        // Axes keep their places.
        "Slice" | "Split" | "Tile" => items(&of_first),
        "Concat" => {
            step.inputs.iter().flatten().filter_map(|value| trace.sizes(*value)).flat_map(|own| items(&own)).collect()
        }
        "MatMul" => {
            let second = own(1)?;
            let (a, b) = (of_first.len(), second.len());
            if a < 2 || b < 2 {
                return None;
            }
            let mut found = vec![];
            for (sizes, own_rank) in [(&of_first, a), (&second, b)] {
                let batches = items(&sizes[..own_rank - 2]);
                found.extend(batches.into_iter().map(|axis| axis + rank - own_rank));
            }
            found.extend((of_first[a - 2] == Size::Tokens).then_some(rank - 2));
            found.extend((second[b - 1] == Size::Tokens).then_some(rank - 1));
            found
        }
        "Gemm" => {
            let row = usize::from(step.int_or("transA", 0).ok()? != 0);
            (of_first.get(row) == Some(&Size::Tokens)).then_some(0).into_iter().collect()
        }
        "Gather" => {
            let index = own(1)?;
            let axis = counted(step.int_or("axis", 0).ok()?, of_first.len()).ok()?;
            let outer = items(&of_first[..axis]);
            let inner = items(&of_first[axis + 1..]).into_iter().map(|at| at + axis + index.len());
            outer.into_iter().chain(items(&index).into_iter().map(|at| at + axis)).chain(inner).collect()
        }
        "Conv" => items(&of_first),
        "GRU" | "LSTM" if output == 0 => items(&of_first),
        "ReduceSum" | "ReduceMean" | "ReduceMax" | "ReduceMin" | "ReduceL2" | "ReduceSumSquare" | "ReduceProd" => {
            let of = |tensor: &std::sync::Arc<crate::onnx::Tensor>| super::known::whole(tensor);
            let listed = match input(1).map(|value| trace.value(value)) {
                Some(Some(crate::onnx::Traced::Known(tensors))) => of(&tensors[0])?,
                Some(_) => return None,
                None => step.ints("axes").ok()?.map(<[i64]>::to_vec).unwrap_or_default(),
            };
            let all = listed.is_empty() && step.int_or("noop_with_empty_axes", 0).ok()? == 0;
            let gone: Vec<usize> = match all {
                true => (0..of_first.len()).collect(),
                false => listed.iter().map(|&axis| counted(axis, of_first.len())).collect::<Result<_, _>>().ok()?,
            };
            let keep = step.int_or("keepdims", 1).ok()? != 0;
            let place = |axis: usize| axis - if keep { 0 } else { gone.iter().filter(|&&other| other < axis).count() };
            items(&of_first).into_iter().filter(|axis| !gone.contains(axis)).map(place).collect()
        }
        _ => return None,
    })
}

/// A size as a number that two shapes have in common where it is the same axis; candidates count as one number too.
fn fixed(trace: &Trace, size: Size) -> usize {
    match size {
        Size::Fixed(size) => size,
        Size::Tokens => trace.tokens()[0],
        Size::Candidates => CANDIDATES,
    }
}

/// Any number that no shape has: candidates stand for themselves.
const CANDIDATES: usize = 1_000_003;

/// What follows from the number of items alone has the axes of what it is put together with.
fn known(trace: &mut Trace, step: &Step, sizes: &[Size], items: usize) {
    if !BROADCAST.contains(&step.operator) && step.operator != "Concat" {
        return;
    }
    for &value in step.inputs.iter().flatten() {
        if trace.source(value) != Source::Lengths {
            continue;
        }
        let Some(mut own) = trace.sizes(value) else { continue };
        let Some(skipped) = sizes.len().checked_sub(own.len()) else { continue };
        let mut said = false;
        for (own, of) in own.iter_mut().zip(&sizes[skipped..]) {
            if *of == Size::Tokens && *own == Size::Fixed(items) {
                (*own, said) = (Size::Tokens, true);
            }
        }
        if said {
            trace.say(value, own);
        }
    }
}
