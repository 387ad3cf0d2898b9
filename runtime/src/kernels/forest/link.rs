//! From sums to predictions: the function of a model's objective, in the numbers that its library computes it in.
//!
//! `exp` and `ln` are those of the Rust library `libm`, whose bits are the same on every CPU: within one ULP, as those of the system
//! with which the model's library computes.

use modeldeploy_format::forest::{Link, Number};

/// Turns the sums of one row into its predictions.
pub(super) fn apply(link: Link, values: &mut [f64], number: Number) {
    match number {
        Number::F64 => double(link, values),
        Number::F32 => single(link, values),
    }
}

fn each(values: &mut [f64], function: impl Fn(f64) -> f64) {
    values.iter_mut().for_each(|value| *value = function(*value));
}

fn double(link: Link, values: &mut [f64]) {
    match link {
        Link::Identity => {}
        Link::Sigmoid(scale) => each(values, |x| 1.0 / (1.0 + libm::exp(-scale * x))),
        Link::Exp => each(values, libm::exp),
        Link::Square => each(values, |x| x * x.abs()),
        Link::Softplus => each(values, |x| libm::log1p(libm::exp(x))),
        Link::Step => each(values, |x| f64::from(u8::from(x > 0.0))),
        Link::Softmax => {
            let most = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            each(values, |x| libm::exp(x - most));
            let total: f64 = values.iter().sum();
            each(values, |x| x / total);
        }
    }
}

/// As above, every step rounded to f32, but for the total of softmax.
fn single(link: Link, values: &mut [f64]) {
    let each = |values: &mut [f64], function: &dyn Fn(f32) -> f32| {
        each(values, |value| f64::from(function(value as f32)));
    };
    match link {
        Link::Identity => {}
        Link::Sigmoid(scale) => each(values, &|x| 1.0 / (1.0 + libm::expf(-(scale as f32) * x))),
        Link::Exp => each(values, &libm::expf),
        Link::Square => each(values, &|x| x * x.abs()),
        Link::Softplus => each(values, &|x| libm::log1pf(libm::expf(x))),
        Link::Step => each(values, &|x| f32::from(u8::from(x > 0.0))),
        Link::Softmax => {
            let most = values.iter().fold(f32::NEG_INFINITY, |most, &x| most.max(x as f32));
            each(values, &|x| libm::expf(x - most));
            // XGBoost adds these in f64.
            let total = values.iter().sum::<f64>() as f32;
            each(values, &|x| x / total);
        }
    }
}
