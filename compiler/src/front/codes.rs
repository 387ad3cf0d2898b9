//! The numbers of the front end's errors: 01xx for the folder and its configuration, 02xx for safetensors and tensors.

use crate::diagnostic::Code;

/// A file or folder cannot be read.
pub const UNREADABLE: Code = Code("MD0101");
/// A file that a model folder must have is not there.
pub const NO_FILE: Code = Code("MD0102");
/// A file is not JSON.
pub const NOT_JSON: Code = Code("MD0103");
/// A key is missing, of the wrong type, or out of range.
pub const BAD_KEY: Code = Code("MD0104");
/// The architecture is not one of those known.
pub const UNKNOWN_ARCHITECTURE: Code = Code("MD0105");
/// A setting that this program does not compute.
pub const UNSUPPORTED_SETTING: Code = Code("MD0106");
/// The weights are only there as a pickle.
pub const PICKLED_WEIGHTS: Code = Code("MD0108");
/// A sentence-transformers module that this program does not compute.
pub const UNSUPPORTED_MODULE: Code = Code("MD0109");
/// The checkpoint cannot do the task.
pub const WRONG_TASK: Code = Code("MD0110");
/// The folder has no tokenizer.
pub const NO_TOKENIZER: Code = Code("MD0111");
/// The tokenizer has more tokens than the embedding has rows.
pub const VOCABULARY_MISFIT: Code = Code("MD0112");
/// More tokens were asked for than the model has positions.
pub const TOO_MANY_TOKENS: Code = Code("MD0113");
/// An ONNX graph that is none of the encoders that are known.
pub const UNKNOWN_GRAPH: Code = Code("MD0115");
/// An ONNX graph that is no recommender that can be compiled.
pub const UNKNOWN_NETWORK: Code = Code("MD0116");
/// A network or an encoder that does not compute what its ONNX file does.
pub const OTHER_SCORES: Code = Code("MD0117");
/// A Git LFS pointer or a web page stands in the place of a file.
pub const STAND_IN: Code = Code("MD0114");

/// A safetensors file that is cut short, or whose header is not one.
pub const BAD_HEADER: Code = Code("MD0201");
/// A tensor lies outside its file, over another, or not where its shape says.
pub const BAD_OFFSETS: Code = Code("MD0202");
/// Two tensors have one name.
pub const DUPLICATE_TENSOR: Code = Code("MD0203");
/// A tensor is stored in a type that weights cannot have.
pub const BAD_DTYPE: Code = Code("MD0204");
/// A tensor is missing.
pub const MISSING_TENSOR: Code = Code("MD0205");
/// A tensor has another shape than the configuration says.
pub const MISSHAPEN_TENSOR: Code = Code("MD0206");
/// A tensor has no place in the architecture.
pub const EXTRA_TENSOR: Code = Code("MD0207");
/// A weight is NaN or infinite.
pub const NOT_FINITE: Code = Code("MD0208");
/// The index of a sharded checkpoint and its shards disagree.
pub const BAD_INDEX: Code = Code("MD0209");
