//! The compressed model as one file: what the store keeps under the digest that the lock pins.
//!
//! A safetensors file whose bytes follow from the model alone: the header's keys are sorted, the tensors stand in the order of
//! their names. Its metadata hold the graph's text form, the signature and the space; its tensors are the graph's constants
//! (`graph/` before their names) and the tokenizer's tables (`tokenizer`, U8). Codes of 4 bits, for which the format has no type, are U8
//! of half the width.

mod read;
mod write;

pub use read::read;
pub use write::write;

use crate::diagnostic::Code;
use crate::graph::Graph;
use modeldeploy_format::{Digest, Signature};

/// A file that is no compressed model.
pub const BAD_COMPRESSED: Code = Code("MD0811");

/// The version of the file that this program writes and reads.
const VERSION: &str = "1";
const GRAPH: &str = "modeldeploy.graph";
const SIGNATURE: &str = "modeldeploy.signature";
const SPACE: &str = "modeldeploy.space";
const FORMAT: &str = "modeldeploy.compressed";
const TOKENIZER: &str = "tokenizer";
const CONSTANT: &str = "graph/";

/// All that a pack is made of, golden vectors aside.
#[derive(Clone, Debug)]
pub struct CompressedModel {
    /// What it computes, its constants as they are stored.
    pub graph: Graph,
    /// What it takes and gives.
    pub signature: Signature,
    /// The tokenizer's tables.
    pub tokenizer: Vec<u8>,
    /// The digest of all that decides what its vectors mean.
    pub space: Digest,
}
