//! What an expansion keeps in a static: the model or index, once it was asked for. A failure is not kept.

use super::Blob;
use crate::model::{Engine, Error};
use modeldeploy_format::index::Vectors;
use std::sync::OnceLock;

/// A model, once it was asked for.
#[derive(Debug)]
pub struct ModelCell(OnceLock<Engine<'static>>);

/// An index, once it was asked for.
#[derive(Debug)]
pub struct IndexCell(OnceLock<Vectors<'static>>);

impl ModelCell {
    /// Nothing yet.
    #[expect(clippy::new_without_default, reason = "expansions need a const")]
    pub const fn new() -> ModelCell {
        ModelCell(OnceLock::new())
    }

    /// The model; made of `blob` if it is the first time.
    ///
    /// # Errors
    ///
    /// If the blob cannot be had or is no pack.
    pub fn get(&self, what: &str, blob: Blob) -> Result<&Engine<'static>, Error> {
        if let Some(engine) = self.0.get() {
            return Ok(engine);
        }
        let engine = Engine::new(what, blob.bytes()?)?;
        Ok(self.0.get_or_init(|| engine))
    }
}

impl IndexCell {
    /// Nothing yet.
    #[expect(clippy::new_without_default, reason = "expansions need a const")]
    pub const fn new() -> IndexCell {
        IndexCell(OnceLock::new())
    }

    /// The index; proved if it is the first time.
    ///
    /// # Errors
    ///
    /// If the blob cannot be had or is no index.
    pub fn get(&self, what: &str, blob: Blob) -> Result<&Vectors<'static>, Error> {
        if let Some(vectors) = self.0.get() {
            return Ok(vectors);
        }
        let vectors =
            Vectors::parse(blob.bytes()?).map_err(|error| Error::Damaged { cause: format!("{what}: {error}") })?;
        Ok(self.0.get_or_init(|| vectors))
    }
}
