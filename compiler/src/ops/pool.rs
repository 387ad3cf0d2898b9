//! One row for the rows of a text's tokens.

use super::{Attributes, Operator, Pooling, Text, shapes};
use crate::graph::{Dim, Elem, Type};
use candle_core::Tensor;

/// `f32[tokens, n]` to `f32[n]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pool {
    /// How.
    pub pooling: Pooling,
}

impl Operator for Pool {
    const NAME: &'static str = "pool";

    fn infer(&self, inputs: &[Type]) -> Result<Type, String> {
        let [x] = shapes::exactly(inputs)?;
        shapes::elem("the input", x, Elem::F32)?;
        match x.shape[..] {
            [Dim::Tokens, width] => Ok(Type::f32([width])),
            _ => Err("rows of tokens are needed".to_owned()),
        }
    }

    fn eval(&self, inputs: &[Tensor], text: Text<'_>) -> candle_core::Result<Tensor> {
        let x = &inputs[0];
        match self.pooling {
            Pooling::Cls => x.get(0),
            Pooling::Mean => x.mean(0),
            Pooling::Max => x.max(0),
            Pooling::Sum => x.sum(0),
            Pooling::Last => x.get(x.dim(0)? - 1),
            Pooling::MeanSqrtLen => x.sum(0)? / (text.sizes().tokens as f64).sqrt(),
        }
    }

    fn write(&self, attributes: &mut Attributes) {
        attributes.set("pooling", name(self.pooling));
    }

    fn read(attributes: &mut Attributes) -> Result<Self, String> {
        let text: String = attributes.take("pooling")?;
        let found = Pooling::ALL.into_iter().find(|&pooling| name(pooling) == text);
        Ok(Self { pooling: found.ok_or_else(|| format!("there is no pooling `{text}`"))? })
    }
}

fn name(pooling: Pooling) -> &'static str {
    match pooling {
        Pooling::Cls => "cls",
        Pooling::Mean => "mean",
        Pooling::Max => "max",
        Pooling::Sum => "sum",
        Pooling::Last => "last",
        Pooling::MeanSqrtLen => "mean_sqrt_len",
    }
}
