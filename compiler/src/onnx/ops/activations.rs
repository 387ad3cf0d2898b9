//! Activation functions.

use super::arithmetic::{map, zip};
use super::number::{Number, numbers};
use super::pointwise::{apply, both};
use super::{Call, Limit, Operator, row};
use crate::onnx::elem::Elem;
use crate::onnx::tensor::Tensor;

pub(super) const OPERATORS: &[Operator] = &[
    row("Relu", 6, (1, 1), &[], relu).widened(),
    row("Clip", 6, (1, 3), &["min", "max"], clip).widened().limits(&[
        Limit::Until("min", 10),
        Limit::Until("max", 10),
        Limit::Inputs(1, 10),
    ]),
    row("LeakyRelu", 6, (1, 1), &["alpha"], |call| {
        with(call, &[("alpha", 0.01)], |x, p| if x < 0.0 { p[0] * x } else { x })
    })
    .widened(),
    row("PRelu", 7, (2, 2), &[], prelu).widened(),
    row("ThresholdedRelu", 10, (1, 1), &["alpha"], |call| {
        with(call, &[("alpha", 1.0)], |x, p| if x > p[0] { x } else { 0.0 })
    })
    .widened(),
    row("Elu", 6, (1, 1), &["alpha"], |call| {
        with(call, &[("alpha", 1.0)], |x, p| if x < 0.0 { p[0] * x.exp_m1() } else { x })
    })
    .widened(),
    row("Celu", 12, (1, 1), &["alpha"], |call| {
        with(call, &[("alpha", 1.0)], |x, p| if x > 0.0 { x } else { p[0] * (x / p[0]).exp_m1() })
    })
    .widened(),
    row("Selu", 6, (1, 1), &["alpha", "gamma"], |call| {
        let defaults = [("alpha", 1.673_263_2), ("gamma", 1.050_701)];
        with(call, &defaults, |x, p| p[1] * if x > 0.0 { x } else { p[0] * x.exp_m1() })
    })
    .widened(),
    row("Shrink", 9, (1, 1), &["lambd", "bias"], |call| {
        with(call, &[("lambd", 0.5), ("bias", 0.0)], |x, p| match x {
            x if x < -p[0] => x + p[1],
            x if x > p[0] => x - p[1],
            _ => 0.0,
        })
    })
    .widened(),
    row("HardSigmoid", 6, (1, 1), &["alpha", "beta"], |call| {
        with(call, &[("alpha", 0.2), ("beta", 0.5)], |x, p| (p[0] * x + p[1]).clamp(0.0, 1.0))
    })
    .widened(),
    row("HardSwish", 14, (1, 1), &[], |call| with(call, &[], |x, _| x * (x / 6.0 + 0.5).clamp(0.0, 1.0))).widened(),
    row("Swish", 24, (1, 1), &["alpha"], |call| with(call, &[("alpha", 1.0)], |x, p| x * sigmoid(p[0] * x))).widened(),
    row("Sigmoid", 6, (1, 1), &[], |call| both(call, |x| 1.0 / (1.0 + (-x).exp()), sigmoid)).widened(),
    row("Softplus", 1, (1, 1), &[], |call| with(call, &[], |x, _| softplus(x))).widened(),
    row("Softsign", 1, (1, 1), &[], |call| with(call, &[], |x, _| x / (1.0 + x.abs()))).widened(),
    row("Mish", 18, (1, 1), &[], |call| with(call, &[], |x, _| x * softplus(x).tanh())).widened(),
    row("Gelu", 20, (1, 1), &["approximate"], gelu).widened(),
];

pub(super) fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

pub(super) fn softplus(x: f64) -> f64 {
    x.max(0.0) + (-x.abs()).exp().ln_1p()
}

/// A function with parameters that are attributes, computed in f64 and rounded once.
fn with(call: &Call<'_>, parameters: &[(&str, f32)], f: fn(f64, &[f64]) -> f64) -> Result<Tensor, String> {
    let read = parameters.iter().map(|&(name, default)| call.attributes.float_or(name, default).map(f64::from));
    let values: Vec<f64> = read.collect::<Result<_, _>>()?;
    apply(call.input(0)?, |x| f(f64::from(x), &values) as f32, |x| f(x, &values))
}

fn relu(call: &Call<'_>) -> Result<Tensor, String> {
    fn typed<T: Number>(_: &[T], x: &Tensor) -> Result<Tensor, String> {
        map(x, |x: T| if x < T::default() { T::default() } else { x })
    }
    let x = call.input(0)?;
    numbers!(x, values => typed(values, x))
}

fn clip(call: &Call<'_>) -> Result<Tensor, String> {
    fn typed<T: Number>(_: &[T], x: &Tensor, bounds: [Option<T>; 2]) -> Result<Tensor, String> {
        let [low, high] = bounds;
        map(x, |x: T| {
            let x = low.filter(|&low| x < low).unwrap_or(x);
            high.filter(|&high| x > high).unwrap_or(x)
        })
    }
    fn bound<T: Number>(_: &[T], call: &Call<'_>, at: usize, name: &str) -> Result<Option<T>, String> {
        if call.opset < 11 {
            return Ok(call.attributes.float(name)?.map(|value| T::of(value.into())));
        }
        call.optional(at).map(|bound| Ok(*bound.of::<T>()?.first().ok_or("a bound has no number")?)).transpose()
    }
    let x = call.input(0)?;
    numbers!(x, values => typed(values, x, [bound(values, call, 1, "min")?, bound(values, call, 2, "max")?]))
}

fn prelu(call: &Call<'_>) -> Result<Tensor, String> {
    fn typed<T: Number>(_: &[T], x: &Tensor, slope: &Tensor) -> Result<Tensor, String> {
        let made = zip(x, slope, |x: T, slope: T| Ok(if x < T::default() { x.mul(slope) } else { x }))?;
        if made.shape() == x.shape() { Ok(made) } else { Err(format!("the slope {slope} does not go with {x}")) }
    }
    let (x, slope) = (call.input(0)?, call.input(1)?);
    numbers!(x, values => typed(values, x, slope))
}

fn gelu(call: &Call<'_>) -> Result<Tensor, String> {
    let f = match call.attributes.text_or("approximate", "none")? {
        "none" => |x: f64| 0.5 * x * (1.0 + libm::erf(x * std::f64::consts::FRAC_1_SQRT_2)),
        "tanh" => |x: f64| 0.5 * x * (1.0 + (std::f64::consts::FRAC_2_PI.sqrt() * (x + 0.044_715 * x * x * x)).tanh()),
        other => return Err(format!("the approximation `{}` is not known", other.escape_debug())),
    };
    let x = call.input(0)?;
    if x.elem() == Elem::F64 { map(x, f) } else { apply(x, |x| f(f64::from(x)) as f32, f) }
}
