//! Attention of many heads (Vaswani et al. 2017).

use super::{Attributes, Operator, Text, causal, matmul::matmul, shapes, softmax::softmax};
use crate::graph::{Dim, Elem, Type};
use candle_core::Tensor;

/// `softmax(q · kᵀ · scale + bias) · v` by head: inputs `(q, k, v, bias?)`, where `q`, `k` and `v` are `[tokens, heads · d]` with
/// the heads side by side, and `bias` is `[heads, tokens, tokens]`; value `[tokens, heads · d]`. Where `q` is one query,
/// `[heads · d]`, which sees all tokens, the value is too, and there is no bias.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Attention {
    /// How many heads.
    pub heads: usize,
    /// The factor on the scores, usually `1/√d`.
    pub scale: f32,
    /// Whether a token sees only itself and those before it.
    pub causal: bool,
}

impl Operator for Attention {
    const NAME: &'static str = "attention";

    fn infer(&self, inputs: &[Type]) -> Result<Type, String> {
        let ([q, k, v], rest) = inputs.split_first_chunk().ok_or("it takes q, k and v")?;
        for (what, ty) in [("q", q), ("k", k), ("v", v)] {
            shapes::elem(what, ty, Elem::F32)?;
        }
        for (what, ty) in [("k", k), ("v", v)] {
            if ty != k || ty.rank() != 2 || ty.shape[0] != Dim::Tokens {
                return Err(format!("{what} is {ty}, where f32[tokens, width] is needed, the same for k and v"));
            }
        }
        let width = shapes::width("k", k)?;
        let one = *q == Type::f32([width.into()]);
        if q != k && !one {
            return Err(format!("q is {q}, where {k} is needed, or f32[{width}] of one query"));
        }
        if one && (self.causal || !rest.is_empty()) {
            return Err("one query has no place among the tokens, which a bias and `causal` ask for".to_owned());
        }
        if self.heads == 0 || width % self.heads != 0 {
            return Err(format!("a width of {width} is not {} heads", self.heads));
        }
        if !self.scale.is_finite() {
            return Err(format!("the scale is {}", self.scale));
        }
        let bias = Type::f32([self.heads.into(), Dim::Tokens, Dim::Tokens]);
        match rest {
            [] => Ok(q.clone()),
            [ty] if *ty == bias => Ok(q.clone()),
            [ty] => Err(format!("the bias is {ty}, where {bias} is needed")),
            _ => Err("there are too many inputs".to_owned()),
        }
    }

    fn eval(&self, inputs: &[Tensor], _: Text<'_>) -> candle_core::Result<Tensor> {
        let (_, width) = inputs[1].dims2()?;
        let split = |x: &Tensor| x.reshape(((), self.heads, width / self.heads))?.transpose(0, 1)?.contiguous();
        let (q, k, v) = (split(&inputs[0])?, split(&inputs[1])?, split(&inputs[2])?);
        let scores = (matmul(&q, &k.t()?)? * f64::from(self.scale))?;
        let scores = match inputs.get(3) {
            Some(bias) => (scores + bias)?,
            None => scores,
        };
        let scores = if self.causal { causal::hide(&scores)? } else { scores };
        matmul(&softmax(&scores)?, &v)?.transpose(0, 1)?.contiguous()?.reshape(inputs[0].shape())
    }

    fn write(&self, attributes: &mut Attributes) {
        attributes.set("heads", self.heads);
        attributes.set("scale", format_args!("{:?}", self.scale));
        attributes.flag("causal", self.causal);
    }

    fn read(attributes: &mut Attributes) -> Result<Self, String> {
        Ok(Self {
            heads: attributes.take("heads")?,
            scale: attributes.take("scale")?,
            causal: attributes.take_flag("causal")?,
        })
    }
}
