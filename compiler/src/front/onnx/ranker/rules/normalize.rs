//! Normalizations, and the quotients that exporters write for them.

use super::super::axes::counted;
use super::super::import::Importer;
use super::super::known::whole;
use super::{Made, input, made, numbers, optional};
use crate::graph::{Constant, Dim};
use crate::onnx::{Size, Source, Step};
use crate::ops::{Add, Div, LayerNorm, Mul, Normalize};

/// The least length that a row is divided by in `Normalize`, and the most that a file may have for it.
const LEAST: f32 = 1.001e-12;

/// A quotient; of a row by its own length, that row of unit length.
pub(super) fn divide(to: &mut Importer<'_>, step: &Step) -> Made {
    let by = input(step, 1)?;
    if to.trace.source(by) == Source::Lengths {
        return numbers::pair(to, step, Div.into());
    }
    let x = unit_row(to, step).ok_or("it divides by what is given, and only a row by its own length is known")?;
    let x = to.value(x)?;
    made(to.add(Normalize, &[x], &step.name)?)
}

/// The row that a quotient makes of unit length, if that is what it does.
pub(super) fn unit_row(to: &Importer<'_>, step: &Step) -> Option<usize> {
    let &[Some(x), Some(by)] = &step.inputs[..] else { return None };
    (step.operator == "Div" && measured(to, by) == Some(x)).then_some(x)
}

/// The value whose rows a value has the lengths of, bounded from below by nearly nothing.
fn measured(to: &Importer<'_>, value: usize) -> Option<usize> {
    let step = to.maker(value)?;
    let (&from, of) = (step.inputs.first()?.as_ref()?, |at: usize| optional(step, at));
    match step.operator {
        "Expand" | "Identity" => measured(to, from),
        "Clip" | "Max" => {
            let least = match of(1) {
                Some(least) => to.number(least)?,
                None => step.float_or("min", f32::MIN).ok()?,
            };
            let open = step.operator == "Max" && step.inputs.len() == 2
                || step.operator == "Clip" && of(2).is_none() && step.float_or("max", f32::MAX).ok()? >= f32::MAX;
            (least <= LEAST && open).then(|| measured(to, from)).flatten()
        }
        "ReduceL2" => {
            let sizes = to.trace.sizes(from)?;
            let axes = match of(1) {
                Some(axes) => whole(to.constant(axes)?)?,
                None => step.ints("axes").ok()??.to_vec(),
            };
            let last = sizes.len().checked_sub(1)?;
            let own = matches!(axes[..], [axis] if counted(axis, sizes.len()) == Ok(last));
            let form = to.form(from).ok()?;
            let rows = form.places[last].is_some_and(|at| form.dims[at].fixed().is_some());
            (own && rows && step.int_or("keepdims", 1).ok()? == 1).then_some(from)
        }
        _ => None,
    }
}

/// `(x − mean) / √(variance + epsilon) · scale + shift` by channel, all of them constant.
pub(super) fn batch(to: &mut Importer<'_>, step: &Step) -> Made {
    if step.int_or("training_mode", 0)? != 0 {
        return Err("it takes its statistics from the batch; export the model for inference".to_owned());
    }
    let value = input(step, 0)?;
    let [scale, shift, mean, variance] = [1, 2, 3, 4].map(|at| input(step, at).and_then(|value| to.vector(value)));
    let (scale, shift, mean, variance) = (scale?, shift?, mean?, variance?);
    let epsilon = f64::from(step.float_or("epsilon", 1e-5)?);
    let (sizes, form) = (to.sizes(value)?, to.form(value)?);
    let axis = if sizes.len() > 1 { 1 } else { 0 };
    let channels = match sizes.get(axis) {
        Some(Size::Fixed(size)) => *size,
        _ => return Err("its channels are no columns".to_owned()),
    };
    if [&shift, &mean, &variance, &scale].iter().any(|it| it.len() != channels) {
        return Err("its parameters are not one for each channel".to_owned());
    }
    let factor = |at: usize| f64::from(scale[at]) / (f64::from(variance[at]) + epsilon).sqrt();
    let gamma: Vec<f32> = (0..channels).map(|at| factor(at) as f32).collect();
    let beta: Vec<f32> =
        (0..channels).map(|at| (f64::from(shift[at]) - f64::from(mean[at]) * factor(at)) as f32).collect();
    if gamma.iter().chain(&beta).any(|number| !number.is_finite()) {
        return Err("a number of its parameters is NaN or infinite".to_owned());
    }
    // Axes after the channels' are broadcast over.
    let after = form.places[axis].map_or(0, |at| form.dims.len() - at - 1);
    let shape = if channels == 1 { vec![] } else { [vec![channels], vec![1; after]].concat() };
    let x = to.value(value)?;
    let name = &step.name;
    let gamma = to.graph.constant(&format!("{name}.gamma"), Constant::f32(shape.clone(), &gamma));
    let beta = to.graph.constant(&format!("{name}.beta"), Constant::f32(shape, &beta));
    let scaled = to.add(Mul, &[x, gamma], name)?;
    made(to.add(Add, &[scaled, beta], name)?)
}

pub(super) fn layer(to: &mut Importer<'_>, step: &Step) -> Made {
    let value = input(step, 0)?;
    let (sizes, form) = (to.sizes(value)?, to.form(value)?);
    let axis = counted(step.int_or("axis", -1)?, sizes.len())?;
    let width = match form.places[axis].map(|at| form.dims[at]) {
        Some(Dim::Fixed(width)) if axis + 1 == sizes.len() => width,
        _ => return Err("it goes over another axis than that of a row's numbers".to_owned()),
    };
    let gamma = to.vector(input(step, 1)?)?;
    let beta = optional(step, 2).map(|beta| to.vector(beta)).transpose()?.unwrap_or_else(|| vec![0.0; width]);
    if gamma.len() != width || beta.len() != width {
        return Err("its parameters are not one for each number of a row".to_owned());
    }
    let epsilon = step.float_or("epsilon", 1e-5)?;
    let x = to.value(value)?;
    let name = to.trace.name(input(step, 1)?).to_owned();
    let gamma = to.graph.constant(&name, Constant::f32([width], &gamma));
    let name = optional(step, 2).map_or(format!("{}.beta", step.name), |beta| to.trace.name(beta).to_owned());
    let beta = to.graph.constant(&name, Constant::f32([width], &beta));
    made(to.add(LayerNorm { epsilon }, &[x, gamma, beta], &step.name)?)
}

pub(super) fn unit(to: &mut Importer<'_>, step: &Step) -> Made {
    let value = input(step, 0)?;
    let (sizes, form) = (to.sizes(value)?, to.form(value)?);
    let axis = counted(step.int_or("axis", -1)?, sizes.len())?;
    let row = form.places[axis].is_some_and(|at| form.dims[at].fixed().is_some() && at + 1 == form.dims.len());
    if step.int_or("p", 2)? != 2 || !row {
        return Err("it is another norm than the length of a row".to_owned());
    }
    let x = to.value(value)?;
    made(to.add(Normalize, &[x], &step.name)?)
}
