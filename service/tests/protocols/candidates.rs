//! What the hand-made rankers are asked, as `#[model]` would write it, and what their handles say.

use crate::models::{Feed, Nearby, Shelf};
use modeldeploy::rank::{For, Handle, List, RankModel as _, Row, User, Userless, Value};

impl Userless for Shelf {}

/// A candidate of `shelf`, as `#[model]` writes it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ShelfRow<'a> {
    pub(crate) price: f64,
    pub(crate) brand: &'a str,
}

impl Row for ShelfRow<'_> {
    type Model = Shelf;

    fn values(&self) -> impl AsRef<[Value<'_>]> {
        [Value::Number(self.price), Value::Text(self.brand)]
    }
}

/// A candidate of `feed`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FeedRow {
    pub(crate) item: f64,
    pub(crate) boost: f64,
}

impl Row for FeedRow {
    type Model = Feed;

    fn values(&self) -> impl AsRef<[Value<'_>]> {
        [Value::Number(self.item), Value::Number(self.boost)]
    }
}

/// For whom `feed` ranks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FeedUser<'a> {
    pub(crate) seen: &'a [f64],
    pub(crate) country: &'a str,
}

impl User for FeedUser<'_> {
    type Model = Feed;

    fn values(&self) -> impl AsRef<[Value<'_>]> {
        [Value::Text(self.country)]
    }

    fn session(&self) -> impl AsRef<[List<'_>]> {
        [List::Numbers(self.seen)]
    }
}

/// What the handle itself says of candidates of a shelf.
pub(crate) fn of_shelf(rows: &[ShelfRow<'_>]) -> Vec<f64> {
    Handle::<Shelf>::new().scores(rows).expect("scores")
}

/// What the handle itself says of candidates of a feed, two scores each.
pub(crate) fn of_feed(user: &FeedUser<'_>, rows: &[FeedRow]) -> Vec<f64> {
    Handle::<Feed>::new().scores_for(user, rows).expect("scores")
}

/// What the engine itself says of candidates of `nearby`, a title and a boost each, two scores each.
pub(crate) fn of_nearby(query: &[f32; 3], rows: &[([f32; 3], f64)]) -> Vec<f64> {
    let user = [Value::Embedding(query)];
    let values: Vec<[Value<'_>; 2]> =
        rows.iter().map(|(title, boost)| [Value::Number(*boost), Value::Embedding(title)]).collect();
    let mut scores = vec![];
    let asked = For { user: &user, session: &[] };
    let engine = Nearby::engine().expect("an engine");
    engine.run_values(asked, values.iter(), |row| scores.extend_from_slice(row)).expect("scores");
    scores
}
