//! Rankers as services use them: `#[model("ranker")] pub struct Ranker;` makes a type of a locked ranker, trees or a network, and beside it
//! `RankerRow`, what is known of one candidate.
//!
//! ```text
//! #[model("ranker")]
//! pub struct Ranker;
//!
//! let rows: Vec<RankerRow> = candidates.iter().map(|it| RankerRow { price: it.price, brand: &it.brand }).collect();
//! for hit in Ranker::get().rank(&rows)? {
//!     println!("{:.3} {}", hit.score, candidates[hit.row].name);
//! }
//! ```
//!
//! Where the model knows users or sessions, there is `RankerUser` as well, and what depends on it alone is computed once for all candidates:
//!
//! ```text
//! let user = RankerUser { country: "fr", seen: &session };
//! let ranked = Ranker::get().rank_for(&user, &rows)?;
//! ```
//!
//! A row has a field for each feature of the model, in the types of its `features.toml`: what is missing, extra or of another type
//! does not compile. The same rules that made the numbers of the training data make those of a row.

mod engine;
mod handle;
mod network;
mod trees;

pub use engine::Engine;
pub use handle::{Handle, Ranked};
pub use modeldeploy_format::features::{List, Value, ValueError};

use crate::model::{AnyModel, Error, Facts};

/// A locked ranker. `#[model("name")]` implements it; nothing else should.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a model of the task `rank`",
    note = "a model's task is the one in the manifest, `[package.metadata.modeldeploy.model.…]`"
)]
pub trait RankModel: AnyModel {
    /// The name in the manifest and the lock.
    const NAME: &'static str;
    /// Its own version.
    const VERSION: &'static str;
    /// The sha256 of its pack, `sha256:…`.
    const DIGEST: &'static str;
    /// The names of its features, in the model's order.
    const FEATURES: &'static [&'static str];
    /// How many scores a row gets.
    const OUTPUTS: usize;
    /// What it takes and gives.
    const FACTS: Facts;

    /// The model, made on the first call and kept.
    #[doc(hidden)]
    fn engine() -> Result<&'static Engine<'static>, Error>;
}

/// A ranker that knows candidates alone, no user and no session.
#[diagnostic::on_unimplemented(
    message = "`{Self}` ranks for a user or a session",
    note = "call `rank_for(&user, &rows)` with the `…User` that `#[model]` wrote beside it"
)]
pub trait Userless: RankModel {}

/// What is known of one candidate: the struct that `#[model]` writes beside a ranker.
pub trait Row {
    /// The ranker whose features they are.
    type Model: RankModel;

    /// The values, in the model's order.
    #[doc(hidden)]
    fn values(&self) -> impl AsRef<[Value<'_>]>;
}

/// What is known of a user and of a session: the struct that `#[model]` writes beside a ranker that asks for some of it.
pub trait User {
    /// The ranker whose features they are.
    type Model: RankModel;

    /// The user's values, in the model's order.
    #[doc(hidden)]
    fn values(&self) -> impl AsRef<[Value<'_>]>;

    /// The session's lists, in the model's order.
    #[doc(hidden)]
    fn session(&self) -> impl AsRef<[List<'_>]>;
}

/// For whom candidates are ranked, as engines are told: the user's values and the session's lists, each in the model's order.
#[derive(Clone, Copy, Debug, Default)]
pub struct For<'v> {
    /// The user's values.
    pub user: &'v [Value<'v>],
    /// The session's lists, the oldest item first.
    pub session: &'v [List<'v>],
}
