//! The numbers of errors of ONNX models: 17xx, and MD0107 for an operator that is not supported.

use crate::diagnostic::Code;

/// An operator that is not supported, at that opset.
pub const UNSUPPORTED_OPERATOR: Code = Code("MD0107");
/// The file is not an ONNX model.
pub const NOT_A_MODEL: Code = Code("MD1701");
/// The model is of an opset that is not read.
pub const UNKNOWN_OPSET: Code = Code("MD1702");
/// The graph is not well formed: a cycle, a value that nothing computes or that two nodes do.
pub const BAD_GRAPH: Code = Code("MD1703");
/// A tensor of the file is not one.
pub const BAD_TENSOR: Code = Code("MD1704");
/// External data that cannot be read.
pub const BAD_EXTERNAL_DATA: Code = Code("MD1705");
/// A node cannot be computed for its inputs.
pub const CANNOT_COMPUTE: Code = Code("MD1706");
/// What was given is not what the model takes.
pub const WRONG_INPUT: Code = Code("MD1707");
