#[modeldeploy::model("feed")]
pub struct Feed;

pub fn row<'a>() -> FeedRow<'a> {
    FeedRow { price: "9.99", brand: "acme" }
}
