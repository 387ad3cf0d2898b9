#[modeldeploy::model("query-encoder", embeddings(query = QueryEncoder))]
pub struct QueryEncoder;
