//! What kind of network a pack is, as its program says: for people, and for model cards.

use modeldeploy_format::Artifact;
use modeldeploy_format::program::{Rows, Step};

/// The architecture of the pack that lies in these parts; none where they are no pack, or do not lie as one must in memory.
pub(crate) fn of(parts: &[&[u8]]) -> Option<String> {
    let artifact = Artifact::parse_parts(parts).ok()?;
    if let Some(ranker) = artifact.ranker() {
        let features = ranker.features.list().len();
        return Some(match ranker.forest() {
            Some(forest) => format!("{} decision trees over {features} features", forest.trees().len()),
            None => {
                let is_layer =
                    |step: &&Step| matches!(step, Step::Linear { .. } | Step::Gru { .. } | Step::Lstm { .. });
                let layers = artifact.program().steps.iter().filter(is_layer).count();
                format!("network of {layers} linear layers over {features} features")
            }
        });
    }
    let program = artifact.program();
    let heads: Vec<u32> = program
        .steps
        .iter()
        .filter_map(|step| match step {
            Step::Attention { heads, .. } => Some(*heads),
            _ => None,
        })
        .collect();
    // What an embedding gives is as wide as the rows between layers.
    let width = program.steps.iter().find_map(|step| match step {
        Step::Embed { out, .. } => program.slots.get(out.0 as usize).filter(|slot| slot.rows == Rows::Tokens),
        _ => None,
    });
    let width = width?.width;
    Some(match heads.first() {
        Some(first) => format!("transformer encoder: {} layers of {first} heads, {width} wide", heads.len()),
        None => format!("embeddings of tokens, {width} wide, pooled"),
    })
}
