pub struct NoModel;

#[modeldeploy::index("catalogue", of = NoModel)]
pub struct Catalogue;
