#[modeldeploy::model("other-encoder")]
pub struct OtherEncoder;

#[modeldeploy::model("nearby", embeddings(query = OtherEncoder))]
pub struct Nearby;
