//! The recorded texts: identical ids and offsets. The records count offsets in characters.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use modeldeploy::tokenizer::{Encoding, Tokenizer, Truncation};
use modeldeploy_compiler::tokenizer::{compile_json, compile_vocab};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::reference::{over, shared};

#[derive(Deserialize)]
struct Single {
    text: String,
    ids: Vec<u32>,
    offsets: Vec<(usize, usize)>,
}

#[derive(Deserialize)]
struct Pair {
    a: String,
    b: String,
    ids: Vec<u32>,
    type_ids: Vec<u8>,
    mask: Vec<u8>,
}

fn records<T: DeserializeOwned>(path: &Path) -> Vec<T> {
    let lines = BufReader::new(File::open(path).expect("the file was there")).lines();
    lines.map(|line| serde_json::from_str(&line.expect("the file is text")).expect("each line is a record")).collect()
}

/// Offsets in characters, where the bytes of a character count as all of it.
fn in_chars(text: &str, offsets: &[(u32, u32)]) -> Vec<(usize, usize)> {
    let mut chars = vec![0; text.len() + 1];
    for (i, (at, c)) in text.char_indices().enumerate() {
        chars[at..at + c.len_utf8()].fill(i);
    }
    chars[text.len()] = text.chars().count();
    offsets.iter().map(|&(start, end)| (chars[start as usize], chars[end as usize])).collect()
}

fn check(tokenizer: &Tokenizer<'_>, golden: &str) {
    let Some(path) = shared(golden) else { return };
    let mut encoding = Encoding::new();
    let records: Vec<Single> = records(&path);
    assert!(records.len() >= 200, "{golden} has {} records", records.len());
    for record in records {
        tokenizer.encode_into(&record.text, None, Truncation::NONE, &mut encoding).expect("there is no limit");
        assert_eq!(encoding.ids(), record.ids, "{golden}: {:?}", record.text);
        assert_eq!(in_chars(&record.text, encoding.offsets()), record.offsets, "{golden}: {:?}", record.text);
    }
}

fn bert(name: &str, config: &str) -> Option<Tokenizer<'static>> {
    let path = shared(&format!("tokenizers/bert/{name}.vocab.txt"))?;
    let vocab = std::fs::read(path).expect("the file was there");
    Some(over(
        compile_vocab(&vocab, Some(config.as_bytes()), None, name).unwrap_or_else(|errors| panic!("{}", errors[0])),
    ))
}

#[test]
fn bert_vocabularies_give_the_recorded_ids_and_offsets() {
    for (name, config) in [
        ("bert-base-uncased", r#"{"do_lower_case": true, "tokenizer_class": "BertTokenizer"}"#),
        ("bert-base-cased", r#"{"do_lower_case": false}"#),
        ("bert-base-chinese", r#"{"do_lower_case": true, "unk_token": {"content": "[UNK]"}}"#),
    ] {
        if let Some(tokenizer) = bert(name, config) {
            check(&tokenizer, &format!("tokenizers/golden/tok_{name}.jsonl"));
        }
    }
}

#[test]
fn tokenizer_json_gives_the_recorded_ids_and_offsets() {
    for (file, golden) in [
        ("models/all-MiniLM-L6-v2/tokenizer.json", "bert-base-uncased"),
        ("tokenizers/bert/all-MiniLM-L6-v2.tokenizer.json", "bert-base-uncased"),
        ("tokenizers/bpe/gpt2/tokenizer.json", "gpt2"),
        ("tokenizers/t5-small/t5-small.tokenizer.json", "t5-small"),
    ] {
        let Some(path) = shared(file) else { continue };
        let json = std::fs::read(path).expect("the file was there");
        let tokenizer = over(compile_json(&json, file).unwrap_or_else(|errors| panic!("{}", errors[0])));
        check(&tokenizer, &format!("tokenizers/golden/tok_{golden}.jsonl"));
    }
}

#[test]
fn pairs_are_cut_as_recorded() {
    const LEN: usize = 32;
    let Some(tokenizer) = bert("bert-base-chinese", "{}") else { return };
    let Some(path) = shared("tokenizers/golden/tok_pair_bert-base-chinese_trunc32_pad32.jsonl") else { return };
    let mut encoding = Encoding::new();
    for record in records::<Pair>(&path) {
        tokenizer
            .encode_into(&record.a, Some(&record.b), Truncation::to(LEN as u32), &mut encoding)
            .expect("the special tokens fit");
        // The records are padded with zeros.
        let mut ids = encoding.ids().to_vec();
        let mut type_ids = encoding.type_ids().to_vec();
        let mut mask = vec![1; ids.len()];
        ids.resize(LEN, 0);
        type_ids.resize(LEN, 0);
        mask.resize(LEN, 0);
        assert_eq!((ids, type_ids, mask), (record.ids, record.type_ids, record.mask), "{:?}, {:?}", record.a, record.b);
    }
}

#[test]
fn pieces_spell_the_text_again() {
    let Some(tokenizer) = bert("bert-base-uncased", "{}") else { return };
    let mut encoding = Encoding::new();
    tokenizer.encode_into("turquoise pillows", None, Truncation::NONE, &mut encoding).expect("there is no limit");
    assert_eq!(tokenizer.decode(encoding.ids()), "[CLS] turquoise pillows [SEP]");
    assert_eq!(tokenizer.piece(28653), Some("turquoise"));
    assert_eq!(tokenizer.piece(tokenizer.vocab_size()), None);
}
