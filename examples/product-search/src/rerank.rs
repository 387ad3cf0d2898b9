//! The first products of a search in the order of the re-ranker, which reads query and product together.

use crate::ReRanker;
use crate::search::Found;
use modeldeploy_service::{Batched, Refusal};

/// How many of the encoder's first products are read again; `training/data.py` trains and measures the re-ranker for as many.
pub(crate) const FIRST: usize = 20;

/// The re-ranker reads a query up to here, in characters. It takes fewer tokens, and would otherwise cut the same long text apart once
/// for each product.
const MAX_READ: usize = 1_000;

/// Puts the first of the products found in the re-ranker's order; of equal ones the encoder's first stays first.
pub(crate) async fn rerank(re_ranker: &Batched<ReRanker>, query: &str, found: &mut [Found]) -> Result<(), Refusal> {
    let first = found.len().min(FIRST);
    let first = &mut found[..first];
    let relevances = re_ranker.score_batch(beginning(query), first.iter().map(|found| found.product.text())).await?;
    for (found, relevance) in first.iter_mut().zip(relevances) {
        found.relevance = Some(relevance);
    }
    first.sort_by(|a, b| b.relevance.unwrap_or(0.0).total_cmp(&a.relevance.unwrap_or(0.0)));
    Ok(())
}

fn beginning(query: &str) -> &str {
    query.char_indices().nth(MAX_READ).map_or(query, |(end, _)| &query[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_query_is_cut_between_characters() {
        for (query, kept) in [("手机", 2), (&*"手".repeat(MAX_READ), MAX_READ), (&*"é手".repeat(MAX_READ), MAX_READ)] {
            assert_eq!(beginning(query).chars().count(), kept);
            assert!(query.starts_with(beginning(query)));
        }
    }
}
