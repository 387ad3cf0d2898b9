//! One number for all those along an axis.

use super::{Attributes, Operator, Text, shapes};
use crate::graph::{Dim, Elem, Type};
use candle_core::Tensor;

macro_rules! reduce {
    ($($op:ident $name:literal $drop:ident $keep:ident $doc:literal)*) => {$(
        #[doc = $doc]
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub struct $op {
            /// Which axis.
            pub axis: usize,
            /// Whether the axis stays, of size 1.
            pub keep: bool,
        }

        impl Operator for $op {
            const NAME: &'static str = $name;

            fn infer(&self, inputs: &[Type]) -> Result<Type, String> {
                infer(inputs, self.axis, self.keep)
            }

            fn eval(&self, inputs: &[Tensor], _: Text<'_>) -> candle_core::Result<Tensor> {
                if self.keep { inputs[0].$keep(self.axis) } else { inputs[0].$drop(self.axis) }
            }

            fn write(&self, attributes: &mut Attributes) {
                attributes.set("axis", self.axis);
                attributes.flag("keep", self.keep);
            }

            fn read(attributes: &mut Attributes) -> Result<Self, String> {
                Ok(Self { axis: attributes.take("axis")?, keep: attributes.take_flag("keep")? })
            }
        }
    )*};
}

reduce! {
    ReduceMean "reduce_mean" mean mean_keepdim "The mean along an axis."
    ReduceSum "reduce_sum" sum sum_keepdim "The sum along an axis."
    ReduceMax "reduce_max" max max_keepdim "The greatest along an axis."
}

fn infer(inputs: &[Type], axis: usize, keep: bool) -> Result<Type, String> {
    let [x] = shapes::exactly(inputs)?;
    shapes::elem("the input", x, Elem::F32)?;
    shapes::axis(axis, x)?;
    let mut shape = x.shape.clone();
    if keep {
        shape[axis] = Dim::Fixed(1);
    } else {
        shape.remove(axis);
    }
    Ok(Type::f32(shape))
}
