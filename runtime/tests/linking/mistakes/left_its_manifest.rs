#[modeldeploy::model("leaver")]
pub struct Leaver;
