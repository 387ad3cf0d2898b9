#[modeldeploy::model("next-encoder")]
pub struct NextEncoder;
