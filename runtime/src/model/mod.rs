//! Models as services use them: `#[model("query-encoder")] pub struct QueryEncoder;` makes a type of a locked model, and
//! `QueryEncoder::get()` a handle to it.
//!
//! What a handle can do follows from the model's task: [`embed`](Handle::embed) for `embed`, [`score`](Handle::score) for
//! `score`, [`classify`](Handle::classify) for `classify`. Asking a model for another task's method does not compile, nor does
//! the dot product of two models' vectors whose spaces are not one.

mod any;
mod beside;
mod embedding;
mod engine;
mod error;
mod handle;
pub(crate) mod locked;
pub(crate) mod pool;
mod self_test;
mod space;

pub use any::{AnyModel, Compiled, Made, Proved};
pub use beside::Beside;
pub use embedding::Embedding;
pub use engine::{Engine, Input};
pub use error::Error;
pub use handle::{Classification, Handle};
pub use self_test::SelfTest;
pub use space::{SameSpace, Space};

use modeldeploy_format::Task;

/// What a model takes and gives, as its lock says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Facts {
    /// What it is for.
    pub task: Task,
    /// The most tokens of a text, or of a ranker the most items of a session; longer ones are truncated.
    pub max_tokens: usize,
    /// Values of an output: the vector's length, 1 for a score, the number of labels, a ranker's scores of a candidate.
    pub outputs: usize,
    /// Whether vectors have unit length.
    pub normalized: bool,
    /// The labels, in the order of the outputs.
    pub labels: &'static [&'static str],
    /// The names of the prompts.
    pub prompts: &'static [&'static str],
    /// What its gate measured; none where the manifest asks for none.
    pub gate: Option<Gate>,
}

/// What a model's gate measured before it was locked. Figures are decimal numbers, as the lock has them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gate {
    /// The metric that decides, such as `ndcg@10`.
    pub metric: &'static str,
    /// The f32 reference's figure.
    pub base: &'static str,
    /// The pack's figure.
    pub got: &'static str,
    /// What it must reach, by name: `min-ratio`, `min-cosine`, `min`.
    pub thresholds: &'static [(&'static str, &'static str)],
    /// Further figures of the pack, by name: `cosine-mean`, `cosine-min`, other metrics.
    pub figures: &'static [(&'static str, &'static str)],
}

/// A locked model. `#[model("name")]` implements it; nothing else should.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a model",
    note = "a model is a unit struct with `#[modeldeploy::model(\"name\")]`, the name being one in `Model.lock`"
)]
pub trait Model: AnyModel {
    /// What its vectors mean: [`SPACE`](Model::SPACE) as a type.
    type Space: 'static;
    /// The name in the manifest and the lock.
    const NAME: &'static str;
    /// Its own version.
    const VERSION: &'static str;
    /// The sha256 of its pack, `sha256:…`.
    const DIGEST: &'static str;
    /// The sha256 of all that decides what its vectors mean: two models' vectors may be compared only if these are equal.
    const SPACE: &'static str;
    /// What it takes and gives.
    const FACTS: Facts;

    /// The model, made on the first call and kept.
    #[doc(hidden)]
    fn engine() -> Result<&'static Engine<'static>, Error>;
}

/// A model of the task `embed`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a model of the task `embed`",
    note = "a model's task is the one in the manifest, `[package.metadata.modeldeploy.model.…]`"
)]
pub trait EmbedModel: Model {}

/// A model of the task `score`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a model of the task `score`",
    note = "a model's task is the one in the manifest, `[package.metadata.modeldeploy.model.…]`"
)]
pub trait ScoreModel: Model {}

/// A model of the task `classify`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a model of the task `classify`",
    note = "a model's task is the one in the manifest, `[package.metadata.modeldeploy.model.…]`"
)]
pub trait ClassifyModel: Model {}
