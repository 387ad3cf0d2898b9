//! Once an encoding has grown, encoding allocates nothing, whatever the model.

use modeldeploy::tokenizer::{Encoding, Tables, Tokenizer, Truncation};
use modeldeploy_compiler::tokenizer::compile_json;
use serde_json::{Value, json};

use super::samples::{bert, bpe, metaspace, unigram, word_piece};

#[test]
fn a_grown_encoding_allocates_nothing() {
    let text = "Wireless  headphones [MASK] \u{c9}t\u{e9} a\u{307}\u{323} \u{624b}\u{673a}, \u{ac01} unwanted <Shop> 2024's qqq";
    let steps = json!({"type": "Sequence", "normalizers": [{"type": "NFKC"}, {"type": "Lowercase"},
                       {"type": "Strip", "strip_left": true, "strip_right": true}]});
    for json in [
        word_piece(bert(true, None, true, true)),
        word_piece(steps.clone()),
        bpe(true, true, false),
        unigram(Value::Null, metaspace("always", true), true),
        unigram(steps, metaspace("first", false), false),
    ] {
        let json = serde_json::to_vec(&json).expect("JSON can be written");
        let bytes = compile_json(&json, "sample").expect("the sample is sound");
        let tokenizer = Tokenizer::new(Tables::parse(&bytes).expect("the compiler's tables are sound"));
        let mut encoding = Encoding::new();
        let mut encode =
            |truncation| tokenizer.encode_into(text, Some(text), truncation, &mut encoding).expect("there is room");
        encode(Truncation::NONE);
        let counted = allocation_counter::measure(|| {
            for max_len in [16, u32::MAX] {
                encode(Truncation::to(max_len));
            }
        });
        assert_eq!(counted.count_total, 0, "{}", tokenizer.decode(encoding.ids()));
    }
}

#[test]
fn parsing_allocates_the_same_for_any_vocabulary() {
    let counts = |json: Value| {
        let bytes = compile_json(&serde_json::to_vec(&json).expect("JSON can be written"), "sample")
            .expect("the sample is sound");
        let counted =
            allocation_counter::measure(|| drop(Tokenizer::new(Tables::parse(&bytes).expect("the tables are sound"))));
        counted.bytes_total
    };
    let small = word_piece(bert(true, None, true, true));
    let mut large = small.clone();
    let vocab = large["model"]["vocab"].as_object_mut().expect("a vocabulary");
    let first = vocab.len();
    vocab.extend((0..20_000).map(|i| (format!("piece{i}"), json!(first + i))));
    for token in large["added_tokens"].as_array_mut().expect("a list").iter_mut().skip(5) {
        token["id"] = json!(token["id"].as_u64().expect("an id") + 20_000);
    }
    assert_eq!(counts(small), counts(large));
}
