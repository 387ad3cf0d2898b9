#[modeldeploy::model("query-encoder")]
pub struct QueryEncoder;

#[modeldeploy::index("catalog", of = QueryEncoder)]
pub struct Catalogue;
