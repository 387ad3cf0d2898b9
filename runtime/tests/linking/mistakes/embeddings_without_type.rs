#[modeldeploy::model("nearby", embeddings(query))]
pub struct Nearby;
