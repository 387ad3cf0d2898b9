//! Model files to graph, passes, compression, pack; evaluation and the quality gate.

pub mod diagnostic;
pub mod graph;
pub mod ops;
pub mod passes;
pub mod reference;
pub mod tokenizer;
