#[modeldeploy::model("query-encoder")]
pub struct QueryEncoder;

pub fn relevance() -> f32 {
    QueryEncoder::get().score("shoes", "red shoes").unwrap()
}
