//! Embeddings as features: whose they are, and how wide.

use crate::Digest;
use crate::wire::{Decoder, Encoder, WireError};

/// The most values that all embeddings of a ranker have together.
pub const MOST_VALUES: u32 = 1 << 16;

/// Whose embedding a feature is. Embeddings of another space are none that the ranker was trained with.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "lock", derive(serde::Serialize, serde::Deserialize), serde(deny_unknown_fields))]
pub struct EmbeddingOf {
    /// The model that makes it, by its name in the lock.
    pub model: String,
    /// That model's space; [`UNLOCKED`](EmbeddingOf::UNLOCKED) where no lock has said it yet.
    pub space: Digest,
    /// How many values it has.
    pub width: u32,
}

impl EmbeddingOf {
    /// The space of what is not locked yet.
    pub const UNLOCKED: Digest = Digest::from_bytes([0; 32]);

    /// That it can be; `name` is the feature's.
    pub(crate) fn check(&self, name: &str) -> Result<(), String> {
        if self.width == 0 || self.width > MOST_VALUES {
            return Err(format!(
                "feature `{name}` is an embedding of {} values: 1 to {MOST_VALUES} are taken",
                self.width
            ));
        }
        Ok(())
    }

    pub(crate) fn encode(&self, out: &mut Encoder) {
        out.str(&self.model);
        out.0.extend(self.space.as_bytes());
        out.u32(self.width);
    }

    pub(crate) fn decode(read: &mut Decoder<'_>) -> Result<EmbeddingOf, WireError> {
        let model = read.str()?.to_owned();
        let space = read.take(32)?.try_into().expect("32 bytes were taken");
        Ok(EmbeddingOf { model, space: Digest::from_bytes(space), width: read.u32()? })
    }
}
