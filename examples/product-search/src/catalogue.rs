//! The catalogue: the very file that the vectors were made from, compiled in.

use serde::Deserialize;
use std::sync::LazyLock;

/// A product, as a line of the catalogue has it.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Product {
    pub(crate) id: String,
    pub(crate) title_en: String,
    pub(crate) title_zh: String,
    pub(crate) category_en: String,
    pub(crate) category_zh: String,
    pub(crate) price: f64,
    pub(crate) currency: String,
}

impl Product {
    /// The text that the product's vector was made from: the template of the index in `Cargo.toml`.
    pub(crate) fn text(&self) -> String {
        format!("{} {}", self.title_en, self.title_zh)
    }
}

/// The products, in the order of the vectors.
static PRODUCTS: LazyLock<Vec<Product>> = LazyLock::new(|| {
    include_str!("../catalogue/products.jsonl")
        .lines()
        .map(|line| serde_json::from_str(line).expect("the catalogue is checked by its generator and by the tests"))
        .collect()
});

/// The product whose vector is row `row` of the index, if that row has its id: else the vectors are another catalogue's.
pub(crate) fn product(row: usize, id: &str) -> Option<&'static Product> {
    PRODUCTS.get(row).filter(|product| product.id == id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn every_line_is_a_product_of_its_own() {
        let ids: HashSet<_> = PRODUCTS.iter().map(|product| &product.id).collect();
        assert_eq!(ids.len(), PRODUCTS.len());
        for (row, product) in PRODUCTS.iter().enumerate() {
            assert!(super::product(row, &product.id).is_some_and(|found| found.id == product.id));
            assert!(super::product(row + 1, &product.id).is_none());
            assert!(product.price > 0.0 && !product.title_en.is_empty() && !product.title_zh.is_empty(), "{product:?}");
        }
    }
}
