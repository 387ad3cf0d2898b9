//! Where the bytes of a pack come from: linked into the executable or attached to it, read from a file beside it (release), or mapped
//! from the store (debug).
//!
//! `#[model]` and `#[index]` expand to what stands here; nothing of it is for use by hand.

mod attached;
mod beside;
mod blob;
mod cell;
mod map;
mod own;
mod warm;

pub use blob::Blob;
pub use cell::{IndexCell, ModelCell, RankCell};
pub use map::Mapping;
pub use warm::Warm;
