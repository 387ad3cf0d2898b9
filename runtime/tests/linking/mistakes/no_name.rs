#[modeldeploy::model]
pub struct QueryEncoder;
