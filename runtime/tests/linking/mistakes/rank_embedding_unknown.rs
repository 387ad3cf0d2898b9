#[modeldeploy::model("query-encoder")]
pub struct QueryEncoder;
#[modeldeploy::model("nearby", embeddings(query = QueryEncoder, price = QueryEncoder))]
pub struct Nearby;
