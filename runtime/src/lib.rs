//! Compiled models for Rust services: kernels, tokenizers, sessions and #[model].

#[doc(hidden)]
pub mod isa;
#[doc(hidden)]
pub mod kernels;
mod numerics;
pub mod session;
pub mod tokenizer;

pub use modeldeploy_format as format;
