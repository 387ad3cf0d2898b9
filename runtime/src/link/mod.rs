//! Where the bytes of a pack come from: linked into the executable (release), or mapped from the store (debug).
//!
//! `#[model]` and `#[index]` expand to what stands here; nothing of it is for use by hand.

mod blob;
mod cell;
mod map;
mod warm;

pub use blob::Blob;
pub use cell::{IndexCell, ModelCell};
pub use map::Mapping;
pub use warm::Warm;
