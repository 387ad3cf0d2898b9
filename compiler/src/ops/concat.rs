//! Values side by side.

use super::{Attributes, Operator, Text, shapes};
use crate::graph::{Dim, Elem, Type};
use candle_core::Tensor;

/// The inputs one after the other along an axis of fixed size. An input without the axis of the candidates that others have is of the user,
/// and stands beside each of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Concat {
    /// The axis, in the value.
    pub axis: usize,
}

impl Operator for Concat {
    const NAME: &'static str = "concat";
    const EXACT: bool = true;

    fn infer(&self, inputs: &[Type]) -> Result<Type, String> {
        let first = inputs.iter().max_by_key(|ty| ty.rank()).ok_or("there is nothing to join")?;
        shapes::axis(self.axis, first)?;
        let mut sum = 0_usize;
        for ty in inputs {
            shapes::elem("an input", ty, Elem::F32)?;
            let user = ty.rank() + 1 == first.rank() && first.rows() == Some(Dim::Candidates) && ty.rows().is_none();
            let skipped = usize::from(user);
            let alike = ty.rank() + skipped == first.rank()
                && (skipped..first.rank()).all(|at| at == self.axis || ty.shape[at - skipped] == first.shape[at]);
            let own = self.axis.checked_sub(skipped).and_then(|axis| ty.shape.get(axis)).and_then(|dim| dim.fixed());
            match own.filter(|_| alike).and_then(|size| sum.checked_add(size)) {
                Some(all) => sum = all,
                None => return Err(format!("{ty} does not stand beside {first} along axis {}", self.axis)),
            }
        }
        let mut shape = first.shape.clone();
        shape[self.axis] = Dim::Fixed(sum);
        Ok(Type::f32(shape))
    }

    fn eval(&self, inputs: &[Tensor], text: Text<'_>) -> candle_core::Result<Tensor> {
        let rank = inputs.iter().map(Tensor::rank).max().unwrap_or(0);
        let whole = |x: &Tensor| {
            if x.rank() == rank {
                return Ok(x.clone());
            }
            x.unsqueeze(0)?.broadcast_as([&[text.sizes().candidates], x.dims()].concat())?.contiguous()
        };
        let inputs = inputs.iter().map(whole).collect::<candle_core::Result<Vec<_>>>()?;
        Tensor::cat(&inputs, self.axis)
    }

    fn write(&self, attributes: &mut Attributes) {
        attributes.set("axis", self.axis);
    }

    fn read(attributes: &mut Attributes) -> Result<Self, String> {
        Ok(Self { axis: attributes.take("axis")? })
    }
}
