//! Model files to graph, passes, compression, pack; evaluation and the quality gate.

#![forbid(unsafe_code)]

pub mod compare;
pub mod compress;
pub mod compressed;
pub mod diagnostic;
pub mod emit;
pub mod eval;
pub mod features;
pub mod front;
pub mod gate;
pub mod graph;
pub mod index;
pub mod lower;
pub mod manifest;
pub mod memory;
pub mod metrics;
pub mod onnx;
pub mod ops;
pub mod passes;
pub mod pipeline;
mod records;
pub mod reference;
pub mod section;
pub mod store;
pub mod suite;
pub mod tokenizer;
pub mod trees;
