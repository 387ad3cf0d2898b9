//! Operators that compute number by number, and softmax.

use super::super::axes::{Form, counted};
use super::super::import::{Importer, Lowered};
use super::super::masks::Mask;
use super::{Made, input, made, masks, optional, output};
use crate::graph::ValueId;
use crate::onnx::{Source, Step};
use crate::ops::{Add, Causal, Gelu, Mul, Neg, Op, Relu, SafeSoftmax, Softmax, Sub};

pub(super) fn one(to: &mut Importer<'_>, step: &Step, op: Op) -> Made {
    let x = to.value(input(step, 0)?)?;
    made(to.add(op, &[x], &step.name)?)
}

/// A mask as an operand of a value of these sizes and that form; `value` is one of its axes in the file.
pub(super) fn masked_operand(
    to: &mut Importer<'_>,
    mask: Mask,
    value: usize,
    sizes: &[crate::onnx::Size],
    form: &Form,
) -> Result<ValueId, String> {
    let before = to.replace(value, Lowered::Mask(mask));
    let operand = to.operand(value, sizes, form);
    if let Some(before) = before {
        to.replace(value, before);
    }
    operand
}

pub(super) fn subtract(to: &mut Importer<'_>, step: &Step) -> Made {
    match masks::of_masks(to, input(step, 0)?, input(step, 1)?, |a, b| a - b)? {
        Some(mask) => Ok(vec![Lowered::Mask(mask)]),
        None => pair(to, step, Sub.into()),
    }
}

pub(super) fn multiply(to: &mut Importer<'_>, step: &Step) -> Made {
    if let Some(mask) = masks::of_masks(to, input(step, 0)?, input(step, 1)?, |a, b| a * b)? {
        return Ok(vec![Lowered::Mask(mask)]);
    }
    // Exporters write a factor of attention's scores that is none.
    for (x, other) in [(0, 1), (1, 0)] {
        let (x, other) = (input(step, x)?, input(step, other)?);
        if to.is_all(other, 1.0) && to.trace.source(x) != Source::Lengths && to.form(x)?.is_scores() {
            return made(to.value(x)?);
        }
    }
    match masks::places(to, step) {
        Some(places) => Ok(vec![Lowered::Places(places)]),
        None => pair(to, step, Mul.into()),
    }
}

/// A sum: of numbers, of ids and their offsets, or of scores and a mask.
pub(super) fn add(to: &mut Importer<'_>, step: &Step) -> Made {
    if let Some(mask) = masks::of_masks(to, input(step, 0)?, input(step, 1)?, |a, b| a + b)? {
        return Ok(vec![Lowered::Mask(mask)]);
    }
    for (x, other) in [(0, 1), (1, 0)] {
        let (x, other) = (input(step, x)?, input(step, other)?);
        if let Some(mask) = masks::mask(to, other)
            && to.trace.source(x) != Source::Lengths
            && to.form(x)?.is_scores()
        {
            return made(to.masked_scores(x, mask, &step.name)?);
        }
        if let (Some(Lowered::Columns(columns)), Some(offsets)) = (to.lowered(x), to.integers(other)) {
            let shape = to.constant(other).expect("its numbers are constant").shape().to_vec();
            return Ok(vec![Lowered::Columns(columns.clone().plus(&offsets, &shape)?)]);
        }
        if to.is_causal(other) && to.trace.source(x) != Source::Lengths && to.form(x)?.is_scores() {
            let x = to.value(x)?;
            return made(to.add(Causal, &[x], &step.name)?);
        }
    }
    pair(to, step, Add.into())
}

/// An operation on two values; where one is nothing but zeros that are added, as a mask that hides nothing is, it leaves the other.
pub(super) fn pair(to: &mut Importer<'_>, step: &Step, op: Op) -> Made {
    let (a, b, out) = (input(step, 0)?, input(step, 1)?, output(step)?);
    let adds = op == Op::from(Add);
    for (x, other) in [(a, b), (b, a)] {
        let may = adds || (x == a && op == Op::from(Sub));
        if may && to.is_all(other, 0.0) && to.trace.source(x) != Source::Lengths && to.sizes(x)? == to.sizes(out)? {
            return made(to.value(x)?);
        }
    }
    let (sizes, form) = (to.sizes(out)?, to.form(out)?);
    let (left, right) = (to.operand(a, &sizes, &form)?, to.operand(b, &sizes, &form)?);
    made(to.add(op, &[left, right], &step.name)?)
}

/// A sum of any number of values.
pub(super) fn sum(to: &mut Importer<'_>, step: &Step) -> Made {
    let out = output(step)?;
    let (sizes, form) = (to.sizes(out)?, to.form(out)?);
    let mut sum = None;
    for value in step.inputs.iter().flatten() {
        let next = to.operand(*value, &sizes, &form)?;
        sum = Some(match sum {
            None => next,
            Some(sum) => to.add(Add, &[sum, next], &step.name)?,
        });
    }
    made(sum.ok_or("it adds nothing")?)
}

pub(super) fn power(to: &mut Importer<'_>, step: &Step) -> Made {
    let x = to.value(input(step, 0)?)?;
    match to.number(input(step, 1)?) {
        Some(1.0) => made(x),
        Some(0.5) => made(to.add(crate::ops::Sqrt, &[x], &step.name)?),
        Some(exponent @ (2.0 | 3.0)) => {
            let square = to.add(Mul, &[x, x], &step.name)?;
            if exponent == 2.0 { made(square) } else { made(to.add(Mul, &[square, x], &step.name)?) }
        }
        _ => Err("a power other than ½, 1, 2 and 3 is not known".to_owned()),
    }
}

/// `max(x, 0) − slope · max(−x, 0)`.
pub(super) fn leaky(to: &mut Importer<'_>, step: &Step) -> Made {
    let (value, out) = (input(step, 0)?, output(step)?);
    let (sizes, form) = (to.sizes(out)?, to.form(out)?);
    let slope = match optional(step, 1) {
        Some(slope) => {
            // The slopes of a channel follow the axes before them, as the file has them.
            to.operand(slope, &sizes, &form)?
        }
        None => {
            let slope = step.float_or("alpha", 0.01)?;
            to.scalar(slope)
        }
    };
    let x = to.value(value)?;
    let above = to.add(Relu, &[x], &step.name)?;
    let turned = to.add(Neg, &[x], &step.name)?;
    let below = to.add(Relu, &[turned], &step.name)?;
    let below = to.add(Mul, &[below, slope], &step.name)?;
    made(to.add(Sub, &[above, below], &step.name)?)
}

pub(super) fn gelu(to: &mut Importer<'_>, step: &Step) -> Made {
    let tanh = step.text_or("approximate", "none")? == "tanh";
    one(to, step, Gelu { tanh }.into())
}

/// Shares of scores that a mask may hide altogether, of which nothing is mixed then; none where no mask does.
fn safe_shares(to: &mut Importer<'_>, value: usize, step: &Step) -> Result<Option<ValueId>, String> {
    let shares = to.value(value)?;
    let scores = to.graph.node(shares).inputs.first().copied();
    let mut of = scores;
    while let Some(id) = of {
        let node = to.graph.node(id);
        of = match node.op {
            Op::KeyMask(_) => break,
            Op::Causal(_) => Some(node.inputs[0]),
            _ => None,
        };
    }
    match (of, scores) {
        (Some(_), Some(scores)) => to.add(SafeSoftmax, &[scores], &step.name).map(Some),
        _ => Ok(None),
    }
}

/// Of bounds only 0 from below is known.
pub(super) fn clip(to: &mut Importer<'_>, step: &Step) -> Made {
    let bound = |at: usize, name: &str, open: f32| match optional(step, at) {
        Some(bound) => to.number(bound).ok_or_else(|| "its bounds are not constant".to_owned()),
        None if step.opset < 11 => step.float_or(name, open),
        None => Ok(open),
    };
    let (least, most) = (bound(1, "min", f32::MIN)?, bound(2, "max", f32::MAX)?);
    let open = most >= f32::MAX;
    match least {
        0.0 if open => one(to, step, Relu.into()),
        least if least <= f32::MIN && open => made(to.value(input(step, 0)?)?),
        _ => Err("it bounds numbers by others than 0 from below".to_owned()),
    }
}

pub(super) fn softmax(to: &mut Importer<'_>, step: &Step) -> Made {
    let value = input(step, 0)?;
    let (form, rank) = (to.form(value)?, to.sizes(value)?.len());
    // Before opset 13 all axes from the given one on were one, which is the last alone where it is the last.
    let axis = counted(step.int_or("axis", if step.opset < 13 { 1 } else { -1 })?, rank)?;
    let last = form.places[axis].filter(|&at| at + 1 == form.dims.len());
    if axis + 1 != rank || last.is_none_or(|at| form.dims[at].fixed().is_none() && !form.is_scores()) {
        return Err("it goes over another axis than that of a row's numbers".to_owned());
    }
    one(to, step, Softmax.into())
}

/// Shares of softmax are never NaN, for an item sees itself; but where a mask hides all, which `choose` knows.
pub(super) fn never_nan(to: &mut Importer<'_>, step: &Step) -> Made {
    let x = to.value(input(step, 0)?)?;
    match to.graph.node(x).op {
        Op::Softmax(_) => Ok(vec![Lowered::Never]),
        _ => Err("it asks of more than shares whether they are NaN".to_owned()),
    }
}

/// A choice that is known before, or scores that are hidden from items before.
pub(super) fn choose(to: &mut Importer<'_>, step: &Step) -> Made {
    let (condition, out) = (input(step, 0)?, output(step)?);
    if let Some(mask) = masks::mask(to, condition) {
        return masks::choose(to, step, mask);
    }
    let never = matches!(to.lowered(condition), Some(Lowered::Never));
    let all = |wanted: bool| {
        let is = |tensor: &std::sync::Arc<crate::onnx::Tensor>| matches!(tensor.data(), crate::onnx::Data::Bool(values) if values.iter().all(|value| *value == wanted));
        to.known(condition).is_some_and(|tensors| tensors.iter().all(is))
    };
    let chosen = if never || all(false) {
        2
    } else if all(true) {
        1
    } else {
        for (hidden, scores, wanted) in [(1, 2, true), (2, 1, false)] {
            let (hidden, scores) = (input(step, hidden)?, input(step, scores)?);
            let given = to.trace.source(scores) != Source::Lengths;
            if to.is_later(condition, wanted) && to.is_hidden(hidden) && given && to.form(scores)?.is_scores() {
                let x = to.value(scores)?;
                return made(to.add(Causal, &[x], &step.name)?);
            }
        }
        return Err("it chooses by what is given, and that is no mask that is known".to_owned());
    };
    let value = input(step, chosen)?;
    if never && let Some(shares) = safe_shares(to, value, step)? {
        return made(shares);
    }
    if to.trace.source(value) == Source::Lengths || to.sizes(value)? != to.sizes(out)? {
        return Err("it chooses what does not follow from what is given, or repeats it".to_owned());
    }
    made(to.value(value)?)
}
