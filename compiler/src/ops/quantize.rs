//! Rows to 8-bit codes, each row with a scale and a zero of its own: what the runtime's `quantize_rows` does.

use super::{Attributes, Operator, Text, shapes};
use crate::graph::{Elem, Type};
use candle_core::{Device, Tensor};

/// `f32[…, n]` to `q8[…, n]`: `x ≈ scale · (code − zero)` with codes in 0..=255, by row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quantize;

impl Operator for Quantize {
    const NAME: &'static str = "quantize";

    fn infer(&self, inputs: &[Type]) -> Result<Type, String> {
        let [x] = shapes::exactly(inputs)?;
        shapes::elem("the input", x, Elem::F32)?;
        shapes::width("the input", x)?;
        Ok(Type::new(Elem::Q8, x.shape.clone()))
    }

    fn eval(&self, inputs: &[Tensor], _: Text<'_>) -> candle_core::Result<Tensor> {
        let width = inputs[0].dim(candle_core::D::Minus1)?;
        let mut values = inputs[0].flatten_all()?.to_vec1::<f32>()?;
        values.chunks_exact_mut(width).for_each(round_trip);
        Tensor::from_vec(values, inputs[0].shape(), &Device::Cpu)
    }

    fn read(_: &mut Attributes) -> Result<Self, String> {
        Ok(Self)
    }
}

/// Replaces a row by what its codes stand for.
fn round_trip(row: &mut [f32]) {
    let lo = row.iter().copied().fold(0.0, f32::min);
    let hi = row.iter().copied().fold(0.0, f32::max);
    let scale = hi / 255.0 - lo / 255.0;
    if !row.iter().all(|x| x.is_finite()) {
        row.fill(f32::NAN);
    } else if scale < f32::MIN_POSITIVE {
        row.fill(0.0);
    } else {
        let inverse = 1.0 / scale;
        let zero = (-lo * inverse).round_ties_even().min(255.0);
        for x in row {
            let code = x.mul_add(inverse, zero).round_ties_even().clamp(0.0, 255.0);
            *x = scale * (code - zero);
        }
    }
}
