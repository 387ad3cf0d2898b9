//! The items of the shop: the very file that the models' training read, compiled in, and `GET /items/{item}`.

use axum::extract::Path;
use axum::http::StatusCode;
use axum::routing::get;
use axum::{Json, Router};
use modeldeploy_service::Refusal;
use serde::{Deserialize, Serialize};
use std::sync::LazyLock;

/// An item, as a line of the file has it.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Item {
    /// From 1; 0 is the models' item that is not known.
    pub(crate) id: u32,
    pub(crate) title: String,
    pub(crate) category: String,
    pub(crate) subcategory: String,
    pub(crate) brand: String,
    /// In dollars.
    pub(crate) price: f64,
    /// Days on sale.
    pub(crate) age_days: f64,
    /// Clicks before the models were trained.
    pub(crate) popularity: f64,
}

impl Item {
    /// Its place in [`ITEMS`].
    pub(crate) fn row(&self) -> usize {
        self.id as usize - 1
    }
}

/// The items by their numbers: that with number n stands at n - 1.
pub(crate) static ITEMS: LazyLock<Vec<Item>> = LazyLock::new(|| {
    include_str!("../log/items.jsonl")
        .lines()
        .map(|line| serde_json::from_str(line).expect("the items are checked by their generator and by the tests"))
        .collect()
});

/// The item of this number.
pub(crate) fn item(id: u32) -> Option<&'static Item> {
    ITEMS.get(id.checked_sub(1)? as usize)
}

pub(crate) fn router() -> Router {
    Router::new().route("/items/{item}", get(one))
}

async fn one(Path(id): Path<String>) -> Result<Json<&'static Item>, Refusal> {
    let found = id.parse().ok().and_then(item);
    found.map(Json).ok_or_else(|| {
        Refusal::new(
            StatusCode::NOT_FOUND,
            format!("there is no item `{id}`: the items of the shop are 1 to {}", ITEMS.len()),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_item_stands_at_its_number() {
        for (row, item) in ITEMS.iter().enumerate() {
            assert!(
                item.row() == row && super::item(item.id).is_some_and(|found| found.title == item.title),
                "{item:?}"
            );
            assert!(item.price > 0.0 && !item.title.is_empty(), "{item:?}");
        }
        assert!(item(0).is_none() && item(ITEMS.len() as u32 + 1).is_none());
    }
}
