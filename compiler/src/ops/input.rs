//! What a model is given of a text.

use super::{Attributes, Operator, Text};
use crate::graph::{Dim, Elem, Type};
use candle_core::{Device, Tensor};

/// An input of the model, one index for each token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input {
    /// The token's id.
    TokenIds,
    /// Which text of a pair the token belongs to.
    TokenTypes,
    /// The token's place, from 0.
    Positions,
    /// 0 for the token `padding`; for any other its number among the others, from 1 (`create_position_ids_from_input_ids` of the
    /// Hugging Face library, less the padding's id).
    CountedPositions {
        /// The id of the padding's token, which a text may spell out.
        padding: u32,
    },
}

impl Input {
    /// Its name in texts.
    pub const fn name(self) -> &'static str {
        match self {
            Input::TokenIds => "token_ids",
            Input::TokenTypes => "token_types",
            Input::Positions => "positions",
            Input::CountedPositions { .. } => "counted_positions",
        }
    }

    /// Its type: `index[tokens]`.
    pub fn ty(self) -> Type {
        Type::new(Elem::Index, [Dim::Tokens])
    }
}

impl Operator for Input {
    const NAME: &'static str = "input";

    fn infer(&self, inputs: &[Type]) -> Result<Type, String> {
        super::shapes::exactly::<0>(inputs)?;
        Ok(self.ty())
    }

    fn eval(&self, _: &[Tensor], text: Text<'_>) -> candle_core::Result<Tensor> {
        let count = text.ids.len();
        match self {
            Input::TokenIds => Tensor::from_slice(text.ids, count, &Device::Cpu),
            Input::TokenTypes => Tensor::from_slice(text.types, count, &Device::Cpu),
            Input::Positions => Tensor::from_iter(0..count as u32, &Device::Cpu),
            Input::CountedPositions { padding } => {
                let mut others = 0;
                let place = |&id: &u32| {
                    others += u32::from(id != *padding);
                    if id == *padding { 0 } else { others }
                };
                Tensor::from_iter(text.ids.iter().map(place), &Device::Cpu)
            }
        }
    }

    fn write(&self, attributes: &mut Attributes) {
        attributes.set("of", self.name());
        if let Input::CountedPositions { padding } = self {
            attributes.set("padding", padding);
        }
    }

    fn read(attributes: &mut Attributes) -> Result<Self, String> {
        let name: String = attributes.take("of")?;
        match name.as_str() {
            "token_ids" => Ok(Input::TokenIds),
            "token_types" => Ok(Input::TokenTypes),
            "positions" => Ok(Input::Positions),
            "counted_positions" => Ok(Input::CountedPositions { padding: attributes.take("padding")? }),
            _ => Err(format!("attribute `of` is `{name}`, which it cannot be")),
        }
    }
}
