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

/// An item with what the models before have said of it, and how it fits the session.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Known {
    pub(crate) item: &'static Item,
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

/// A candidate as the ranker takes it.
pub(crate) fn of_ranker(known: &Known) -> RankerRow<'static> {
    let Known { item, two_tower, sasrec, fit } = *known;
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

/// A candidate as the re-ranker takes it, with the ranker's probability and how many clicks the session has.
pub(crate) fn of_re_ranker(known: &Known, click: f64, clicks: f64) -> ReRankerRow<'static> {
    let Known { item, two_tower, sasrec, fit } = *known;
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

/// Training's own rows of the same candidates, in the models' golden requests. Python's logarithm may end in another last bit.
#[cfg(test)]
mod tests {
    use super::*;
    use crate::seen::Seen;
    use serde_json::Value;

    /// A request of the models' golden files: what was clicked, and the rows of each model.
    struct Told {
        session: Vec<&'static Item>,
        two_tower: Value,
        ranker: Value,
    }

    fn file(path: &str) -> String {
        let path = format!("{}/models/{path}", env!("CARGO_MANIFEST_DIR"));
        std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    /// All but the last, which is of a brand and an item that the shop has not, and those that do not tell all their clicks.
    fn told() -> Vec<Told> {
        let lines = |model: &str| -> Vec<Value> {
            let read = |line: &str| serde_json::from_str(line).expect("JSON");
            file(&format!("{model}/golden.jsonl")).lines().map(read).collect()
        };
        let told = |(two_tower, ranker): (Value, Value)| {
            let session = two_tower["session"]["session"].as_array().expect("a list").iter();
            let ids = session.map(|id| id.as_u64().expect("a number") as u32).filter(|&id| id != 0);
            Told { session: ids.map(|id| crate::items::item(id).expect("an item")).collect(), two_tower, ranker }
        };
        let mut all: Vec<Told> = lines("two-tower").into_iter().zip(lines("ranker")).map(told).collect();
        all.pop();
        all.retain(|told| told.session.len() < 50);
        assert!(all.len() >= 8 && all[0].session.is_empty());
        all
    }

    fn candidates(request: &Value) -> &[Value] {
        request["candidates"].as_array().expect("a list")
    }

    fn item_of(candidate: &Value) -> &'static Item {
        crate::items::item(candidate["item"].as_u64().expect("a number") as u32).expect("an item")
    }

    #[track_caller]
    fn same(here: f64, training: &Value) {
        let training = training.as_f64().unwrap_or(f64::NAN);
        let near = (here - training).abs() <= 1e-12 * training.abs().max(1.0);
        assert!(near || here.is_nan() && training.is_nan(), "{here} and {training}");
    }

    fn known(session: &[&'static Item], candidate: &Value) -> Known {
        let score = |name: &str| candidate[name].as_f64().expect("a score");
        let item = item_of(candidate);
        let fit = Seen(session).fit(item);
        Known { item, two_tower: score("two_tower_score"), sasrec: score("sasrec_score"), fit }
    }

    #[test]
    fn the_two_tower_model_is_told_what_training_told_it() {
        for candidate in told().iter().flat_map(|told| candidates(&told.two_tower)) {
            let row = OF_TWO_TOWER[item_of(candidate).row()];
            let texts = [row.category, row.subcategory, row.brand];
            assert_eq!(
                texts,
                ["category", "subcategory", "brand"].map(|name| candidate[name].as_str().expect("a text"))
            );
            same(row.item, &candidate["item"]);
            same(row.age_days, &candidate["age_days"]);
            same(row.log_price, &candidate["log_price"]);
            same(row.log_popularity, &candidate["log_popularity"]);
        }
    }

    #[test]
    fn the_ranker_is_told_what_training_told_it() {
        for Told { session, ranker, .. } in told() {
            let (seen, user) = (Seen(&session), &ranker["user"]);
            same(seen.clicks(), &user["clicks"]);
            same(seen.last_item(), &user["last_item"]);
            assert_eq!(seen.last_subcategory(), user["last_subcategory"]);
            for candidate in candidates(&ranker) {
                let row = of_ranker(&known(&session, candidate));
                let texts = [row.category, row.subcategory, row.brand];
                assert_eq!(
                    texts,
                    ["category", "subcategory", "brand"].map(|name| candidate[name].as_str().expect("a text"))
                );
                for (here, name) in [
                    (row.item, "item"),
                    (row.log_price, "log_price"),
                    (row.log_popularity, "log_popularity"),
                    (row.age_days, "age_days"),
                    (row.price_ratio, "price_ratio"),
                    (row.same_brand, "same_brand"),
                    (row.same_subcategory, "same_subcategory"),
                    (row.same_category, "same_category"),
                ] {
                    same(here, &candidate[name]);
                }
            }
        }
    }

    #[test]
    fn the_re_ranker_is_told_what_training_told_it() {
        let table = file("re-ranker/golden.tsv");
        let mut lines = table.lines().map(|line| line.split('\t').collect::<Vec<_>>());
        let names = lines.next().expect("names");
        for Told { session, ranker, .. } in told() {
            for candidate in candidates(&ranker) {
                let fields = lines.next().expect("a row for each candidate");
                let field = |name: &str| fields[names.iter().position(|it| *it == name).expect("a name")];
                let number = |name: &str| field(name).parse().map_or(Value::Null, |number: f64| number.into());
                let click = number("click").as_f64().expect("a probability");
                let row = of_re_ranker(&known(&session, candidate), click, Seen(&session).clicks());
                assert_eq!(row.subcategory, field("subcategory"));
                for (here, name) in [
                    (row.click, "click"),
                    (row.sasrec_score, "sasrec_score"),
                    (row.two_tower_score, "two_tower_score"),
                    (row.price_ratio, "price_ratio"),
                    (row.same_brand, "same_brand"),
                    (row.same_subcategory, "same_subcategory"),
                    (row.same_category, "same_category"),
                    (row.clicks, "clicks"),
                    (row.price, "price"),
                    (row.age_days, "age_days"),
                    (row.popularity, "popularity"),
                ] {
                    same(here, &number(name));
                }
            }
        }
    }
}
