#[modeldeploy::model("query-encoder")]
pub struct QueryEncoder;
