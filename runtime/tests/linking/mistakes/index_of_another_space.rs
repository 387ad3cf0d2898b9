#[modeldeploy::model("other-encoder")]
pub struct OtherEncoder;

#[modeldeploy::index("catalogue", of = OtherEncoder)]
pub struct Catalogue;
