#[modeldeploy::model("query-encoder")]
pub struct QueryEncoder;
#[modeldeploy::model("nearby", embeddings(query = QueryEncoder))]
pub struct Nearby;

pub fn user(query: &[f32]) -> NearbyUser<'_> {
    NearbyUser { query }
}
