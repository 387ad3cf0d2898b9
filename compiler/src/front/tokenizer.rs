//! The tokenizer's files of a folder: found, compiled, and held against the embedding.

use super::folder::Folder;
use super::{codes, json};
use crate::diagnostic::Diagnostic;
use crate::tokenizer::{compile_json, compile_vocab};
use modeldeploy_format::tokenizer::Tables;
use serde_json::{Value, json};

/// The tables of the tokenizer beside the encoder in `base`. With `lower_case`, texts are put in lower case before all else, as
/// sentence-transformers' `do_lower_case` has it.
pub(super) fn compile(folder: &mut Folder, base: &str, lower_case: bool) -> Result<Vec<u8>, Vec<Diagnostic>> {
    let fail = |error| vec![error];
    let path = format!("{base}tokenizer.json");
    if let Some(bytes) = folder.read_tokenizer(&path).map_err(fail)? {
        let place = folder.place(&path);
        let bytes = if lower_case { lowered(&place, bytes).map_err(fail)? } else { bytes };
        return compile_json(&bytes, &place);
    }
    let path = format!("{base}vocab.txt");
    if let Some(vocab) = folder.read_tokenizer(&path).map_err(fail)? {
        let config = folder.read(&format!("{base}tokenizer_config.json")).map_err(fail)?;
        let special = folder.read(&format!("{base}special_tokens_map.json")).map_err(fail)?;
        if lower_case && config.as_deref().is_some_and(keeps_case) {
            let message = "the tokenizer keeps upper case, which `do_lower_case` of sentence-transformers takes away";
            return Err(vec![Diagnostic::new(codes::UNSUPPORTED_SETTING, message).at(folder.place(&path)).help(
                "write a tokenizer.json: `AutoTokenizer.from_pretrained(folder).save_pretrained(folder)` in Python",
            )]);
        }
        return compile_vocab(&vocab, config.as_deref(), special.as_deref(), &folder.place(&path));
    }
    let found = ["sentencepiece.bpe.model", "spiece.model", "vocab.json"]
        .into_iter()
        .find(|name| folder.has(&format!("{base}{name}")));
    let but = found.map_or(String::new(), |name| format!("; `{name}` alone is not read"));
    Err(vec![
        Diagnostic::new(codes::NO_TOKENIZER, format!("the folder has neither `tokenizer.json` nor `vocab.txt`{but}"))
            .at(folder.place(base))
            .help(format!(
                "write one: python -c \"from transformers import AutoTokenizer as T; p='{}'; T.from_pretrained(p).save_pretrained(p)\"",
                folder.place(base)
            )),
    ])
}

/// How many tokens there are, if each has a row in an embedding of so many.
pub(super) fn fits(folder: &Folder, base: &str, tables: &[u8], rows: usize) -> Result<usize, Vec<Diagnostic>> {
    let tokens = Tables::parse(tables).expect("the compiler's own tables are well formed").vocab_size() as usize;
    if tokens <= rows {
        return Ok(tokens);
    }
    let message = format!("the tokenizer has {tokens} tokens, and the embedding only {rows} rows");
    Err(vec![
        Diagnostic::new(codes::VOCABULARY_MISFIT, message)
            .at(folder.place(base))
            .help("use the tokenizer that the model was trained with, or `model.resize_token_embeddings(len(tokenizer))` and train"),
    ])
}

/// A `tokenizer.json` with lower-casing as its first step, if it has none yet.
fn lowered(place: &str, bytes: Vec<u8>) -> Result<Vec<u8>, Diagnostic> {
    let mut map = json::parse_object(place, &bytes)?;
    let normalizer = map.remove("normalizer").unwrap_or_default();
    if has_lower_case(&normalizer) {
        return Ok(bytes);
    }
    let lower = json!({"type": "Lowercase"});
    let steps = match normalizer {
        Value::Null => vec![lower],
        Value::Object(mut one) if one.get("type") == Some(&json!("Sequence")) => {
            let rest = one.remove("normalizers").and_then(|list| list.as_array().cloned()).unwrap_or_default();
            std::iter::once(lower).chain(rest).collect()
        }
        one => vec![lower, one],
    };
    map.insert("normalizer".to_owned(), json!({"type": "Sequence", "normalizers": steps}));
    Ok(Value::Object(map).to_string().into_bytes())
}

fn has_lower_case(normalizer: &Value) -> bool {
    match normalizer.get("type").and_then(Value::as_str) {
        Some("Lowercase") => true,
        Some("BertNormalizer") => normalizer.get("lowercase").and_then(Value::as_bool).unwrap_or(true),
        Some("Sequence") => {
            normalizer.get("normalizers").and_then(Value::as_array).is_some_and(|list| list.iter().any(has_lower_case))
        }
        _ => false,
    }
}

/// Whether a `tokenizer_config.json` turns BERT's lower-casing off.
fn keeps_case(config: &[u8]) -> bool {
    serde_json::from_slice::<Value>(config).is_ok_and(|config| config.get("do_lower_case") == Some(&Value::Bool(false)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(normalizer: &Value, expected: &Value) {
        let file = json!({"normalizer": normalizer, "model": {"vocab": {"a": 0}}});
        let lowered = lowered("tokenizer.json", file.to_string().into_bytes()).expect("an object");
        let lowered: Value = serde_json::from_slice(&lowered).expect("JSON");
        assert_eq!(lowered["normalizer"], *expected, "{normalizer}");
        assert_eq!(lowered["model"], file["model"]);
    }

    #[test]
    fn lower_case_comes_first_and_once() {
        let lower = json!({"type": "Lowercase"});
        let nfc = json!({"type": "NFC"});
        let sequence = |steps: &[&Value]| json!({"type": "Sequence", "normalizers": steps});
        check(&Value::Null, &sequence(&[&lower]));
        check(&nfc, &sequence(&[&lower, &nfc]));
        check(&sequence(&[&nfc, &nfc]), &sequence(&[&lower, &nfc, &nfc]));
        let cased = json!({"type": "BertNormalizer", "lowercase": false});
        check(&cased, &sequence(&[&lower, &cased]));
        for same in [lower.clone(), sequence(&[&nfc, &lower]), json!({"type": "BertNormalizer", "lowercase": true})] {
            check(&same, &same);
        }
    }
}
