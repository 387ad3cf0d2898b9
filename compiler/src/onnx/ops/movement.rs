//! What only moves numbers, or calls them by another shape.

use super::{ANY, Call, Limit, Operator, append, cast, ints, joined, one, row, rows_of, size, zeros};
use crate::onnx::indices::{around, axes, axis, broadcast, places, repeated, strides};
use crate::onnx::tensor::{Tensor, count};

/// Axes are an input from opset 13 on.
const AXES: &[Limit] = &[Limit::Until("axes", 12), Limit::Inputs(1, 12)];

pub(super) const OPERATORS: &[Operator] = &[
    row("Identity", 1, (1, 1), &[], |call| Ok(call.input(0)?.clone())),
    rows_of("Dropout", 7, (1, 3), 2, &["ratio", "seed"], dropout).limits(&[
        Limit::Until("ratio", 11),
        Limit::Since("seed", 12),
        Limit::Inputs(1, 11),
    ]),
    row("Reshape", 5, (2, 2), &["allowzero"], reshape).limits(&[Limit::Since("allowzero", 14)]),
    row("Flatten", 1, (1, 1), &["axis"], flatten),
    row("Squeeze", 1, (1, 2), &["axes"], squeeze).limits(AXES),
    row("Unsqueeze", 1, (1, 2), &["axes"], unsqueeze).limits(AXES),
    row("Transpose", 1, (1, 1), &["perm"], transpose),
    row("Concat", 4, (1, ANY), &["axis"], concat),
    rows_of("Split", 2, (1, 2), ANY, &["axis", "num_outputs", "split"], split).limits(&[
        Limit::Until("split", 12),
        Limit::Inputs(1, 12),
        Limit::Since("num_outputs", 18),
    ]),
    row("Slice", 1, (1, 5), &["axes", "ends", "starts"], slice).limits(&[
        Limit::Until("axes", 9),
        Limit::Until("ends", 9),
        Limit::Until("starts", 9),
        Limit::Inputs(1, 9),
    ]),
    row("Expand", 8, (2, 2), &[], expand),
    row("Tile", 6, (2, 2), &[], tile),
    row("Pad", 2, (1, 4), &["mode", "pads", "value"], pad).limits(&[
        Limit::Until("pads", 10),
        Limit::Until("value", 10),
        Limit::Inputs(1, 10),
        Limit::Inputs(3, 17),
    ]),
    row("CenterCropPad", 18, (2, 2), &["axes"], crop),
    row("DepthToSpace", 1, (1, 1), &["blocksize", "mode"], depth_to_space).limits(&[Limit::Since("mode", 11)]),
    row("SpaceToDepth", 1, (1, 1), &["blocksize", "mode"], space_to_depth),
    row("Trilu", 14, (1, 2), &["upper"], trilu),
];

/// A model at rest drops nothing.
fn dropout(call: &Call<'_>) -> Result<Vec<Tensor>, String> {
    let x = call.input(0)?;
    if let Some(training) = call.optional(2)
        && one(training)? != 0.0
        && call.optional(1).map_or(Ok(0.5), one)? != 0.0
    {
        return Err("it drops numbers by chance: the model is in training".to_owned());
    }
    let all = Tensor::new(x.shape(), vec![true; x.len()])?;
    Ok(if call.outputs > 1 { vec![x.clone(), all] } else { vec![x.clone()] })
}

fn reshape(call: &Call<'_>) -> Result<Tensor, String> {
    let (x, wanted) = (call.input(0)?, ints(call.input(1)?)?);
    let zero = call.attributes.flag_or("allowzero", false)?;
    let mut shape = Vec::with_capacity(wanted.len());
    let mut rest = None;
    for (at, &dim) in wanted.iter().enumerate() {
        shape.push(match dim {
            -1 if rest.is_none() => {
                rest = Some(at);
                1
            }
            0 if !zero => *x.shape().get(at).ok_or_else(|| format!("{x} has no axis {at} to keep"))?,
            dim => size(dim)?,
        });
    }
    if let Some(rest) = rest {
        let others = count(&shape)?;
        shape[rest] = x.len().checked_div(others).unwrap_or(0);
    }
    x.reshaped(shape)
}

fn flatten(call: &Call<'_>) -> Result<Tensor, String> {
    let x = call.input(0)?;
    let rank = x.rank() as i64;
    let at = call.attributes.int_or("axis", 1)?;
    let at =
        size(if at < 0 { at + rank } else { at }).ok().filter(|&at| at <= x.rank()).ok_or("there is no such axis")?;
    x.reshaped([x.shape()[..at].iter().product::<usize>(), x.shape()[at..].iter().product()])
}

fn squeeze(call: &Call<'_>) -> Result<Tensor, String> {
    let x = call.input(0)?;
    let gone = match call.ints_since(13, 1, "axes")? {
        Some(given) => axes(&given, x.rank())?,
        None => (0..x.rank()).filter(|&axis| x.shape()[axis] == 1).collect(),
    };
    if let Some(&wrong) = gone.iter().find(|&&axis| x.shape()[axis] != 1) {
        return Err(format!("the axis {wrong} of {x} is not 1 long"));
    }
    let shape: Vec<usize> = (0..x.rank()).filter(|axis| !gone.contains(axis)).map(|axis| x.shape()[axis]).collect();
    x.reshaped(shape)
}

fn unsqueeze(call: &Call<'_>) -> Result<Tensor, String> {
    let x = call.input(0)?;
    let given = call.ints_since(13, 1, "axes")?.ok_or("it does not say which axes")?;
    let rank = x.rank() + given.len();
    let new = axes(&given, rank)?;
    let mut old = x.shape().iter();
    let shape: Vec<usize> = (0..rank)
        .map(|axis| if new.contains(&axis) { 1 } else { *old.next().expect("as many as are not new") })
        .collect();
    x.reshaped(shape)
}

fn transpose(call: &Call<'_>) -> Result<Tensor, String> {
    let x = call.input(0)?;
    let order = match call.attributes.ints("perm")? {
        Some(perm) => axes(perm, x.rank())?,
        None => (0..x.rank()).rev().collect(),
    };
    if order.len() != x.rank() {
        return Err(format!("{order:?} is no order of the axes of {x}"));
    }
    permuted(x, &order)
}

pub(super) fn permuted(x: &Tensor, order: &[usize]) -> Result<Tensor, String> {
    let all = strides(x.shape());
    let shape: Vec<usize> = order.iter().map(|&axis| x.shape()[axis]).collect();
    let places = places(&shape, &order.iter().map(|&axis| all[axis]).collect::<Vec<_>>(), 0);
    Ok(x.pick(shape, &places))
}

fn concat(call: &Call<'_>) -> Result<Tensor, String> {
    let first = call.input(0)?;
    let at = axis(call.attributes.int_or("axis", 1)?, first.rank())?;
    let mut parts = vec![(0, first)];
    let (mut start, mut long) = (first.len(), first.shape()[at]);
    for index in 1..call.inputs.len() {
        let next = call.input(index)?;
        let alike = next.rank() == first.rank()
            && (0..first.rank()).all(|axis| axis == at || next.shape()[axis] == first.shape()[axis]);
        if !alike {
            return Err(format!("{first} and {next} do not go together along axis {at}"));
        }
        parts.push((start, next));
        long = next.shape()[at].checked_add(long).ok_or("the tensor would be too large")?;
        start += next.len();
    }
    let mut shape = first.shape().to_vec();
    shape[at] = long;
    let mut places = Vec::with_capacity(count(&shape)?);
    let (outer, _, inner) = around(&shape, at);
    let mut all = first.data().clone();
    parts[1..].iter().try_for_each(|(_, part)| append(&mut all, part.data()))?;
    for before in 0..outer {
        for (start, part) in &parts {
            let length = part.shape()[at] * inner;
            places.extend(start + before * length..start + (before + 1) * length);
        }
    }
    Tensor::new(shape, all.pick(&places))
}

fn split(call: &Call<'_>) -> Result<Vec<Tensor>, String> {
    let x = call.input(0)?;
    let at = axis(call.attributes.int_or("axis", 0)?, x.rank())?;
    let whole = x.shape()[at];
    let sizes: Vec<usize> = match call.ints_since(13, 1, "split")? {
        Some(sizes) => sizes.into_iter().map(size).collect::<Result<_, _>>()?,
        None => {
            let parts = call.attributes.int("num_outputs")?.map_or(Ok(call.outputs), size)?;
            if parts != call.outputs {
                return Err(format!("{} outputs are not {parts} parts", call.outputs));
            }
            // The last may be shorter, from opset 18 on.
            let each = whole.div_ceil(parts);
            if call.opset < 18 && each * parts != whole {
                return Err(format!("{whole} are not {parts} equal parts"));
            }
            (0..parts).map(|part| each.min(whole.saturating_sub(part * each))).collect()
        }
    };
    if sizes.iter().try_fold(0_usize, |sum, &size| sum.checked_add(size)) != Some(whole) || sizes.len() != call.outputs
    {
        return Err(format!("{whole} on axis {at} are not parts of {sizes:?}"));
    }
    let (all, mut start) = (strides(x.shape()), 0);
    let cut = |size: usize| {
        let mut shape = x.shape().to_vec();
        shape[at] = size;
        let part = x.pick(shape.clone(), &places(&shape, &all, start * all[at].unsigned_abs()));
        start += size;
        part
    };
    Ok(sizes.into_iter().map(cut).collect())
}

fn slice(call: &Call<'_>) -> Result<Tensor, String> {
    let x = call.input(0)?;
    let list = |at: usize, name: &str| call.ints_since(10, at, name);
    let (starts, ends) = (list(1, "starts")?.ok_or("it has no starts")?, list(2, "ends")?.ok_or("it has no ends")?);
    let along = match list(3, "axes")? {
        Some(given) => axes(&given, x.rank())?,
        None => (0..starts.len()).collect(),
    };
    let steps = match call.optional(4) {
        Some(steps) if call.opset >= 10 => ints(steps)?,
        _ => vec![1; starts.len()],
    };
    if ends.len() != starts.len()
        || along.len() != starts.len()
        || steps.len() != starts.len()
        || starts.len() > x.rank()
    {
        return Err(format!("starts {starts:?}, ends {ends:?} and steps {steps:?} do not go with {x}"));
    }
    let all = strides(x.shape());
    let (mut shape, mut stride, mut first) = (x.shape().to_vec(), all.clone(), 0_isize);
    for (at, &axis) in along.iter().enumerate() {
        let (size, step) = (x.shape()[axis] as i64, steps[at]);
        if step == 0 || step == i64::MIN {
            return Err(format!("{step} is no step"));
        }
        let (low, high) = if step > 0 { (0, size) } else { (-1, size - 1) };
        let place = |place: i64| if place < 0 { place.saturating_add(size) } else { place };
        // A negative end past the start means all, so what is clamped is not counted from the end again.
        let start = place(starts[at]).clamp(low.max(0), high.max(0));
        let end = place(ends[at]).clamp(low, high);
        let length = if step > 0 { (end - start).max(0) as u64 } else { (start - end).max(0) as u64 };
        shape[axis] = if size == 0 { 0 } else { length.div_ceil(step.unsigned_abs()) as usize };
        first += start as isize * all[axis];
        stride[axis] = if shape[axis] > 1 { all[axis] * step as isize } else { 0 };
    }
    let places = places(&shape, &stride, first.unsigned_abs());
    Ok(x.pick(shape, &places))
}

fn expand(call: &Call<'_>) -> Result<Tensor, String> {
    let x = call.input(0)?;
    let wanted: Vec<usize> = ints(call.input(1)?)?.into_iter().map(size).collect::<Result<_, _>>()?;
    let shape = broadcast(x.shape(), &wanted)?;
    let places = places(&shape, &repeated(x.shape(), &shape), 0);
    Ok(x.pick(shape, &places))
}

fn tile(call: &Call<'_>) -> Result<Tensor, String> {
    let x = call.input(0)?;
    let times: Vec<usize> = ints(call.input(1)?)?.into_iter().map(size).collect::<Result<_, _>>()?;
    if times.len() != x.rank() {
        return Err(format!("{times:?} does not repeat {x}"));
    }
    let sizes = x.shape().iter().zip(&times);
    let shape: Option<Vec<usize>> = sizes.map(|(size, times)| size.checked_mul(*times)).collect();
    let shape = shape.ok_or("the tensor would be too large")?;
    count(&shape)?;
    // Each axis is two: how often, and its own.
    let doubled: Vec<usize> = times.iter().zip(x.shape()).flat_map(|(&times, &size)| [times, size]).collect();
    let stride: Vec<isize> = strides(x.shape()).into_iter().flat_map(|stride| [0, stride]).collect();
    Ok(x.pick(shape, &places(&doubled, &stride, 0)))
}

fn pad(call: &Call<'_>) -> Result<Tensor, String> {
    let x = call.input(0)?;
    let given = call.ints_since(11, 1, "pads")?.ok_or("it has no pads")?;
    let along = match call.optional(3) {
        Some(given) => axes(&ints(given)?, x.rank())?,
        None => (0..x.rank()).collect(),
    };
    if given.len() != 2 * along.len() {
        return Err(format!("{} pads do not go with {} axes", given.len(), along.len()));
    }
    let mut pads = vec![(0, 0); x.rank()];
    for (at, &axis) in along.iter().enumerate() {
        pads[axis] = (given[at], given[at + along.len()]);
        if let Some(long) = [pads[axis].0, pads[axis].1].into_iter().find(|&pad| i32::try_from(pad).is_err()) {
            return Err(format!("a pad of {long} is too long"));
        }
    }
    let filling = match call.optional(2) {
        Some(value) if call.opset >= 11 => value.reshaped([1]).map_err(|_| format!("one number fills, not {value}"))?,
        _ => cast::number(call.attributes.float_or("value", 0.0)?.into(), x.elem())?.reshaped([1])?,
    };
    padded(x, &pads, call.attributes.text_or("mode", "constant")?, &filling)
}

/// `x` with so many numbers before and after on each axis; fewer than none cut.
fn padded(x: &Tensor, pads: &[(i64, i64)], mode: &str, filling: &Tensor) -> Result<Tensor, String> {
    if !["constant", "reflect", "edge", "wrap"].contains(&mode) {
        return Err(format!("the mode `{}` is not known", mode.escape_debug()));
    }
    let mut shape = Vec::with_capacity(x.rank());
    for (&own, &(before, after)) in x.shape().iter().zip(pads) {
        let long = (own as i64).checked_add(before).and_then(|long| long.checked_add(after));
        shape.push(size(long.ok_or("the tensor would be too large")?)?);
    }
    count(&shape)?;
    // Where each place of an axis comes from; nowhere is filled.
    let from = |axis: usize| -> Result<Vec<Option<usize>>, String> {
        let own = x.shape()[axis] as i64;
        let source = |at: i64| {
            let at = at - pads[axis].0;
            let at = match mode {
                _ if (0..own).contains(&at) => Some(at),
                "edge" if own > 0 => Some(at.clamp(0, own - 1)),
                "wrap" if own > 0 => Some(at.rem_euclid(own)),
                "reflect" if own > 1 => {
                    let at = at.rem_euclid(2 * (own - 1));
                    Some(if at < own { at } else { 2 * (own - 1) - at })
                }
                "reflect" if own == 1 => Some(0),
                "constant" => None,
                _ => return Err(format!("{x} is empty: there is nothing to repeat")),
            };
            Ok(at.map(|at| at as usize))
        };
        (0..shape[axis] as i64).map(source).collect()
    };
    let all = strides(x.shape());
    let mut places = vec![Some(0_usize)];
    for (axis, stride) in all.iter().enumerate() {
        let from = from(axis)?;
        places = places
            .iter()
            .flat_map(|place| from.iter().map(|at| Some((*place)? + (*at)? * stride.unsigned_abs())))
            .collect();
    }
    let outside = x.len();
    let places: Vec<usize> = places.into_iter().map(|place| place.unwrap_or(outside)).collect();
    Tensor::new(shape, joined(x.data(), filling.data())?.pick(&places))
}

fn crop(call: &Call<'_>) -> Result<Tensor, String> {
    let (x, wanted) = (call.input(0)?, ints(call.input(1)?)?);
    let along = match call.attributes.ints("axes")? {
        Some(given) => axes(given, x.rank())?,
        None => (0..x.rank()).collect(),
    };
    if along.len() != wanted.len() {
        return Err(format!("{wanted:?} are no sizes of {} axes", along.len()));
    }
    let mut pads = vec![(0, 0); x.rank()];
    for (&axis, &to) in along.iter().zip(&wanted) {
        let (own, to) = (x.shape()[axis] as i64, size(to)? as i64);
        // What is left over goes to the end, whether it is cut or filled.
        let before = if to < own { -((own - to) / 2) } else { (to - own) / 2 };
        pads[axis] = (before, to - own - before);
    }
    padded(x, &pads, "constant", &Tensor::new([1], zeros(x.elem(), 1))?)
}

fn blocks<'a>(call: &Call<'a>) -> Result<(&'a Tensor, [usize; 4], usize), String> {
    let x = call.input(0)?;
    let block = size(call.attributes.int("blocksize")?.ok_or("it has no blocksize")?)?;
    match x.shape() {
        &[n, c, h, w] if block > 0 => Ok((x, [n, c, h, w], block)),
        _ => Err(format!("four axes are needed, not {x}")),
    }
}

fn depth_to_space(call: &Call<'_>) -> Result<Tensor, String> {
    let (x, [n, c, h, w], block) = blocks(call)?;
    let square = block.checked_mul(block).filter(|square| c.is_multiple_of(*square));
    let inner = c / square.ok_or_else(|| format!("{c} channels are no blocks of {block}"))?;
    let made = match call.attributes.text_or("mode", "DCR")? {
        "DCR" => permuted(&x.reshaped([n, block, block, inner, h, w])?, &[0, 3, 4, 1, 5, 2]),
        "CRD" => permuted(&x.reshaped([n, inner, block, block, h, w])?, &[0, 1, 4, 2, 5, 3]),
        other => Err(format!("the mode `{}` is not known", other.escape_debug())),
    };
    made?.reshaped([n, inner, h * block, w * block])
}

fn space_to_depth(call: &Call<'_>) -> Result<Tensor, String> {
    let (x, [n, c, h, w], block) = blocks(call)?;
    if !h.is_multiple_of(block) || !w.is_multiple_of(block) {
        return Err(format!("{x} has no blocks of {block}"));
    }
    let order = match call.attributes.text_or("mode", "DCR")? {
        "DCR" => [0, 3, 5, 1, 2, 4],
        "CRD" => [0, 1, 3, 5, 2, 4],
        other => return Err(format!("the mode `{}` is not known", other.escape_debug())),
    };
    let parts = x.reshaped([n, c, h / block, block, w / block, block])?;
    permuted(&parts, &order)?.reshaped([n, c * block * block, h / block, w / block])
}

fn trilu(call: &Call<'_>) -> Result<Tensor, String> {
    let x = call.input(0)?;
    let shift = call.optional(1).map_or(Ok(0), |shift| {
        let shift = ints(shift)?;
        shift.first().copied().ok_or_else(|| "the diagonal is not given".to_owned())
    })?;
    let upper = call.attributes.flag_or("upper", true)?;
    let [.., rows, columns] = *x.shape() else { return Err(format!("matrices are needed, not {x}")) };
    let keeps = |at: usize| {
        let (row, column) = ((at / columns % rows) as i64, (at % columns) as i64);
        let apart = column.saturating_sub(row);
        if upper { apart >= shift } else { apart <= shift }
    };
    let zero = Tensor::new([1], zeros(x.elem(), 1))?;
    let places: Vec<usize> = (0..x.len()).map(|at| if keeps(at) { at } else { x.len() }).collect();
    Tensor::new(x.shape(), joined(x.data(), zero.data())?.pick(&places))
}
