//! What each model is told of a candidate, by the names of its `features.toml`.

use crate::items::{ITEMS, Item};
use crate::seen::Fit;
use crate::{RankerRow, ReRankerRow, SasrecRow, TwoTowerRow};
use std::sync::LazyLock;

/// All items as the two-tower model takes them: no request changes them.
pub(crate) static OF_TWO_TOWER: LazyLock<Vec<TwoTowerRow<'static>>> =
    LazyLock::new(|| ITEMS.iter().map(of_two_tower).collect());

/// All items as SASRec takes them.
pub(crate) static OF_SASREC: LazyLock<Vec<SasrecRow>> =
    LazyLock::new(|| ITEMS.iter().map(|item| SasrecRow { item: f64::from(item.id) }).collect());

/// What the models before have said of an item, and how it fits the session.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Known {
    pub(crate) two_tower: f64,
    pub(crate) sasrec: f64,
    pub(crate) fit: Fit,
}

fn of_two_tower(item: &Item) -> TwoTowerRow<'_> {
    TwoTowerRow {
        item: f64::from(item.id),
        category: &item.category,
        subcategory: &item.subcategory,
        brand: &item.brand,
        age_days: item.age_days,
        log_price: item.price.ln(),
        log_popularity: (1.0 + item.popularity).ln(),
    }
}

/// An item as the ranker takes it.
pub(crate) fn of_ranker<'a>(item: &'a Item, known: &Known) -> RankerRow<'a> {
    let Known { two_tower, sasrec, fit } = *known;
    RankerRow {
        log_price: item.price.ln(),
        log_popularity: (1.0 + item.popularity).ln(),
        age_days: item.age_days,
        two_tower_score: two_tower,
        sasrec_score: sasrec,
        price_ratio: fit.price_ratio,
        same_brand: fit.same_brand,
        same_subcategory: fit.same_subcategory,
        same_category: fit.same_category,
        category: &item.category,
        subcategory: &item.subcategory,
        brand: &item.brand,
        item: f64::from(item.id),
    }
}

/// An item as the re-ranker takes it, with the ranker's probability.
pub(crate) fn of_re_ranker<'a>(item: &'a Item, known: &Known, click: f64, clicks: f64) -> ReRankerRow<'a> {
    let Known { two_tower, sasrec, fit } = *known;
    ReRankerRow {
        click,
        sasrec_score: sasrec,
        two_tower_score: two_tower,
        price_ratio: fit.price_ratio,
        same_brand: fit.same_brand,
        same_subcategory: fit.same_subcategory,
        same_category: fit.same_category,
        clicks,
        price: item.price,
        age_days: item.age_days,
        popularity: item.popularity,
        subcategory: &item.subcategory,
    }
}
