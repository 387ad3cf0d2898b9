//! The operators: what each takes, gives and means. One table, [`OPS`]; adding one is one file and one row.
//!
//! *Primitives* are what front ends write; *fused* operators are what passes make of them, and what the runtime has kernels
//! for; *compressed* ones come from compression.

mod activation;
mod affine;
mod arithmetic;
mod attention;
mod attributes;
mod bag;
mod causal;
mod concat;
mod constant;
mod dense;
mod dense_int8;
mod dot;
mod embed_sum;
mod gather;
mod gelu;
mod gru;
mod id_mask;
mod input;
mod key_mask;
mod layer_norm;
mod lstm;
mod matmul;
mod normalize;
mod pairs;
mod pointwise;
mod pool;
mod quantize;
mod reduce;
mod relative_bias;
mod reshape;
mod select;
mod shapes;
mod slice;
mod softmax;
mod table;
mod text;
mod token_count;
mod transpose;

pub use activation::Activate;
pub use affine::Affine;
pub use arithmetic::{Add, Div, Mul, Sub};
pub use attention::Attention;
pub use attributes::Attributes;
pub use bag::{Bag, BagInputs};
pub use causal::Causal;
pub use concat::Concat;
pub use dense::{Dense, DenseInputs};
pub use dense_int8::{DenseInt8, DenseInt8Inputs};
pub use dot::Dot;
pub use embed_sum::{EmbedLookup, EmbedSum};
pub use gather::Gather;
pub use gelu::Gelu;
pub use gru::Gru;
pub use id_mask::IdMask;
pub use input::Input;
pub use key_mask::{KeyMask, MaskedAttention, SafeSoftmax};
pub use layer_norm::LayerNorm;
pub use lstm::Lstm;
pub use matmul::MatMul;
pub use modeldeploy_format::program::{Activation, Pooling, Triangle};
pub use normalize::Normalize;
pub use pairs::Pairs;
pub use pointwise::{Erf, Exp, Neg, Relu, Sigmoid, Sqrt, Tanh};
pub use pool::Pool;
pub use quantize::Quantize;
pub use reduce::{ReduceMax, ReduceMean, ReduceSum};
pub use relative_bias::RelativeBias;
pub use reshape::Reshape;
pub use select::Select;
pub use slice::Slice;
pub use softmax::Softmax;
pub use table::TableInputs;
pub use text::{Request, Text};
pub use token_count::TokenCount;
pub use transpose::Transpose;

pub(crate) use activation::activate;

use crate::graph::{Constant, Type};
use candle_core::Tensor;

/// What an operator is: its name, its types, its meaning.
pub trait Operator: Sized {
    /// Its name in texts and messages.
    const NAME: &'static str;

    /// Whether candle gives the same bits on every machine: it moves numbers, or rounds each result once, as IEEE 754 has it. Sums
    /// and products of matrices follow the CPU's vectors, functions such as `exp` the system's library.
    const EXACT: bool = false;

    /// The type of its value for inputs of these types, or what is wrong with them.
    ///
    /// # Errors
    ///
    /// What the operator needs and the inputs are not.
    fn infer(&self, inputs: &[Type]) -> Result<Type, String>;

    /// Its value for one text, by candle in f32; the inputs are of types that `infer` took. Codes are f32 tensors of the codes,
    /// indices u32 tensors, and quantized rows the values that their codes stand for.
    ///
    /// # Errors
    ///
    /// What candle finds wrong, such as an index past the end of a table.
    fn eval(&self, inputs: &[Tensor], text: Text<'_>) -> candle_core::Result<Tensor>;

    /// Writes its attributes, those that text has in braces.
    fn write(&self, _attributes: &mut Attributes) {}

    /// Reads what [`write`](Operator::write) wrote.
    ///
    /// # Errors
    ///
    /// Which attribute is missing or wrong.
    fn read(attributes: &mut Attributes) -> Result<Self, String>;
}

/// A row of [`OPS`].
#[derive(Debug)]
pub struct OpInfo {
    /// The operator's name in texts.
    pub name: &'static str,
    /// [`Operator::EXACT`].
    pub exact: bool,
    /// Makes one from its attributes.
    pub read: fn(&mut Attributes) -> Result<Op, String>,
}

macro_rules! operators {
    ($($op:ident)*) => {
        /// Any operator.
        #[derive(Clone, Debug, PartialEq)]
        #[non_exhaustive]
        pub enum Op {
            $(#[doc = concat!("[`", stringify!($op), "`].")] $op($op),)*
        }

        $(impl From<$op> for Op {
            fn from(op: $op) -> Op {
                Op::$op(op)
            }
        })*

        /// Every operator.
        pub const OPS: &[OpInfo] = &[
            $(OpInfo {
                name: <$op as Operator>::NAME,
                exact: <$op as Operator>::EXACT,
                read: |attributes| <$op as Operator>::read(attributes).map(Op::$op),
            },)*
        ];

        impl Op {
            /// Its name in texts and messages.
            pub fn name(&self) -> &'static str {
                match self { $(Op::$op(_) => <$op as Operator>::NAME,)* }
            }

            /// [`Operator::EXACT`].
            pub fn is_exact(&self) -> bool {
                match self { $(Op::$op(_) => <$op as Operator>::EXACT,)* }
            }

            /// [`Operator::infer`].
            ///
            /// # Errors
            ///
            /// What the operator needs and the inputs are not.
            pub fn infer(&self, inputs: &[Type]) -> Result<Type, String> {
                match self { $(Op::$op(op) => op.infer(inputs),)* }
            }

            /// [`Operator::eval`].
            ///
            /// # Errors
            ///
            /// What candle finds wrong.
            pub fn eval(&self, inputs: &[Tensor], text: Text<'_>) -> candle_core::Result<Tensor> {
                match self { $(Op::$op(op) => op.eval(inputs, text),)* }
            }

            /// Its attributes as text has them.
            pub fn attributes(&self) -> Attributes {
                let mut attributes = Attributes::default();
                match self { $(Op::$op(op) => op.write(&mut attributes),)* }
                attributes
            }
        }
    };
}

operators! {
    Input Constant
    Gather Add Sub Mul Div Sqrt Exp Neg Erf Tanh Relu Sigmoid MatMul Reshape Transpose Slice Select Concat Softmax Causal
    ReduceMean ReduceSum ReduceMax TokenCount RelativeBias
    LayerNorm Gelu Activate Dense Attention EmbedSum Bag Pool Normalize Affine Dot Pairs Gru Lstm IdMask
    KeyMask SafeSoftmax MaskedAttention
    Quantize DenseInt8
}

#[cfg(test)]
mod tests;
