#[modeldeploy::model(query_encoder)]
pub struct QueryEncoder;
