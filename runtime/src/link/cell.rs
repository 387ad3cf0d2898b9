//! What an expansion keeps in a static: the model or index, once it was asked for. A failure is not kept.

use super::Blob;
use crate::index::Index;
use crate::model::{Engine, Error, Model};
use crate::rank::{self, RankModel};
use modeldeploy_format::index::Vectors;
use std::sync::OnceLock;

/// A model, once it was asked for.
#[derive(Debug)]
pub struct ModelCell(OnceLock<Engine<'static>>);

/// A ranker, once it was asked for.
#[derive(Debug)]
pub struct RankCell(OnceLock<rank::Engine<'static>>);

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
    /// If the blob cannot be had, is no pack, or is the pack of a model that does or gives something else than `M`.
    pub fn get<M: Model>(&self, what: &str, blob: Blob) -> Result<&Engine<'static>, Error> {
        if let Some(engine) = self.0.get() {
            return Ok(engine);
        }
        let engine = Engine::linked(what, &blob.parts()?)?;
        let signature = engine.signature();
        let (task, outputs) = (M::FACTS.task, M::FACTS.outputs);
        if signature.task != task || signature.outputs as usize != outputs {
            let cause = format!(
                "{what} is damaged: it does `{}` with {} outputs, and `{task}` with {outputs} is locked",
                signature.task, signature.outputs
            );
            return Err(Error::Damaged { cause });
        }
        Ok(self.0.get_or_init(|| engine))
    }
}

impl RankCell {
    /// Nothing yet.
    #[expect(clippy::new_without_default, reason = "expansions need a const")]
    pub const fn new() -> RankCell {
        RankCell(OnceLock::new())
    }

    /// The ranker; made of `blob` if it is the first time.
    ///
    /// # Errors
    ///
    /// If the blob cannot be had, is no pack, or is the pack of a model with other features or scores than `M`.
    pub fn get<M: RankModel>(&self, what: &str, blob: Blob) -> Result<&rank::Engine<'static>, Error> {
        if let Some(engine) = self.0.get() {
            return Ok(engine);
        }
        let engine = rank::Engine::linked(what, &blob.parts()?)?;
        let signature = engine.signature();
        let features = signature.features.iter().map(|feature| feature.name.as_str());
        if !features.eq(M::FEATURES.iter().copied()) || signature.outputs as usize != M::OUTPUTS {
            let cause = format!("{what} is damaged: its features or its scores are not those that are locked");
            return Err(Error::Damaged { cause });
        }
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
    /// If the blob cannot be had, is no index, or has other rows than `I`, of another width or space than its model's.
    pub fn get<I: Index>(&self, what: &str, blob: Blob) -> Result<&Vectors<'static>, Error> {
        if let Some(vectors) = self.0.get() {
            return Ok(vectors);
        }
        let vectors =
            Vectors::parse(blob.bytes()?).map_err(|error| Error::Damaged { cause: format!("{what}: {error}") })?;
        let (rows, width) = (I::ROWS, I::Model::FACTS.outputs);
        if (vectors.rows(), vectors.width()) != (rows, width) {
            let (there, wide) = (vectors.rows(), vectors.width());
            let cause =
                format!("{what} is damaged: it has {there} rows of {wide} values, {rows} of {width} are locked");
            return Err(Error::Damaged { cause });
        }
        let space = vectors.space().to_string();
        if space != I::Model::SPACE {
            let cause =
                format!("{what} is damaged: its vectors lie in {space}, those of its model in {}", I::Model::SPACE);
            return Err(Error::Damaged { cause });
        }
        Ok(self.0.get_or_init(|| vectors))
    }
}
