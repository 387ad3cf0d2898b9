//! Another order of axes.

use super::{Attributes, Operator, Text, shapes};
use crate::graph::Type;
use candle_core::Tensor;

/// The axes in another order: axis `i` of the value is axis `axes[i]` of the input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transpose {
    /// A permutation of the input's axes.
    pub axes: Vec<usize>,
}

impl Operator for Transpose {
    const NAME: &'static str = "transpose";
    const EXACT: bool = true;

    fn infer(&self, inputs: &[Type]) -> Result<Type, String> {
        let [x] = shapes::exactly(inputs)?;
        let mut sorted = self.axes.clone();
        sorted.sort_unstable();
        if sorted != (0..x.rank()).collect::<Vec<_>>() {
            return Err(format!("{:?} is no order of the axes", self.axes));
        }
        Ok(Type::new(x.elem, self.axes.iter().map(|&axis| x.shape[axis]).collect::<Vec<_>>()))
    }

    fn eval(&self, inputs: &[Tensor], _: Text<'_>) -> candle_core::Result<Tensor> {
        inputs[0].permute(self.axes.as_slice())?.contiguous()
    }

    fn write(&self, attributes: &mut Attributes) {
        attributes.set("axes", format_args!("{:?}", self.axes));
    }

    fn read(attributes: &mut Attributes) -> Result<Self, String> {
        Ok(Self { axes: attributes.list("axes")? })
    }
}
