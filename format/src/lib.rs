//! The contract between build time and run time.
//!
//! A *pack* is one model, ready to run where it lies: a header, the signature, the program, its tensors in the order in which
//! the kernels read them, the tokenizer's tables and golden vectors. The compiler writes packs ([`pack::Writer`]); services read
//! them in place ([`pack::Artifact::parse`]), and after that nothing about a pack can be wrong.
//!
//! ```
//! let error = modeldeploy_format::pack::Artifact::parse(b"not a pack").unwrap_err();
//! assert!(error.to_string().contains("not a modeldeploy pack"));
//! ```

#![forbid(unsafe_code)]

pub mod digest;
pub mod dtype;
pub mod features;
pub mod forest;
pub mod golden;
pub mod index;
#[cfg(feature = "lock")]
pub mod lock;
pub mod pack;
pub mod program;
pub mod signature;
pub mod tensor;
pub mod tokenizer;
pub mod variables;
mod wire;

pub use digest::Digest;
pub use dtype::DType;
pub use pack::Artifact;
pub use signature::{Signature, Task};
