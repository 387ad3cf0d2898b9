#[modeldeploy::index("catalogue")]
pub struct Catalogue;
