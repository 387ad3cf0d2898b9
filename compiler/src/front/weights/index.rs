//! `model.safetensors.index.json`: which shard holds which tensor.

use crate::diagnostic::Diagnostic;
use crate::front::folder::is_inside;
use crate::front::{codes, json};
use std::collections::BTreeMap;

/// More shards than any checkpoint of an encoder has.
const MAX_SHARDS: usize = 1024;

/// The shard of each tensor, by the tensor's name. `place` names the file in errors.
///
/// # Errors
///
/// That the file is not such an index, or that it names a shard outside the folder; all at once.
pub fn parse(place: &str, bytes: &[u8]) -> Result<BTreeMap<String, String>, Vec<Diagnostic>> {
    let map = json::parse_object(place, bytes).map_err(|error| vec![error])?;
    let wrong = |message: String| {
        Diagnostic::new(codes::BAD_INDEX, message).at(place).help("download the index again, as the library wrote it")
    };
    let Some(listed) = map.get("weight_map").and_then(|value| value.as_object()) else {
        return Err(vec![wrong("the key `weight_map` is missing or not an object".to_owned())]);
    };
    if listed.is_empty() {
        return Err(vec![wrong("`weight_map` lists no tensor".to_owned())]);
    }
    let mut errors = Vec::new();
    let mut shards = BTreeMap::new();
    for (name, shard) in listed {
        match shard.as_str() {
            Some(shard) if is_inside(shard) && shard.ends_with(".safetensors") => {
                shards.insert(name.clone(), shard.to_owned());
            }
            _ => errors.push(wrong(format!(
                "the tensor `{name}` cannot lie in {}: a shard is a `.safetensors` file of the folder",
                json::shown(shard)
            ))),
        }
        if errors.len() == 16 {
            break;
        }
    }
    let distinct = shards.values().collect::<std::collections::BTreeSet<_>>().len();
    if distinct > MAX_SHARDS {
        errors.push(wrong(format!("{distinct} shards are more than the {MAX_SHARDS} that are read")));
    }
    if errors.is_empty() { Ok(shards) } else { Err(errors) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shards_by_tensor() {
        let index = br#"{"metadata": {"total_size": 8}, "weight_map": {"a": "model-1.safetensors", "b": "model-2.safetensors"}}"#;
        let shards = parse("index", index).expect("an index");
        assert_eq!(shards["b"], "model-2.safetensors");
        assert_eq!(shards.len(), 2);
    }

    #[test]
    fn an_index_that_is_none_is_refused() {
        for (json, expected) in [
            ("{}", "`weight_map` is missing"),
            (r#"{"weight_map": []}"#, "not an object"),
            (r#"{"weight_map": {}}"#, "lists no tensor"),
            (r#"{"weight_map": {"a": 1}}"#, "cannot lie in 1"),
            (r#"{"weight_map": {"a": "../../etc/shadow.safetensors"}}"#, "cannot lie in"),
            (r#"{"weight_map": {"a": "/dev/zero"}}"#, "cannot lie in"),
            (r#"{"weight_map": {"a": "pytorch_model.bin"}}"#, "cannot lie in"),
        ] {
            let errors = parse("index", json.as_bytes()).expect_err(json);
            assert!(errors[0].to_string().contains(expected), "{json}: {errors:?}");
        }
    }
}
