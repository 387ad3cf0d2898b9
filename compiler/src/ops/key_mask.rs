//! Scores with a mask of keys, their shares, and attention of both.

use super::{Attention, Attributes, Operator, Text, causal, matmul::matmul, shapes, softmax::softmax};
use crate::graph::{Dim, Elem, Type};
use candle_core::{D, Tensor};

/// `scores[h, i, j] + mask[j]`: inputs `(f32[heads, tokens, tokens], f32[tokens])`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyMask;

impl Operator for KeyMask {
    const NAME: &'static str = "key_mask";

    fn infer(&self, inputs: &[Type]) -> Result<Type, String> {
        let [x, mask] = shapes::exactly(inputs)?;
        shapes::elem("the input", x, Elem::F32)?;
        if !matches!(x.shape[..], [_, Dim::Tokens, Dim::Tokens]) {
            return Err(format!("{x} are no scores of tokens"));
        }
        if *mask != Type::f32([Dim::Tokens]) {
            return Err(format!("the mask is {mask}, where a number for each token is needed"));
        }
        Ok(x.clone())
    }

    fn eval(&self, inputs: &[Tensor], _: Text<'_>) -> candle_core::Result<Tensor> {
        inputs[0].broadcast_add(&inputs[1])
    }

    fn read(_: &mut Attributes) -> Result<Self, String> {
        Ok(Self)
    }
}

/// Softmax along the last axis, of zeros where all scores of a row are −∞, which would be NaN: what PyTorch writes for attention of a query
/// that sees no key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SafeSoftmax;

impl Operator for SafeSoftmax {
    const NAME: &'static str = "safe_softmax";

    fn infer(&self, inputs: &[Type]) -> Result<Type, String> {
        let [x] = shapes::exactly(inputs)?;
        shapes::elem("the input", x, Elem::F32)?;
        Ok(x.clone())
    }

    fn eval(&self, inputs: &[Tensor], _: Text<'_>) -> candle_core::Result<Tensor> {
        safe(&inputs[0])
    }

    fn read(_: &mut Attributes) -> Result<Self, String> {
        Ok(Self)
    }
}

fn safe(x: &Tensor) -> candle_core::Result<Tensor> {
    let most = x.max_keepdim(D::Minus1)?;
    let unseen = most.eq(f64::NEG_INFINITY)?.broadcast_as(x.shape())?;
    let zeros = x.zeros_like()?;
    // A row that sees nothing is one of zeros before, so that no NaN is made.
    let shares = softmax(&unseen.where_cond(&zeros, x)?)?;
    unseen.where_cond(&zeros, &shares)
}

/// [`Attention`] whose keys have a mask: inputs `(q, k, v, mask)`, the mask `f32[tokens]`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MaskedAttention {
    /// How many heads.
    pub heads: usize,
    /// The factor on the scores.
    pub scale: f32,
    /// Whether a token sees only itself and those before it.
    pub causal: bool,
    /// Whether a token that sees none, all masks of which are −∞, mixes zeros, not NaN.
    pub safe: bool,
}

impl Operator for MaskedAttention {
    const NAME: &'static str = "masked_attention";

    fn infer(&self, inputs: &[Type]) -> Result<Type, String> {
        let [q, k, v, mask] = shapes::exactly(inputs)?;
        if *mask != Type::f32([Dim::Tokens]) {
            return Err(format!("the mask is {mask}, where a number for each token is needed"));
        }
        if q != k {
            return Err(format!("q is {q}, where {k} is needed: a mask is of keys that all tokens look at"));
        }
        let Self { heads, scale, causal, .. } = *self;
        Attention { heads, scale, causal }.infer(&[q.clone(), k.clone(), v.clone()])
    }

    fn eval(&self, inputs: &[Tensor], _: Text<'_>) -> candle_core::Result<Tensor> {
        let (tokens, width) = inputs[0].dims2()?;
        let split = |x: &Tensor| x.reshape((tokens, self.heads, width / self.heads))?.transpose(0, 1)?.contiguous();
        let (q, k, v) = (split(&inputs[0])?, split(&inputs[1])?, split(&inputs[2])?);
        let scores = (matmul(&q, &k.t()?)? * f64::from(self.scale))?.broadcast_add(&inputs[3])?;
        let scores = if self.causal { causal::hide(&scores)? } else { scores };
        let shares = if self.safe { safe(&scores)? } else { softmax(&scores)? };
        matmul(&shares, &v)?.transpose(0, 1)?.contiguous()?.reshape((tokens, width))
    }

    fn write(&self, attributes: &mut Attributes) {
        attributes.set("heads", self.heads);
        attributes.set("scale", format_args!("{:?}", self.scale));
        attributes.flag("causal", self.causal);
        attributes.flag("safe", self.safe);
    }

    fn read(attributes: &mut Attributes) -> Result<Self, String> {
        Ok(Self {
            heads: attributes.take("heads")?,
            scale: attributes.take("scale")?,
            causal: attributes.take_flag("causal")?,
            safe: attributes.take_flag("safe")?,
        })
    }
}
