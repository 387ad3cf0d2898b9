//! Another shape for the same numbers.

use super::{Attributes, Operator, Text, shapes};
use crate::graph::{Dim, ShapeText, Type};
use candle_core::Tensor;

/// The same numbers, row by row, in another shape.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reshape {
    /// The shape.
    pub shape: Vec<Dim>,
}

impl Operator for Reshape {
    const NAME: &'static str = "reshape";
    const EXACT: bool = true;

    fn infer(&self, inputs: &[Type]) -> Result<Type, String> {
        let [x] = shapes::exactly(inputs)?;
        // The count of numbers as a polynomial in what varies: its degrees and factor.
        let count = |shape: &[Dim]| {
            let degrees = [Dim::Tokens, Dim::Candidates].map(|of| shape.iter().filter(|dim| **dim == of).count());
            let factor =
                shape.iter().filter_map(|dim| dim.fixed()).try_fold(1, |all: usize, size| all.checked_mul(size));
            (degrees, factor)
        };
        let (have, want) = (count(&x.shape), count(&self.shape));
        if have != want || want.1.is_none() {
            return Err(format!("{} holds another count of numbers", ShapeText(&self.shape)));
        }
        Ok(Type::new(x.elem, self.shape.clone()))
    }

    fn eval(&self, inputs: &[Tensor], text: Text<'_>) -> candle_core::Result<Tensor> {
        let sizes: Vec<usize> = self.shape.iter().map(|dim| dim.size(text.sizes())).collect();
        inputs[0].reshape(sizes)
    }

    fn write(&self, attributes: &mut Attributes) {
        attributes.set("shape", ShapeText(&self.shape));
    }

    fn read(attributes: &mut Attributes) -> Result<Self, String> {
        let text: String = attributes.take("shape")?;
        Ok(Self { shape: Dim::list(&text)? })
    }
}
