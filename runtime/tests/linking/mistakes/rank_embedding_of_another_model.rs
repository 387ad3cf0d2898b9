#[modeldeploy::model("query-encoder")]
pub struct QueryEncoder;
#[modeldeploy::model("other-encoder")]
pub struct OtherEncoder;
#[modeldeploy::model("nearby", embeddings(query = QueryEncoder))]
pub struct Nearby;

pub fn user(query: &modeldeploy::Embedding<OtherEncoder>) -> NearbyUser<'_> {
    NearbyUser { query }
}
