//! What a model is given of a text.

use super::{Attributes, Operator, Text};
use crate::graph::{Dim, Elem, Type};
use candle_core::{Device, Tensor};
use std::str::FromStr;

/// An input of the model, one index for each token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input {
    /// The token's id.
    TokenIds,
    /// Which text of a pair the token belongs to.
    TokenTypes,
    /// The token's place, from 0.
    Positions,
}

impl Input {
    /// All of them.
    pub const ALL: [Input; 3] = [Input::TokenIds, Input::TokenTypes, Input::Positions];

    /// Its name in texts.
    pub const fn name(self) -> &'static str {
        match self {
            Input::TokenIds => "token_ids",
            Input::TokenTypes => "token_types",
            Input::Positions => "positions",
        }
    }

    /// Its type: `index[tokens]`.
    pub fn ty(self) -> Type {
        Type::new(Elem::Index, [Dim::Tokens])
    }
}

impl FromStr for Input {
    type Err = ();

    fn from_str(name: &str) -> Result<Self, ()> {
        Input::ALL.into_iter().find(|input| input.name() == name).ok_or(())
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
        }
    }

    fn write(&self, attributes: &mut Attributes) {
        attributes.set("of", self.name());
    }

    fn read(attributes: &mut Attributes) -> Result<Self, String> {
        attributes.take("of")
    }
}
