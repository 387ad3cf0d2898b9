#[modeldeploy::model("nearby")]
pub struct Nearby;
