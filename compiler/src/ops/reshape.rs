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
        // The count of numbers as a polynomial in the number of tokens: its degree and factor.
        let count = |shape: &[Dim]| {
            let tokens = shape.iter().filter(|dim| **dim == Dim::Tokens).count();
            let factor =
                shape.iter().filter_map(|dim| dim.fixed()).try_fold(1, |all: usize, size| all.checked_mul(size));
            (tokens, factor)
        };
        let (have, want) = (count(&x.shape), count(&self.shape));
        if have != want || want.1.is_none() {
            return Err(format!("{} holds another count of numbers", ShapeText(&self.shape)));
        }
        Ok(Type::new(x.elem, self.shape.clone()))
    }

    fn eval(&self, inputs: &[Tensor], text: Text<'_>) -> candle_core::Result<Tensor> {
        let sizes: Vec<usize> = self.shape.iter().map(|dim| dim.size(text.ids.len())).collect();
        inputs[0].reshape(sizes)
    }

    fn write(&self, attributes: &mut Attributes) {
        attributes.set("shape", ShapeText(&self.shape));
    }

    fn read(attributes: &mut Attributes) -> Result<Self, String> {
        let text: String = attributes.take("shape")?;
        let inner =
            text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).ok_or("a shape stands in brackets")?;
        let dims = inner.split(',').map(str::trim).filter(|dim| !dim.is_empty());
        let dim = |dim: &str| match dim {
            "tokens" => Ok(Dim::Tokens),
            size => size.parse().map(Dim::Fixed).map_err(|_| format!("`{size}` is no size")),
        };
        Ok(Self { shape: dims.map(dim).collect::<Result<_, _>>()? })
    }
}
