//! Benchmarks of the kernels and of whole models, each beside what the machine reaches.

pub mod machine;
pub mod model;
pub mod network;
pub mod part;
