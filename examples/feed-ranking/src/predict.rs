//! `POST /predict`: a shopper and the session's clicks to a feed, with what each model said of each item.

use crate::feed::{Feed, MOST, Shown, Stage};
use crate::items::{ITEMS, Item, item};
use crate::models::{self, ModelName};
use crate::shoppers::{self, Shopper, UNNAMED, shopper};
use crate::workers;
use axum::routing::post;
use axum::{Json, Router};
use modeldeploy_service::{JsonBody, Refusal};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};
use std::ops::RangeInclusive;

/// Items in a feed unless the request says otherwise.
const DEFAULT_LIMIT: usize = 20;
/// The most clicks of a session. The networks read the last 50; what candidates share with the session is counted over all.
const MAX_CLICKS: usize = 1_000;
/// Ages that are known, in years.
const AGES: RangeInclusive<f64> = 1.0..=150.0;

pub(crate) fn router() -> Router {
    Router::new().route("/predict", post(predict))
}

/// Who looks at the feed, and what they have clicked.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Request {
    /// Without it, somebody of whom nothing is known.
    #[serde(default, deserialize_with = "from_object")]
    user: User,
    /// Numbers of items, the oldest click first.
    #[serde(default)]
    session: Vec<u32>,
    /// How many items to answer with, 1 to [`MOST`].
    limit: Option<usize>,
}

/// A shopper by name, or what is known of one who has none.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct User {
    id: Option<String>,
    country: Option<String>,
    device: Option<String>,
    age: Option<f64>,
}

/// A user from an object alone: a struct that serde derives takes an array of its fields as well.
fn from_object<'de, D: Deserializer<'de>>(deserializer: D) -> Result<User, D::Error> {
    let object = Map::<String, Value>::deserialize(deserializer)?;
    User::deserialize(object).map_err(D::Error::custom)
}

/// The feed.
#[derive(Debug, Serialize)]
struct Response {
    feed: Vec<Entry>,
    /// How many items each stage was given, and how many went on.
    stages: Of<Counts>,
    /// How long each stage took.
    timing_us: Of<u64>,
    models: [ModelName; 4],
}

/// An item of the feed.
#[derive(Debug, Serialize)]
struct Entry {
    item: u32,
    title: &'static str,
    category: &'static str,
    subcategory: &'static str,
    brand: &'static str,
    price: f64,
    scores: Said<f64>,
    places: Said<usize>,
}

/// One of each stage.
#[derive(Debug, Serialize)]
struct Of<T> {
    two_tower: T,
    sasrec: T,
    ranker: T,
    re_ranker: T,
}

/// What each model said of an item.
#[derive(Debug, Serialize)]
struct Said<T> {
    two_tower: T,
    sasrec: T,
    click: T,
    rank: T,
}

#[derive(Debug, Serialize)]
struct Counts {
    #[serde(rename = "in")]
    given: usize,
    out: usize,
}

async fn predict(JsonBody(request): JsonBody<Request>) -> Result<Json<Response>, Refusal> {
    let limit = request.limit.unwrap_or(DEFAULT_LIMIT);
    if !(1..=MOST).contains(&limit) {
        return Err(Refusal::bad_request(format!("`limit` is {limit}: it must be 1 to {MOST}")));
    }
    let session = session(&request.session)?;
    let shopper = of_user(request.user)?;
    let feed = workers::run(move || Feed::of(&shopper, &session, limit)).await?;
    Ok(Json(response(&feed.map_err(|error| Refusal::internal(error.to_string()))?)))
}

fn session(clicks: &[u32]) -> Result<Vec<&'static Item>, Refusal> {
    if clicks.len() > MAX_CLICKS {
        let message = format!("`session` has {} clicks: give the last {MAX_CLICKS} at most", clicks.len());
        return Err(Refusal::bad_request(message));
    }
    let click = |(at, &id): (usize, &u32)| {
        item(id).ok_or_else(|| {
            Refusal::bad_request(format!("`session[{at}]` is {id}: the items of the shop are 1 to {}", ITEMS.len()))
        })
    };
    clicks.iter().enumerate().map(click).collect()
}

fn of_user(user: User) -> Result<Shopper, Refusal> {
    let User { id, country, device, age } = user;
    if let Some(id) = id {
        if country.is_some() || device.is_some() || age.is_some() {
            return Err(Refusal::bad_request(
                "`user` has an `id` and more: give the `id` of a shopper, or `country`, `device` and `age` of one who has none",
            ));
        }
        let (first, last) = shoppers::names();
        let known = shopper(&id).cloned();
        return known.ok_or_else(|| {
            Refusal::bad_request(format!(
                "`user.id` is `{id}`: the shop knows `{first}` to `{last}`; of another give `country`, `device` and `age`"
            ))
        });
    }
    if let Some(age) = age.filter(|age| !AGES.contains(age)) {
        let (least, most) = (AGES.start(), AGES.end());
        return Err(Refusal::bad_request(format!("`user.age` is {age}: it must be {least} to {most} years")));
    }
    Ok(Shopper {
        id: UNNAMED.to_owned(),
        country: country.unwrap_or_default(),
        device: device.unwrap_or_default(),
        age: age.unwrap_or(0.0),
    })
}

fn response(feed: &Feed) -> Response {
    let Feed { shown, two_tower, sasrec, ranker, re_ranker } = feed;
    let counts = |stage: &Stage| Counts { given: stage.items_in, out: stage.items_out };
    let micros = |stage: &Stage| u64::try_from(stage.took.as_micros()).unwrap_or(u64::MAX);
    Response {
        feed: shown.iter().map(entry).collect(),
        stages: Of {
            two_tower: counts(two_tower),
            sasrec: counts(sasrec),
            ranker: counts(ranker),
            re_ranker: counts(re_ranker),
        },
        timing_us: Of {
            two_tower: micros(two_tower),
            sasrec: micros(sasrec),
            ranker: micros(ranker),
            re_ranker: micros(re_ranker),
        },
        models: models::NAMES,
    }
}

fn entry(shown: &Shown) -> Entry {
    let Shown { item, two_tower, sasrec, click, rank } = *shown;
    Entry {
        item: item.id,
        title: &item.title,
        category: &item.category,
        subcategory: &item.subcategory,
        brand: &item.brand,
        price: item.price,
        scores: Said { two_tower: two_tower.score, sasrec: sasrec.score, click: click.score, rank: rank.score },
        places: Said { two_tower: two_tower.place, sasrec: sasrec.place, click: click.place, rank: rank.place },
    }
}
