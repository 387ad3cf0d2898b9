//! Products: linear layers, scores of items by items, and rows against rows.

use super::super::import::{Importer, flat};
use super::{Made, input, made, optional, output};
use crate::graph::{Constant, Dim, Node, ValueId};
use crate::onnx::{Size, Source, Step};
use crate::ops::{Add, MatMul, Mul, Op, ReduceSum, Reshape, Transpose};

pub(super) fn matmul(to: &mut Importer<'_>, step: &Step) -> Made {
    let (a, b, out) = (input(step, 0)?, input(step, 1)?, output(step)?);
    let dims = to.form(out)?.dims;
    let product = match (to.trace.source(a), to.trace.source(b)) {
        (_, Source::Lengths) => {
            let (weights, shape) = to.matrix(b).or_else(|error| column(to, b).ok_or(error))?;
            let name = weights_name(to, b, step);
            dense(to, step, a, (turned(&weights, shape), &name))?
        }
        (Source::Lengths, _) => {
            // W · x with a column of numbers, or a row for each column of rows: a layer as PyTorch has it.
            let (weights, _) = to.matrix(a)?;
            let sizes = to.sizes(b)?;
            let one = match sizes[..] {
                [_] => true,
                [.., last] => last == Size::Fixed(1) || !matches!(last, Size::Fixed(_)),
                [] => false,
            };
            if !one {
                return Err("constant weights stand before more than a column".to_owned());
            }
            let name = weights_name(to, a, step);
            dense(to, step, b, (weights, &name))?
        }
        _ if to.form(out)?.is_scores() => scores(to, step, a, b)?,
        _ if to.form(a)?.is_scores() => mixed(to, step, a, b)?,
        _ => rows(to, step, a, b)?,
    };
    made(to.reshaped(product, &dims, &step.name)?)
}

pub(super) fn gemm(to: &mut Importer<'_>, step: &Step) -> Made {
    if step.int_or("transA", 0)? != 0 {
        return Err("it transposes its first input".to_owned());
    }
    let (alpha, beta) = (step.float_or("alpha", 1.0)?, step.float_or("beta", 1.0)?);
    let (a, b, out) = (input(step, 0)?, input(step, 1)?, output(step)?);
    let (weights, shape) = to.matrix(b)?;
    let weights = if step.int_or("transB", 0)? == 0 { turned(&weights, shape) } else { weights };
    let name = weights_name(to, b, step);
    let product = dense(to, step, a, (scaled(weights, alpha), &name))?;
    let (sizes, form) = (to.sizes(out)?, to.form(out)?);
    let product = to.reshaped(product, &form.dims, &step.name)?;
    let Some(bias) = optional(step, 2) else { return made(product) };
    let mut bias = to.operand(bias, &sizes, &form)?;
    if beta != 1.0 {
        let factor = to.scalar(beta);
        bias = to.add(Mul, &[bias, factor], &step.name)?;
    }
    made(to.add(Add, &[product, bias], &step.name)?)
}

/// A convolution whose kernel is of one item: a layer over each item's channels.
pub(super) fn conv(to: &mut Importer<'_>, step: &Step) -> Made {
    let (x, weights, out) = (input(step, 0)?, input(step, 1)?, output(step)?);
    let all = |name: &str, number: i64| -> Result<bool, String> {
        Ok(step.ints(name)?.is_none_or(|numbers| numbers.iter().all(|it| *it == number)))
    };
    if step.int_or("group", 1)? != 1 || !all("strides", 1)? || !all("pads", 0)? || to.sizes(x)?.len() != 3 {
        return Err("it is another convolution than that of each item by itself".to_owned());
    }
    let tensor = to.constant(weights).ok_or("its weights are not constant")?;
    let &[channels, depth, 1] = tensor.shape() else {
        return Err("it puts an item beside others, and only kernels of one item are known".to_owned());
    };
    let layer = super::super::super::import::constant(tensor, vec![channels, depth])?;
    let name = weights_name(to, weights, step);
    let product = dense(to, step, x, (layer, &name))?;
    let form = to.form(out)?;
    let product = to.reshaped(product, &form.dims, &step.name)?;
    let Some(bias) = optional(step, 2) else { return made(product) };
    let numbers = to.vector(bias)?;
    let label = to.trace.name(bias).to_owned();
    let bias = to.graph.constant(&label, Constant::f32([channels], &numbers));
    made(to.add(Add, &[product, bias], &step.name)?)
}

/// The weights of a layer by their own name, or by the node's where an exporter gave them a number.
fn weights_name(to: &Importer<'_>, weights: usize, step: &Step) -> String {
    let name = to.trace.name(weights);
    if name.ends_with("weight") { name.to_owned() } else { format!("{}.weight", step.name) }
}

/// A vector of constant weights as a matrix of one column.
fn column(to: &Importer<'_>, value: usize) -> Option<(Constant, [usize; 2])> {
    let tensor = to.constant(value).filter(|tensor| tensor.rank() == 1)?;
    let weights = super::super::super::import::constant(tensor, vec![tensor.len(), 1]).ok()?;
    Some((weights, [tensor.len(), 1]))
}

/// A matrix with its axes turned.
fn turned(weights: &Constant, [rows, columns]: [usize; 2]) -> Constant {
    let given = weights.to_f32();
    let turned: Vec<f32> =
        (0..columns).flat_map(|column| (0..rows).map(move |row| row * columns + column)).map(|at| given[at]).collect();
    Constant::f32([columns, rows], &turned)
}

fn scaled(weights: Constant, by: f32) -> Constant {
    if by == 1.0 {
        return weights;
    }
    let numbers: Vec<f32> = weights.to_f32().iter().map(|weight| weight * by).collect();
    Constant::f32(weights.shape(), &numbers)
}

/// `x · wᵀ` with `w[n, k]`, over the last axis of the value, which is left out where it is of one.
fn dense(to: &mut Importer<'_>, step: &Step, x: usize, (weights, name): (Constant, &str)) -> Result<ValueId, String> {
    let depth = weights.shape()[1];
    let id = to.value(x)?;
    let mut dims = to.form(x)?.dims;
    if depth == 1 {
        dims.push(Dim::Fixed(1));
    }
    if dims.last() != Some(&Dim::Fixed(depth)) || to.form(x)?.is_scores() {
        return Err(format!("its rows are no {depth} numbers"));
    }
    let id = to.reshaped(id, &dims, &step.name)?;
    let weights = to.graph.constant(name, weights);
    let layer = name.strip_suffix(".weight").unwrap_or(name).to_owned();
    to.add(MatMul { transpose_b: true }, &[id, weights], &layer)
}

/// Queries `[heads, items, d]` by keys, which the file has turned; a scale may stand as its root with both.
fn scores(to: &mut Importer<'_>, step: &Step, q: usize, k: usize) -> Result<ValueId, String> {
    let (q, k) = (to.value(q)?, to.value(k)?);
    let ((q, of_q), (k, of_k)) = (unscaled(to, q), unscaled(to, k));
    let (q, k) = (by_head(to, q, &step.name)?, by_head(to, k, &step.name)?);
    let product = to.add(MatMul { transpose_b: true }, &[q, k], &step.name)?;
    let scale = of_q.unwrap_or(1.0) * of_k.unwrap_or(1.0);
    if of_q.is_none() && of_k.is_none() {
        return Ok(product);
    }
    let scale = to.scalar(scale);
    to.add(Mul, &[product, scale], &step.name)
}

/// Shares `[heads, items, items]` by values.
fn mixed(to: &mut Importer<'_>, step: &Step, shares: usize, v: usize) -> Result<ValueId, String> {
    let (shares, v) = (to.value(shares)?, to.value(v)?);
    let v = by_head(to, v, &step.name)?;
    let mixed = to.add(MatMul { transpose_b: false }, &[shares, v], &step.name)?;
    to.add(Transpose { axes: vec![1, 0, 2] }, &[mixed], &step.name)
}

/// `[items, heads, d]`, or `[items, d]` of one head, as `[heads, items, d]`.
fn by_head(to: &mut Importer<'_>, x: ValueId, name: &str) -> Result<ValueId, String> {
    // Rows that were cut out of others, as keys and values that one layer made are, are rows by themselves first.
    let cut = match to.graph.node(x) {
        Node { op: Op::Reshape(_), inputs, .. } => to.graph.ty(inputs[0]).rank() != 2,
        node => matches!(node.op, Op::Slice(_) | Op::Select(_)),
    };
    let split = match to.graph.ty(x).shape[..] {
        [Dim::Tokens, Dim::Fixed(heads), Dim::Fixed(depth)] if cut => {
            let rows = to.reshaped(x, &[Dim::Tokens, Dim::Fixed(heads * depth)], name)?;
            to.add(Reshape { shape: vec![Dim::Tokens, heads.into(), depth.into()] }, &[rows], name)?
        }
        [Dim::Tokens, width] if cut => {
            let rows = to.reshaped(x, &[Dim::Tokens, width], name)?;
            to.add(Reshape { shape: vec![Dim::Tokens, Dim::Fixed(1), width] }, &[rows], name)?
        }
        [Dim::Tokens, width] => to.reshaped(x, &[Dim::Tokens, Dim::Fixed(1), width], name)?,
        [Dim::Tokens, _, _] => x,
        _ => return Err("scores of items are of rows by heads".to_owned()),
    };
    to.add(Transpose { axes: vec![1, 0, 2] }, &[split], name)
}

/// A value without the constant number that multiplies it, and the number.
fn unscaled(to: &Importer<'_>, value: ValueId) -> (ValueId, Option<f32>) {
    let node = to.graph.node(value);
    match (&node.op, &node.inputs[..]) {
        (Op::Mul(_), &[x, factor]) => to.graph.as_scalar(factor).map_or((value, None), |factor| (x, Some(factor))),
        _ => (value, None),
    }
}

/// Rows against rows: of the user, of candidates, or of the fields of one.
fn rows(to: &mut Importer<'_>, step: &Step, a: usize, b: usize) -> Result<ValueId, String> {
    let depth = match to.sizes(a)?.last() {
        Some(Size::Fixed(depth)) => *depth,
        _ => return Err("it adds up rows".to_owned()),
    };
    let (left, right) = (to.value(a)?, to.value(b)?);
    let (of_a, of_b) = (to.graph.ty(left).clone(), to.graph.ty(right).clone());
    let single = if depth == 1 { &[][..] } else { &[Dim::Fixed(depth)] };
    // One row of either beside one of the other: what remains is a number for each.
    if of_a.row() == single && of_b.row() == single {
        let product = to.add(Mul, &[left, right], &step.name)?;
        let rank = to.graph.ty(product).rank();
        return if depth == 1 {
            Ok(product)
        } else {
            to.add(ReduceSum { axis: rank - 1, keep: false }, &[product], &step.name)
        };
    }
    if depth == 1 {
        return Err("rows of several fields are multiplied in a way that is not known".to_owned());
    }
    // Fields of one row with one another: the second may be the first, turned.
    let node = to.graph.node(right);
    if let Op::Transpose(transpose) = &node.op {
        let mut axes = transpose.axes.clone();
        let rank = axes.len();
        axes.swap(rank - 1, rank - 2);
        if axes.is_sorted() {
            let source = node.inputs[0];
            return to.add(MatMul { transpose_b: true }, &[left, source], &step.name);
        }
    }
    let left = match of_a.row() {
        [Dim::Fixed(_)] if of_b.rows().is_some() => to.reshaped(left, &flat(of_a.rows(), &[1, depth]), &step.name)?,
        _ => left,
    };
    // One row against the fields: a matrix of one column.
    let right = match of_b.row() {
        [Dim::Fixed(_)] if of_a.row().len() == 2 => to.reshaped(right, &flat(of_b.rows(), &[depth, 1]), &step.name)?,
        _ => right,
    };
    to.add(MatMul { transpose_b: false }, &[left, right], &step.name)
}
