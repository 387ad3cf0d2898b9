//! Model files to graph, passes, compression, pack; evaluation and the quality gate.

pub mod diagnostic;
