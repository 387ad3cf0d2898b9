//! Any bytes as a `tokenizer.json` and, after a zero byte, a text: an error, or ids below the vocabulary's size.

#![no_main]

use libfuzzer_sys::fuzz_target;
use modeldeploy::tokenizer::{Encoding, Tables, Tokenizer};
use modeldeploy_compiler::tokenizer::compile_json;

fuzz_target!(|bytes: &[u8]| {
    let mut parts = bytes.splitn(2, |&byte| byte == 0);
    let json = parts.next().unwrap_or_default();
    let text = String::from_utf8_lossy(parts.next().unwrap_or(json));
    let Ok(tables) = compile_json(json, "tokenizer.json") else { return };
    let tokenizer = Tokenizer::new(Tables::parse(&tables).expect("what the compiler writes can be read"));
    let mut encoding = Encoding::default();
    if tokenizer.encode_into(&text, None, tokenizer.truncation(), &mut encoding).is_ok() {
        assert!(encoding.ids().iter().all(|&id| id < tokenizer.vocab_size()));
    }
});
