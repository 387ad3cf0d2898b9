//! The product of matrices.

use super::{Attributes, Operator, Text, shapes};
use crate::graph::{Elem, Type};
use candle_core::Tensor;

/// `C[…, m, n] = A[…, m, k] · B[…, k, n]`, with the same outer axes in both, or none in `B`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MatMul {
    /// Whether `B` is given as `[…, n, k]`, as the weights of PyTorch's linear layers and the keys of attention are.
    pub transpose_b: bool,
}

impl Operator for MatMul {
    const NAME: &'static str = "matmul";

    fn infer(&self, inputs: &[Type]) -> Result<Type, String> {
        let [a, b] = shapes::exactly(inputs)?;
        shapes::elem("the first input", a, Elem::F32)?;
        shapes::elem("the second input", b, Elem::F32)?;
        let ([outer_a @ .., row], [outer_b @ .., b0, b1]) = (&a.shape[..], &b.shape[..]) else {
            return Err("matrices are needed".to_owned());
        };
        let (k, n) = if self.transpose_b { (b1, b0) } else { (b0, b1) };
        if row != k {
            return Err(format!("the depths {row} and {k} differ"));
        }
        let fits = outer_b.is_empty() || (outer_a.len() == outer_b.len() + 1 && outer_a.starts_with(outer_b));
        if !fits {
            return Err("the outer axes differ".to_owned());
        }
        Ok(Type::f32([outer_a, &[*n]].concat()))
    }

    fn eval(&self, inputs: &[Tensor], _: Text<'_>) -> candle_core::Result<Tensor> {
        let [a, b] = inputs else { unreachable!("`infer` took two inputs") };
        let b = if self.transpose_b { b.t()? } else { b.clone() };
        matmul(a, &b)
    }

    fn write(&self, attributes: &mut Attributes) {
        attributes.flag("transpose_b", self.transpose_b);
    }

    fn read(attributes: &mut Attributes) -> Result<Self, String> {
        Ok(Self { transpose_b: attributes.take_flag("transpose_b")? })
    }
}

/// `a[…, k] · b[k, n]`, or with the same outer axes in both.
pub(super) fn matmul(a: &Tensor, b: &Tensor) -> candle_core::Result<Tensor> {
    if b.rank() > 2 {
        return a.contiguous()?.matmul(&b.contiguous()?);
    }
    let (k, n) = b.dims2()?;
    let outer = &a.dims()[..a.rank() - 1];
    a.reshape(((), k))?.matmul(b)?.reshape([outer, &[n]].concat())
}
