#[modeldeploy::model("query-encoder", "int8")]
pub struct QueryEncoder;
