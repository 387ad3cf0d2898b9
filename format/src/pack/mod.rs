//! A pack: one model as bytes that are used where they lie.
//!
//! ```text
//! header    64 bytes: magic, version, number of sections, length of the whole, layout
//! sections  24 bytes each: kind, offset, length; ascending, without overlap, each at a multiple of 64
//! …         signature, program, tensor table, tokenizer, golden vectors, and last the tensors' bytes
//! ```
//!
//! In memory a pack lies in one piece, or in a program that holds several in parts, of which others have some, too: [`divide`].
//!
//! Everything is little-endian. The tensors' bytes stand in the order in which the program reads them.

mod aligned;
mod header;
mod parts;
#[cfg(feature = "digest")]
mod place;
mod read;
#[cfg(feature = "digest")]
mod shared;
mod write;

pub use aligned::Aligned;
pub use header::{LAYOUT, LAYOUT_FINGERPRINT, SectionKind};
#[cfg(feature = "digest")]
pub use place::{BESIDE_MARK, Bytes, MARK, Place, gather, places};
pub use read::{Artifact, FOREST, PackError, Ranker, Scorer};
#[cfg(feature = "digest")]
pub use shared::{Division, Part, among, divide};
pub use write::{Contents, NetworkContents, RankContents, Writer, write_ranker};

/// Every section and every tensor begins at a multiple of this many bytes.
pub const ALIGN: usize = 64;
