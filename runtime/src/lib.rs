//! Compiled models for Rust services: kernels, tokenizers, sessions and #[model].
