//! What libraries make of a sum: the objective's own function.

use super::{Link, Number};

/// Turns the sums of one row into its predictions, in the numbers that the library computes with.
pub(super) fn apply(link: Link, values: &mut [f64], number: Number) {
    match number {
        Number::F64 => in_f64(link, values),
        Number::F32 => in_f32(link, values),
    }
}

fn in_f64(link: Link, values: &mut [f64]) {
    let each = |values: &mut [f64], function: &dyn Fn(f64) -> f64| {
        values.iter_mut().for_each(|value| *value = function(*value));
    };
    match link {
        Link::Identity => {}
        Link::Sigmoid(scale) => each(values, &|x| 1.0 / (1.0 + (-scale * x).exp())),
        Link::Exp => each(values, &f64::exp),
        Link::Square => each(values, &|x| x * x.abs()),
        Link::Softplus => each(values, &|x| x.exp().ln_1p()),
        Link::Step => each(values, &|x| f64::from(u8::from(x > 0.0))),
        Link::Softmax => {
            let most = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            each(values, &|x| (x - most).exp());
            let total: f64 = values.iter().sum();
            each(values, &|x| x / total);
        }
    }
}

/// As above, every step rounded to f32, but for the total of softmax.
fn in_f32(link: Link, values: &mut [f64]) {
    let each = |values: &mut [f64], function: &dyn Fn(f32) -> f32| {
        values.iter_mut().for_each(|value| *value = f64::from(function(*value as f32)));
    };
    match link {
        Link::Identity => {}
        Link::Sigmoid(scale) => each(values, &|x| 1.0 / (1.0 + (-(scale as f32) * x).exp())),
        Link::Exp => each(values, &f32::exp),
        Link::Square => each(values, &|x| x * x.abs()),
        Link::Softplus => each(values, &|x| x.exp().ln_1p()),
        Link::Step => each(values, &|x| f32::from(u8::from(x > 0.0))),
        Link::Softmax => {
            let most = values.iter().fold(f32::NEG_INFINITY, |most, &x| most.max(x as f32));
            each(values, &|x| (x - most).exp());
            // XGBoost adds these in f64.
            let total = values.iter().sum::<f64>() as f32;
            each(values, &|x| x / total);
        }
    }
}
