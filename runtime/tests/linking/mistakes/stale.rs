#[modeldeploy::model("changed")]
pub struct Changed;
