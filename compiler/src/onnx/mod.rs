//! ONNX models: read, checked, and evaluated by a plain interpreter, which is the reference of everything that is made of them.
//!
//! Nothing of a file is trusted: all that is wrong with it is told in one run, memory is taken in proportion to the file or under a bound, a
//! shape that no tensor can have is refused before memory is taken for it, a run ends at what it may take, and external data come from whoever
//! reads files, by name.

mod attributes;
mod budget;
pub mod codes;
mod constant;
mod elem;
mod functions;
mod indices;
mod ml;
mod model;
mod ops;
mod opsets;
mod order;
mod read;
mod run;
mod small;
mod tensor;
#[cfg(test)]
pub(crate) mod tests;
mod trace;
#[rustfmt::skip]
#[allow(dead_code, unreachable_pub, clippy::all, reason = "generated, and of ONNX's whole vocabulary")]
mod wire;

pub use budget::Bounds;
pub use constant::read_tensor;
pub use elem::Elem;
pub use ml::{MlTrees, MlValue, is_trees as is_ml_trees, metadata, trees as ml_trees};
pub use model::{Dimension, Model, Port};
pub use ops::{NEWEST, OLDEST, Row, rows};
pub use read::{External, read};
pub use small::{F4E2M1, F8E4M3Fn, F8E4M3FnUz, F8E5M2, F8E5M2FnUz, F8E8M0, I2, I4, U2, U4};
pub use tensor::{Data, Tensor};
pub use trace::{Inputs, Lengths, Size, Source, Step, Trace, Traced};
