#[modeldeploy::model("query-encoder")]
pub struct QueryEncoder;
#[modeldeploy::model("nearby", embeddings(query = QueryEncoder, query = QueryEncoder))]
pub struct Nearby;
