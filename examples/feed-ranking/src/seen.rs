//! What was clicked in a session, as its candidates are held against it: as `training/facts.py` has it.

use crate::items::Item;

/// The clicks of a session, the oldest first.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seen<'a>(pub(crate) &'a [&'static Item]);

/// A candidate beside the session's clicks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Fit {
    /// The natural logarithm of its price over the session's mean price; NaN before the first click.
    pub(crate) price_ratio: f64,
    /// Clicks that share its brand.
    pub(crate) same_brand: f64,
    /// Clicks that share its subcategory.
    pub(crate) same_subcategory: f64,
    /// Clicks that share its category.
    pub(crate) same_category: f64,
}

impl Seen<'_> {
    /// How many clicks there are.
    pub(crate) fn clicks(self) -> f64 {
        self.0.len() as f64
    }

    /// The number of the last clicked item; 0 before the first click.
    pub(crate) fn last_item(self) -> f64 {
        self.0.last().map_or(0.0, |item| f64::from(item.id))
    }

    /// Its subcategory; empty before the first click.
    pub(crate) fn last_subcategory(self) -> &'static str {
        self.0.last().map_or("", |item| item.subcategory.as_str())
    }

    /// How a candidate fits.
    pub(crate) fn fit(self, candidate: &Item) -> Fit {
        let share =
            |is_same: fn(&Item, &Item) -> bool| self.0.iter().filter(|it| is_same(it, candidate)).count() as f64;
        Fit {
            price_ratio: (candidate.price / self.mean_price()).ln(),
            same_brand: share(|a, b| a.brand == b.brand),
            same_subcategory: share(|a, b| a.subcategory == b.subcategory),
            same_category: share(|a, b| a.category == b.category),
        }
    }

    /// NaN before the first click, as nothing over nothing is.
    fn mean_price(self) -> f64 {
        // Of no prices `sum` gives -0.0, which is nothing too.
        self.0.iter().map(|item| item.price).sum::<f64>() / self.clicks()
    }
}
