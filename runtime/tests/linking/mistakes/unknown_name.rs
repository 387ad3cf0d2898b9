#[modeldeploy::model("query-encodr")]
pub struct QueryEncoder;
