//! What a ranker takes, as protocols describe it.

use modeldeploy::format::features::{Kind, Rule, Side};
use modeldeploy::rank::Engine;

/// A feature as an input: a named tensor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Input {
    pub(crate) name: &'static str,
    pub(crate) side: Side,
    pub(crate) kind: Type,
}

/// The type of a tensor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Type {
    /// A number.
    Float,
    /// A whole one: an id.
    Int,
    Text,
    /// An embedding of so many values.
    Embedding(u32),
}

impl Input {
    /// The sizes of its tensor; -1 where one varies.
    pub(crate) fn sizes(&self) -> Vec<i64> {
        let count = if self.side == Side::User { 1 } else { -1 };
        match self.kind {
            Type::Embedding(width) => vec![count, width.into()],
            Type::Float | Type::Int | Type::Text => vec![count],
        }
    }
}

/// The inputs of a ranker, in the model's order.
pub(crate) fn inputs(engine: &'static Engine<'static>) -> impl Iterator<Item = Input> {
    engine.ranker().features.list().iter().map(|feature| {
        let kind = match (&feature.rule, feature.rule.kind()) {
            (Rule::Id { .. }, _) => Type::Int,
            (_, Kind::Number) => Type::Float,
            (_, Kind::Text) => Type::Text,
            (_, Kind::Embedding(of)) => Type::Embedding(of.width),
        };
        Input { name: &feature.name, side: feature.side, kind }
    })
}
