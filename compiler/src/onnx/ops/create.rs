//! Tensors that are made of shapes and attributes alone.

use super::number::{Number, numbers};
use super::{Call, Limit, Operator, cast, ints, row, size};
use crate::onnx::elem::Elem;
use crate::onnx::tensor::{Tensor, count};

const VALUES: &[&str] = &["value", "value_float", "value_floats", "value_int", "value_ints"];

pub(super) const OPERATORS: &[Operator] = &[
    row("Constant", 1, (0, 0), VALUES, constant).limits(&[
        Limit::Since("value_float", 12),
        Limit::Since("value_floats", 12),
        Limit::Since("value_int", 12),
        Limit::Since("value_ints", 12),
    ]),
    row("ConstantOfShape", 9, (1, 1), &["value"], of_shape),
    row("Shape", 1, (1, 1), &["start", "end"], shape).limits(&[Limit::Since("start", 15), Limit::Since("end", 15)]),
    row("Size", 1, (1, 1), &[], |call| Ok(Tensor::scalar(call.input(0)?.len() as i64))),
    row("Range", 11, (3, 3), &["stash_type"], range).widened(),
    row("EyeLike", 9, (1, 1), &["dtype", "k"], eye),
];

fn constant(call: &Call<'_>) -> Result<Tensor, String> {
    let attributes = call.attributes;
    if let Some(tensor) = attributes.tensor("value")? {
        return Ok((**tensor).clone());
    }
    if let Some(value) = attributes.float("value_float")? {
        return Ok(Tensor::scalar(value));
    }
    if let Some(values) = attributes.floats("value_floats")? {
        return Ok(Tensor::list(values.to_vec()));
    }
    if let Some(value) = attributes.int("value_int")? {
        return Ok(Tensor::scalar(value));
    }
    let values = attributes.ints("value_ints")?.ok_or("it has no value")?;
    Ok(Tensor::list(values.to_vec()))
}

fn of_shape(call: &Call<'_>) -> Result<Tensor, String> {
    let shape: Vec<usize> = ints(call.input(0)?)?.into_iter().map(size).collect::<Result<_, _>>()?;
    let places = vec![0; count(&shape)?];
    match call.attributes.tensor("value")? {
        Some(value) if value.len() == 1 => Ok(value.pick(shape, &places)),
        Some(value) => Err(format!("one number is needed, not {value}")),
        None => Ok(Tensor::list(vec![0.0_f32]).pick(shape, &places)),
    }
}

fn shape(call: &Call<'_>) -> Result<Tensor, String> {
    let x = call.input(0)?;
    let rank = x.rank() as i64;
    let place = |place: i64| (if place < 0 { place + rank } else { place }).clamp(0, rank) as usize;
    let start = place(call.attributes.int_or("start", 0)?);
    let end = place(call.attributes.int_or("end", rank)?).max(start);
    Ok(Tensor::list(x.shape()[start..end].iter().map(|&size| size as i64).collect()))
}

fn range(call: &Call<'_>) -> Result<Tensor, String> {
    fn typed<T: Number>(_: &[T], call: &Call<'_>) -> Result<Tensor, String> {
        let one = |at: usize| Ok::<T, String>(*call.input(at)?.of::<T>()?.first().ok_or("a number is missing")?);
        let (start, limit, step) = (one(0)?, one(1)?, one(2)?);
        let steps = ((limit.wide() - start.wide()) / step.wide()).ceil();
        if !steps.is_finite() {
            return Err("the range has no end".to_owned());
        }
        let steps = count(&[steps.max(0.0) as usize])?;
        Ok(Tensor::list((0..steps).map(|at| start.add(step.mul(T::of(at as f64)))).collect()))
    }
    let start = call.input(0)?;
    numbers!(start, values => typed(values, call))
}

fn eye(call: &Call<'_>) -> Result<Tensor, String> {
    let x = call.input(0)?;
    let &[rows, columns] = x.shape() else { return Err(format!("a matrix is needed, not {x}")) };
    let elem = call.attributes.int("dtype")?.map_or(Ok(x.elem()), Elem::of)?;
    let shift = call.attributes.int_or("k", 0)?;
    let is = |at: usize| (at % columns) as i64 - (at / columns) as i64 == shift;
    cast::to(&Tensor::new([rows, columns], (0..x.len()).map(is).collect::<Vec<bool>>())?, elem)
}
