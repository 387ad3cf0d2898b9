//! Compiled models for Rust services: kernels, tokenizers, sessions and #[model].

#[doc(hidden)]
pub mod isa;
#[doc(hidden)]
pub mod kernels;
mod numerics;
