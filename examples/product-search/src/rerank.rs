//! The first products of a search in the order of both models: the re-ranker reads query and product together, and is asked for the
//! encoder's first ones alone.

use crate::ReRanker;
use crate::search::Found;
use modeldeploy_service::{Batched, Refusal};

/// How many of the encoder's first products are read again; `training/data.py` trains and measures the re-ranker for as many.
pub(crate) const FIRST: usize = 20;

/// The re-ranker reads a query up to here, in characters. It takes fewer tokens, and would otherwise cut the same long text apart once
/// for each product.
const MAX_READ: usize = 1_000;

/// The encoder is trained with its cosines over this: then they are logits, as the re-ranker's relevances are before their sigmoid.
const TEMPERATURE: f64 = 0.05;

/// Puts the first of the products found in the order of the sum of both models' logits; of equal ones the encoder's first stays first.
pub(crate) async fn rerank(re_ranker: &Batched<ReRanker>, query: &str, found: &mut [Found]) -> Result<(), Refusal> {
    let first = found.len().min(FIRST);
    let first = &mut found[..first];
    let relevances = re_ranker.score_batch(beginning(query), first.iter().map(|found| found.product.text())).await?;
    for (found, relevance) in first.iter_mut().zip(relevances) {
        found.relevance = Some(relevance);
    }
    first.sort_by(|a, b| logit(b).total_cmp(&logit(a)));
    Ok(())
}

fn logit(found: &Found) -> f64 {
    let relevance = f64::from(found.relevance.unwrap_or_default());
    f64::from(found.score) / TEMPERATURE + (relevance / (1.0 - relevance)).ln()
}

fn beginning(query: &str) -> &str {
    query.char_indices().nth(MAX_READ).map_or(query, |(end, _)| &query[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_query_is_cut_between_characters() {
        for (query, kept) in [("手机", 2), (&*"手".repeat(MAX_READ), MAX_READ), (&*"é手".repeat(MAX_READ), MAX_READ)]
        {
            assert_eq!(beginning(query).chars().count(), kept);
            assert!(query.starts_with(beginning(query)));
        }
    }
}
