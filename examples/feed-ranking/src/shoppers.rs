//! The shoppers that the models know by name, compiled in, and `GET /shoppers`, which lists them.

use axum::routing::get;
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use std::sync::LazyLock;

/// The name under which the models meet who has none: its hash is the row of the tables in which training hid shoppers.
pub(crate) const UNNAMED: &str = "visitor 4597";

/// Who is asked for, as a line of the file has it. What is not known of them is empty, and the age 0: the first bucket of the models is
/// for that.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Shopper {
    pub(crate) id: String,
    pub(crate) country: String,
    pub(crate) device: String,
    /// In years.
    pub(crate) age: f64,
}

static SHOPPERS: LazyLock<Vec<Shopper>> = LazyLock::new(|| {
    include_str!("../log/users.jsonl")
        .lines()
        .map(|line| serde_json::from_str(line).expect("the shoppers are checked by their generator and by the tests"))
        .collect()
});

/// The shopper of this name.
pub(crate) fn shopper(id: &str) -> Option<&'static Shopper> {
    let place = SHOPPERS.binary_search_by(|shopper| shopper.id.as_str().cmp(id));
    place.ok().map(|place| &SHOPPERS[place])
}

/// The first name and the last.
pub(crate) fn names() -> (&'static str, &'static str) {
    let name = |shopper: Option<&'static Shopper>| shopper.map_or("", |shopper| shopper.id.as_str());
    (name(SHOPPERS.first()), name(SHOPPERS.last()))
}

pub(crate) fn router() -> Router {
    Router::new().route("/shoppers", get(async || Json(SHOPPERS.as_slice())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shopper_is_found_by_name() {
        assert!(SHOPPERS.is_sorted_by(|a, b| a.id < b.id));
        for one in SHOPPERS.iter() {
            assert!(shopper(&one.id).is_some_and(|found| found.country == one.country), "{one:?}");
        }
        assert!(shopper(UNNAMED).is_none() && shopper("").is_none());
    }

    /// The hash of docs/rank.md, with the seed and the buckets that both models' `features.toml` have.
    #[test]
    fn a_visitor_without_a_name_has_the_row_of_hidden_shoppers() {
        for model in ["two-tower", "ranker"] {
            let path = format!("{}/models/{model}/features.toml", env!("CARGO_MANIFEST_DIR"));
            let rules = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
            assert!(rules.contains("buckets = 2048\nseed = 20\n"), "{path}");
        }
        let bucket = |name: &str| {
            let bytes = 20u64.to_le_bytes().into_iter().chain(name.bytes());
            bytes.fold(0xcbf2_9ce4_8422_2325u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3))
                % 2048
        };
        assert_eq!(bucket(UNNAMED), 0);
        assert!(SHOPPERS.iter().all(|shopper| bucket(&shopper.id) != 0), "no shopper shares it");
    }
}
