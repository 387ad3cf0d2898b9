#[modeldeploy::model("feed")]
pub struct Feed;

pub fn order(rows: &[FeedRow<'_>]) -> usize {
    Feed::get().rank(rows).unwrap().len()
}
