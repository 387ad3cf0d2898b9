//! What each operator of an encoder becomes in the graph.

use super::import::{Importer, Lowered, constant};
use super::positions::{self, Places};
use crate::front::emitter::Value;
use crate::graph::{Dim, ValueId};
use crate::onnx::{Data, Step, Tensor};
use crate::ops::{
    Activation, Add, Div, Erf, Exp, Gather, MatMul, Mul, Neg, Op, ReduceMean, ReduceSum, Relu, Reshape, Sigmoid, Slice,
    Softmax, Sqrt, Sub, Tanh, Transpose,
};

/// How a node is written.
type Rule = fn(&mut Importer<'_>, &Step) -> Result<Lowered, String>;

/// Every operator that a graph may be made of.
const RULES: &[(&str, Rule)] = &[
    ("Add", |to, step| pair(to, step, Add.into(), Some(0.0))),
    ("Sub", |to, step| pair(to, step, Sub.into(), Some(0.0))),
    ("Mul", |to, step| pair(to, step, Mul.into(), Some(1.0))),
    ("Div", |to, step| pair(to, step, Div.into(), Some(1.0))),
    ("Pow", power),
    ("Sqrt", |to, step| one(to, step, Sqrt.into())),
    ("Exp", |to, step| one(to, step, Exp.into())),
    ("Neg", |to, step| one(to, step, Neg.into())),
    ("Erf", |to, step| one(to, step, Erf.into())),
    ("Tanh", |to, step| one(to, step, Tanh.into())),
    ("Relu", |to, step| one(to, step, Relu.into())),
    ("Sigmoid", |to, step| one(to, step, Sigmoid.into())),
    ("Gelu", gelu),
    ("Softmax", softmax),
    ("LayerNormalization", layer_norm),
    ("ReduceMean", |to, step| reduce(to, step, |axis, keep| ReduceMean { axis, keep }.into())),
    ("ReduceSum", |to, step| reduce(to, step, |axis, keep| ReduceSum { axis, keep }.into())),
    ("MatMul", matmul),
    ("Gemm", gemm),
    ("Gather", gather),
    ("Transpose", transpose),
    ("Reshape", reshape),
    ("Squeeze", reshape),
    ("Unsqueeze", reshape),
    ("Flatten", reshape),
    ("Identity", same),
    ("Dropout", same),
    ("Cast", same),
    ("Equal", positions::equal),
    ("Not", positions::not),
    ("CumSum", positions::count),
    ("IsNaN", never_nan),
    ("Where", choose),
];

/// Writes a node.
pub(super) fn lower(to: &mut Importer<'_>, step: &Step) -> Result<Lowered, String> {
    let rule = RULES.iter().find(|(operator, _)| *operator == step.operator);
    let (_, rule) = rule.ok_or("it is computed by the interpreter only, and no part of an encoder that is known")?;
    rule(to, step)
}

fn input(step: &Step, at: usize) -> Result<usize, String> {
    step.inputs.get(at).copied().flatten().ok_or_else(|| format!("the input {at} is left out"))
}

fn output(step: &Step) -> usize {
    step.outputs[0].expect("a step that is needed gives its first output")
}

fn made(value: Value) -> Result<Lowered, String> {
    value.map(Lowered::Value).ok_or_else(|| "its inputs do not go together here".to_owned())
}

/// A value of the text that is one of numbers.
fn text(to: &Importer<'_>, step: &Step, at: usize) -> Result<ValueId, String> {
    match to.text(input(step, at)?) {
        Some(Lowered::Value(id)) => Ok(id),
        _ => Err(format!("its input {at} is not computed from the text")),
    }
}

fn write(to: &mut Importer<'_>, step: &Step, op: impl Into<Op>, inputs: &[Value]) -> Result<Lowered, String> {
    let made = to.emit.op(op, inputs, &step.name);
    made.map(Lowered::Value).ok_or_else(|| "its inputs do not go together here".to_owned())
}

fn one(to: &mut Importer<'_>, step: &Step, op: Op) -> Result<Lowered, String> {
    let x = text(to, step, 0)?;
    write(to, step, op, &[Some(x)])
}

/// An operation on two values; where one is nothing but `neutral`, as the mask of a text without padding is, it leaves the other.
fn pair(to: &mut Importer<'_>, step: &Step, op: Op, neutral: Option<f32>) -> Result<Lowered, String> {
    let (a, b) = (input(step, 0)?, input(step, 1)?);
    if let Some(places) = positions::arithmetic(to, [a, b], &op) {
        return Ok(places);
    }
    let commutes = op == Op::from(Add) || op == Op::from(Mul);
    let only = |to: &Importer<'_>, value: usize| {
        let is =
            |tensor: &Tensor| tensor.as_f32().is_some_and(|values| values.iter().all(|value| Some(*value) == neutral));
        to.known(value).is_some_and(|tensors| tensors.iter().all(|tensor| is(tensor)))
    };
    for (x, other) in [(a, b), (b, a)] {
        let may = commutes || x == a;
        if may && only(to, other) && to.text(x).is_some() && to.shape(x)? == to.shape(output(step))? {
            return Ok(to.text(x).expect("it was there"));
        }
    }
    if op == Op::from(Add)
        && let Some(x) = to.text(a)
        && positions::first_rows(to, b).is_some_and(|table| to.types == Some(table))
    {
        to.types_are_left = true;
        return Ok(x);
    }
    let (left, right) = (to.operand(a)?, to.operand(b)?);
    // A constant stands second, as the other front end writes it.
    let turned = commutes && to.known(a).is_some() && to.known(b).is_none();
    write(to, step, op, &if turned { [right, left] } else { [left, right] })
}

fn power(to: &mut Importer<'_>, step: &Step) -> Result<Lowered, String> {
    let x = Some(text(to, step, 0)?);
    let exponent = to.number(input(step, 1)?);
    let square = to.emit.op(Mul, &[x, x], &step.name);
    match exponent {
        Some(2.0) => made(square),
        Some(3.0) => write(to, step, Mul, &[square, x]),
        _ => Err("a power other than 2 and 3 is not known".to_owned()),
    }
}

fn gelu(to: &mut Importer<'_>, step: &Step) -> Result<Lowered, String> {
    let x = Some(text(to, step, 0)?);
    let activation = match step.text_or("approximate", "none")? {
        "tanh" => Activation::GeluTanh,
        _ => Activation::Gelu,
    };
    made(to.emit.activation(activation, x, &step.name))
}

fn softmax(to: &mut Importer<'_>, step: &Step) -> Result<Lowered, String> {
    let x = text(to, step, 0)?;
    let value = input(step, 0)?;
    // Before opset 13 all axes from the given one on were one, which is the last alone where it is the last.
    let usual = if step.opset < 13 { 1 } else { -1 };
    if to.axis(value, step.int_or("axis", usual)?)? + 1 != to.emit.graph().ty(x).rank() {
        return Err("it goes over another axis than the last".to_owned());
    }
    write(to, step, Softmax, &[Some(x)])
}

fn layer_norm(to: &mut Importer<'_>, step: &Step) -> Result<Lowered, String> {
    let x = text(to, step, 0)?;
    let rows = to.emit.graph().ty(x).rank() == 2;
    if !rows || to.axis(input(step, 0)?, step.int_or("axis", -1)?)? != 1 {
        return Err("it goes over another axis than that of a token's numbers".to_owned());
    }
    let (gamma, beta) = (to.operand(input(step, 1)?)?, to.operand(input(step, 2)?)?);
    let layer = to.tensor_name(input(step, 1)?);
    let layer = layer.strip_suffix(".weight").unwrap_or(&step.name);
    let epsilon = step.float_or("epsilon", 1e-5)?;
    made(to.emit.normalized(layer, Some(x), gamma, beta, epsilon))
}

fn reduce(to: &mut Importer<'_>, step: &Step, op: fn(usize, bool) -> Op) -> Result<Lowered, String> {
    let x = text(to, step, 0)?;
    let listed = match step.inputs.get(1).copied().flatten() {
        Some(axes) => match to.constant(axes).map(|axes| axes.data().clone()) {
            Some(Data::I64(axes)) => axes,
            _ => return Err("its axes are not constant".to_owned()),
        },
        None => step.ints("axes")?.unwrap_or_default().to_vec(),
    };
    let &[axis] = &listed[..] else { return Err("it goes over more than one axis".to_owned()) };
    let axis = to.axis(input(step, 0)?, axis)?;
    write(to, step, op(axis, step.int_or("keepdims", 1)? != 0), &[Some(x)])
}

/// A product with constant weights `[k, n]`, which the graph has as `[n, k]`.
fn dense(to: &mut Importer<'_>, step: &Step, x: ValueId, weights: usize, turn: bool) -> Result<Value, String> {
    let tensor = to.constant(weights).ok_or("its weights are not constant")?;
    let &[rows, columns] = tensor.shape() else { return Err(format!("weights {tensor} are no matrix")) };
    let name = to.weights_name(weights, step);
    let layer = name.strip_suffix(".weight").unwrap_or(&step.name).to_owned();
    let weights = if turn {
        let given = constant(tensor, vec![rows, columns])?.to_f32();
        let turned: Vec<f32> = (0..columns)
            .flat_map(|column| (0..rows).map(move |row| (row, column)))
            .map(|(row, column)| given[row * columns + column])
            .collect();
        crate::graph::Constant::f32([columns, rows], &turned)
    } else {
        constant(tensor, vec![rows, columns])?
    };
    let weights = to.emit.tensor(&name, weights);
    Ok(to.emit.op(MatMul { transpose_b: true }, &[Some(x), weights], &layer))
}

fn matmul(to: &mut Importer<'_>, step: &Step) -> Result<Lowered, String> {
    let a = text(to, step, 0)?;
    if to.text(input(step, 1)?).is_none() {
        let weights = input(step, 1)?;
        return made(dense(to, step, a, weights, true)?);
    }
    let b = text(to, step, 1)?;
    let ((a, of_a), (b, of_b)) = (unscaled(to, a), unscaled(to, b));
    // Scores: the keys are transposed, and the scale may stand as its root with queries and keys alike.
    let (product, depth) = match untransposed(to, b) {
        Some((source, axes)) => {
            let keys = to.emit.op(Transpose { axes }, &[Some(source)], &step.name);
            let depth = keys.and_then(|keys| to.emit.graph().ty(keys).width());
            (to.emit.op(MatMul { transpose_b: true }, &[Some(a), keys], &step.name), depth)
        }
        None => (to.emit.op(MatMul { transpose_b: false }, &[Some(a), Some(b)], &step.name), None),
    };
    let scale = match (of_a, of_b) {
        (None, None) => return made(product),
        (Some(a), Some(b)) => {
            // The square of a rounded root is the scale itself, but for its last bits.
            let usual = depth.map(|depth| 1.0 / (depth as f32).sqrt());
            usual.filter(|usual| a == b && (a * b - usual).abs() <= 4.0 * f32::EPSILON * usual).unwrap_or(a * b)
        }
        (a, b) => a.or(b).unwrap_or(1.0),
    };
    let scale = to.emit.scalar(scale);
    write(to, step, Mul, &[product, scale])
}

/// A value without the constant number that multiplies it, and the number.
fn unscaled(to: &Importer<'_>, value: ValueId) -> (ValueId, Option<f32>) {
    let graph = to.emit.graph();
    let node = graph.node(value);
    match (&node.op, &node.inputs[..]) {
        (Op::Mul(_), &[x, factor]) => graph.as_scalar(factor).map_or((value, None), |factor| (x, Some(factor))),
        _ => (value, None),
    }
}

/// Keys that were transposed to `[heads, d, tokens]`: what they were made of, and the axes that make `[heads, tokens, d]` of it.
fn untransposed(to: &Importer<'_>, value: ValueId) -> Option<(ValueId, Vec<usize>)> {
    let graph = to.emit.graph();
    let node = graph.node(value);
    let Op::Transpose(transpose) = &node.op else { return None };
    if graph.ty(value).shape.last() != Some(&Dim::Tokens) {
        return None;
    }
    let mut axes = transpose.axes.clone();
    let last = axes.len().checked_sub(1)?;
    axes.swap(last.checked_sub(1)?, last);
    Some((node.inputs[0], axes))
}

fn gemm(to: &mut Importer<'_>, step: &Step) -> Result<Lowered, String> {
    let plain =
        step.float_or("alpha", 1.0)? == 1.0 && step.float_or("beta", 1.0)? == 1.0 && step.int_or("transA", 0)? == 0;
    if !plain {
        return Err("it scales its product, or transposes its first input".to_owned());
    }
    let (mut x, weights) = (text(to, step, 0)?, input(step, 1)?);
    // A batch of one row is a row.
    let shape = to.emit.graph().ty(x).shape.clone();
    if shape.len() > 2 {
        return Err("it is of more than rows".to_owned());
    }
    if let &[Dim::Fixed(1), width] = &shape[..] {
        x = to.emit.op(Reshape { shape: vec![width] }, &[Some(x)], &step.name).ok_or("a row is no row")?;
    }
    let bias = step.inputs.get(2).copied().flatten();
    let mut product = dense(to, step, x, weights, step.int_or("transB", 0)? == 0)?;
    if let Some(bias) = bias {
        let bias = to.operand(bias)?;
        product = to.emit.op(Add, &[product, bias], &step.name);
    }
    made(product)
}

fn gather(to: &mut Importer<'_>, step: &Step) -> Result<Lowered, String> {
    let (from, index) = (input(step, 0)?, input(step, 1)?);
    let axis = step.int_or("axis", 0)?;
    if let (Some(Lowered::Places(Places::Rows { padding, from: first })), 0, 2) = (to.text(index), axis, to.rank(from))
    {
        return made(positions::rows(to, from, [padding, first])?);
    }
    if let Some(Lowered::Input(of)) = to.text(index) {
        if axis != 0 || to.rank(from) != 2 || to.constant(from).is_none() {
            return Err("it takes tokens for another purpose than the rows of a table".to_owned());
        }
        let table = to.operand(from)?;
        let index = to.emit.input(of);
        let name = to.tensor_name(from);
        let name = name.strip_suffix(".weight").unwrap_or(&step.name).to_owned();
        return made(to.emit.op(Gather, &[table, index], &name));
    }
    // The row of the first token.
    let x = text(to, step, 0)?;
    let first = to.constant(index).map(|index| index.data().clone());
    let zero = match first {
        Some(Data::I64(values)) => values == [0],
        Some(Data::I32(values)) => values == [0],
        _ => false,
    };
    if !zero || to.axis(from, axis)? != 0 {
        return Err("it takes other rows than the first token's".to_owned());
    }
    let row = to.emit.op(Slice { axis: 0, start: 0, len: 1 }, &[Some(x)], &step.name);
    let shape = to.shape(output(step))?;
    write(to, step, Reshape { shape }, &[row])
}

fn transpose(to: &mut Importer<'_>, step: &Step) -> Result<Lowered, String> {
    let x = text(to, step, 0)?;
    let value = input(step, 0)?;
    let rank = to.rank(value) as i64;
    let given = step.ints("perm")?.map_or_else(|| (0..rank).rev().collect(), <[i64]>::to_vec);
    let batched = to.is_batched(value);
    if batched && given.first() != Some(&0) {
        return Err("it moves the axis of the batch".to_owned());
    }
    let own =
        given.iter().skip(usize::from(batched)).map(|&axis| to.axis(value, axis)).collect::<Result<Vec<usize>, _>>()?;
    // Two transpositions are one.
    let graph = to.emit.graph();
    let node = graph.node(x);
    let (x, axes) = match &node.op {
        Op::Transpose(before) => (node.inputs[0], own.iter().map(|&axis| before.axes[axis]).collect()),
        _ => (x, own),
    };
    if axes.is_sorted() {
        return Ok(Lowered::Value(x));
    }
    write(to, step, Transpose { axes }, &[Some(x)])
}

/// Another shape, or the same: exporters split and join the batch.
fn reshape(to: &mut Importer<'_>, step: &Step) -> Result<Lowered, String> {
    if let Some(tokens @ (Lowered::Input(_) | Lowered::Places(_))) = to.text(input(step, 0)?) {
        return Ok(tokens);
    }
    let x = text(to, step, 0)?;
    let shape = to.shape(output(step))?;
    if to.emit.graph().ty(x).shape == shape {
        return Ok(Lowered::Value(x));
    }
    write(to, step, Reshape { shape }, &[Some(x)])
}

/// What leaves its input as it is.
fn same(to: &mut Importer<'_>, step: &Step) -> Result<Lowered, String> {
    let from = to.text(input(step, 0)?).ok_or("its input is not of the text")?;
    let target = step.int_or("to", 0)?;
    // To f32, or ids to another kind of whole numbers.
    let kept = match from {
        Lowered::Input(_) | Lowered::Places(_) => step.operator != "Cast" || [6, 7].contains(&target),
        _ => step.operator != "Cast" || target == 1,
    };
    if kept { Ok(from) } else { Err("it changes the kind of the text's numbers".to_owned()) }
}

/// Shares of softmax are never NaN: a text sees its own tokens.
fn never_nan(to: &mut Importer<'_>, step: &Step) -> Result<Lowered, String> {
    let x = text(to, step, 0)?;
    match to.emit.graph().node(x).op {
        Op::Softmax(_) => Ok(Lowered::Never),
        _ => Err("it asks of more than shares whether they are NaN".to_owned()),
    }
}

fn choose(to: &mut Importer<'_>, step: &Step) -> Result<Lowered, String> {
    let condition = input(step, 0)?;
    let all = |to: &Importer<'_>, wanted: bool| {
        let is = |tensor: &Tensor| matches!(tensor.data(), Data::Bool(values) if values.iter().all(|value| *value == wanted));
        to.known(condition).is_some_and(|tensors| tensors.iter().all(|tensor| is(tensor)))
    };
    let chosen = if to.text(condition) == Some(Lowered::Never) || all(to, false) {
        2
    } else if all(to, true) {
        1
    } else {
        return Err("it chooses by what follows from the text".to_owned());
    };
    let value = input(step, chosen)?;
    let found = to.text(value).ok_or("it chooses what does not follow from the text")?;
    if to.shape(value)? == to.shape(output(step))? { Ok(found) } else { Err("it repeats what it chooses".to_owned()) }
}
