//! A bias on attention scores that depends on the distance of two tokens (Raffel et al. 2020, T5; used by MPNet).

use super::{Attributes, Operator, Text, shapes};
use crate::graph::{Dim, Elem, Type};
use candle_core::{Device, Tensor};

/// `bias[h, i, j] = table[bucket(j − i), h]`: input `table[buckets, heads]`, value `[heads, tokens, tokens]`.
///
/// Half of the buckets are for each direction; half of those for exact distances, the rest for ever wider ranges up to
/// `max_distance`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RelativeBias {
    /// Distances from here on share the last bucket.
    pub max_distance: u32,
}

impl Operator for RelativeBias {
    const NAME: &'static str = "relative_bias";

    fn infer(&self, inputs: &[Type]) -> Result<Type, String> {
        let [table] = shapes::exactly(inputs)?;
        shapes::elem("the table", table, Elem::F32)?;
        let (buckets, heads) = shapes::matrix("the table", table)?;
        if buckets < 4 || buckets % 4 != 0 {
            return Err(format!("{buckets} buckets are not a multiple of 4"));
        }
        if self.max_distance as usize <= buckets / 4 {
            return Err(format!("the longest distance {} has no bucket of a range", self.max_distance));
        }
        Ok(Type::f32([heads.into(), Dim::Tokens, Dim::Tokens]))
    }

    fn eval(&self, inputs: &[Tensor], text: Text<'_>) -> candle_core::Result<Tensor> {
        let (buckets, heads) = inputs[0].dims2()?;
        let count = text.sizes().tokens;
        let distances = (0..count as i64).flat_map(|i| (0..count as i64).map(move |j| j - i));
        let index = Tensor::from_iter(distances.map(|distance| self.bucket(distance, buckets as u32)), &Device::Cpu)?;
        inputs[0].index_select(&index, 0)?.t()?.contiguous()?.reshape((heads, count, count))
    }

    fn write(&self, attributes: &mut Attributes) {
        attributes.set("max_distance", self.max_distance);
    }

    fn read(attributes: &mut Attributes) -> Result<Self, String> {
        Ok(Self { max_distance: attributes.take("max_distance")? })
    }
}

impl RelativeBias {
    /// The bucket of the distance `key − query`, of so many in all, as the Hugging Face library computes it (in f32).
    pub fn bucket(&self, distance: i64, buckets: u32) -> u32 {
        let half = buckets / 2;
        let exact = half / 2;
        let side = if distance > 0 { half } else { 0 };
        let length = u32::try_from(distance.unsigned_abs()).unwrap_or(u32::MAX);
        if length < exact {
            return side + length;
        }
        let range = (self.max_distance as f32 / exact as f32).ln();
        let step = (length as f32 / exact as f32).ln() / range * (half - exact) as f32;
        side + (exact + step as u32).min(half - 1)
    }
}
