//! Functions of one number, applied to each.

use super::{Attributes, Operator, Text, shapes};
use crate::graph::{Elem, Type};
use candle_core::Tensor;

macro_rules! pointwise {
    ($($op:ident $name:literal $doc:literal $exact:literal $eval:expr;)*) => {$(
        #[doc = $doc]
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub struct $op;

        impl Operator for $op {
            const NAME: &'static str = $name;
            const EXACT: bool = $exact;

            fn infer(&self, inputs: &[Type]) -> Result<Type, String> {
                let [x] = shapes::exactly(inputs)?;
                shapes::elem("the input", x, Elem::F32)?;
                Ok(x.clone())
            }

            fn eval(&self, inputs: &[Tensor], _: Text<'_>) -> candle_core::Result<Tensor> {
                let eval: fn(&Tensor) -> candle_core::Result<Tensor> = $eval;
                eval(&inputs[0])
            }

            fn read(_: &mut Attributes) -> Result<Self, String> {
                Ok(Self)
            }
        }
    )*};
}

pointwise! {
    Sqrt "sqrt" "The square root." true Tensor::sqrt;
    Exp "exp" "`e` to the power of the number." false Tensor::exp;
    Neg "neg" "`−x`." true Tensor::neg;
    Erf "erf" "The error function." false Tensor::erf;
    Tanh "tanh" "The hyperbolic tangent." false Tensor::tanh;
    Relu "relu" "`max(x, 0)`." true Tensor::relu;
    Sigmoid "sigmoid" "`1 / (1 + exp(−x))`." false |x| (x.neg()?.exp()? + 1.0)?.recip();
}
