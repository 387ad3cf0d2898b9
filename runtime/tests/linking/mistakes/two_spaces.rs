#[modeldeploy::model("query-encoder")]
pub struct QueryEncoder;

#[modeldeploy::model("other-encoder")]
pub struct OtherEncoder;

pub fn compare() -> Result<f32, modeldeploy::Error> {
    let query = QueryEncoder::get().embed("shoes")?;
    let other = OtherEncoder::get().embed("shoes")?;
    Ok(query.dot(&other))
}
