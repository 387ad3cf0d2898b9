#[modeldeploy::model("mood")]
pub struct Mood;

pub fn embed<M: modeldeploy::model::EmbedModel>() {}

pub fn call() {
    embed::<Mood>();
}
