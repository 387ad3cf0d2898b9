//! Sums, differences, products and quotients, with numpy's broadcasting.

use super::{Attributes, Operator, Text, shapes};
use crate::graph::{Elem, Type};
use candle_core::Tensor;

macro_rules! arithmetic {
    ($($op:ident $name:literal $eval:ident $doc:literal)*) => {$(
        #[doc = $doc]
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub struct $op;

        impl Operator for $op {
            const NAME: &'static str = $name;
            const EXACT: bool = true;

            fn infer(&self, inputs: &[Type]) -> Result<Type, String> {
                let [a, b] = shapes::exactly(inputs)?;
                shapes::elem("the first input", a, Elem::F32)?;
                shapes::elem("the second input", b, Elem::F32)?;
                Ok(Type::f32(shapes::broadcast(&a.shape, &b.shape)?))
            }

            fn eval(&self, inputs: &[Tensor], _: Text<'_>) -> candle_core::Result<Tensor> {
                inputs[0].$eval(&inputs[1])
            }

            fn read(_: &mut Attributes) -> Result<Self, String> {
                Ok(Self)
            }
        }
    )*};
}

arithmetic! {
    Add "add" broadcast_add "`a + b`, with broadcasting."
    Sub "sub" broadcast_sub "`a − b`, with broadcasting."
    Mul "mul" broadcast_mul "`a · b`, element by element, with broadcasting."
    Div "div" broadcast_div "`a / b`, element by element, with broadcasting."
}
