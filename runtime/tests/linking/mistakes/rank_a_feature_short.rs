#[modeldeploy::model("feed")]
pub struct Feed;

pub fn order(prices: &[f64]) -> Vec<usize> {
    let rows: Vec<FeedRow> = prices.iter().map(|&price| FeedRow { price }).collect();
    let user = FeedUser { country: "fr", seen: &[] };
    Feed::get().rank_for(&user, &rows).unwrap().iter().map(|hit| hit.row).collect()
}
