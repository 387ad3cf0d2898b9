//! Texts made at random from what is hard: marks, scripts without spaces, controls, special tokens in the text, long words.

use modeldeploy::tokenizer::{Side, Strategy, Truncation};
use proptest::prelude::*;
use proptest::sample::select;
use proptest::strategy::Strategy as _;
use proptest::test_runner::{RngSeed, TestRunner};
use serde_json::{Value, json};

use super::reference::{Both, shared};
use super::samples::{bert, bpe, metaspace, unigram, word_piece};

/// Pieces of text that have a meaning to some tokenizer, or that Unicode treats specially.
const HARD: [&str; 62] = [
    "[MASK]",
    "[CLS]",
    "[SEP]",
    "[UNK]",
    "[mask]",
    " [MASK] ",
    "[M",
    "<Shop>",
    "  <SHOP>\t ",
    "kilo",
    "Kilo",
    "kilos",
    "<s>",
    "</s>",
    " <mask>",
    "<mask>",
    "<|endoftext|>",
    "<unk>",
    "<extra_id_0>",
    "##ing",
    "'s",
    "'ll",
    "'LL",
    " 't",
    "''",
    "``",
    "\u{2581}",
    "\u{2581}\u{2581}",
    "\r\n",
    "\u{130}",
    "\u{df}",
    "\u{1E9E}",
    "\u{3a3}",
    "\u{fb01}",
    "\u{2460}",
    "\u{2167}",
    "\u{fdfa}",
    "\u{bd}",
    "\u{344}",
    "\u{f73}\u{f71}",
    "e\u{301}",
    "a\u{323}\u{307}",
    "a\u{307}\u{323}",
    "\u{1D165}\u{1D16D}",
    "\u{302a}\u{302e}\u{302a}",
    "\u{f900}",
    "\u{2f800}",
    "\u{ac01}",
    "\u{1100}\u{1161}\u{11a8}",
    "\u{d7ff}",
    "\u{e000}",
    "\u{ffff}",
    "\u{10ffff}",
    "\u{fffd}",
    "\u{feff}",
    "\u{200d}",
    "\u{1F468}\u{200d}\u{1F469}\u{200d}\u{1F467}",
    "\u{1F1E9}\u{1F1EA}",
    "\u{0}",
    "\u{e0001}",
    "\u{c4d}\u{93c}",
    "aaaaaaaab",
];

fn texts() -> impl proptest::strategy::Strategy<Value = String> {
    let chars = |start: char, end: char| proptest::char::range(start, end).prop_map(String::from);
    let part = prop_oneof![
        6 => "[a-zA-Z]{1,9}",
        4 => Just(" ".to_owned()),
        2 => select(&["hello", "unwanted", "Wireless Headphones", " the ", "2024", "\u{e9}t\u{e9}", "qq", "qqq"][..]).prop_map(str::to_owned),
        4 => select(&HARD[..]).prop_map(str::to_owned),
        2 => "[0-9!-/:-@\\[-`{-~]{1,4}",
        2 => chars('\u{4e00}', '\u{9fff}'),
        2 => chars('\u{300}', '\u{36f}'),
        1 => chars('\u{0}', '\u{a0}'),
        1 => chars('\u{2000}', '\u{206f}'),
        1 => chars('\u{3000}', '\u{30ff}'),
        1 => chars('\u{ac00}', '\u{d7a3}'),
        1 => chars('\u{590}', '\u{7ff}'),
        1 => chars('\u{900}', '\u{fff}'),
        1 => chars('\u{c0}', '\u{24f}'),
        1 => chars('\u{1d00}', '\u{1fff}'),
        1 => chars('\u{1F300}', '\u{1FAFF}'),
        2 => any::<char>().prop_map(String::from),
        1 => (select(&["a", "ab", "\u{624b}", "\u{301}", " "][..]), 1_usize..130).prop_map(|(part, count)| part.repeat(count)),
    ];
    proptest::collection::vec(part, 0..14).prop_map(|parts| parts.concat())
}

fn truncations() -> impl proptest::strategy::Strategy<Value = Option<Truncation>> {
    const STRATEGIES: [Strategy; 3] = [Strategy::LongestFirst, Strategy::OnlyFirst, Strategy::OnlySecond];
    proptest::option::of((0_u32..24, select(&[Side::Left, Side::Right][..]), select(&STRATEGIES[..])))
        .prop_map(|truncation| truncation.map(|(max_len, side, strategy)| Truncation { max_len, side, strategy }))
}

/// The same on `cases` random texts and pairs as in the library.
fn check(json: &Value, cases: u32) {
    check_bytes(&serde_json::to_vec(json).expect("JSON can be written"), cases);
}

fn check_bytes(json: &[u8], cases: u32) {
    let both = Both::new(json);
    let config = ProptestConfig {
        cases,
        rng_seed: RngSeed::Fixed(20_240_229),
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    let strategy = (texts(), proptest::option::of(texts()), truncations());
    let result = TestRunner::new(config).run(&strategy, |(text, pair, truncation)| {
        both.check(&text, pair.as_deref(), truncation);
        Ok(())
    });
    if let Err(error) = result {
        panic!("{error}");
    }
}

#[test]
fn word_piece_is_the_librarys_under_every_normaliser() {
    for normalizer in [
        bert(true, None, true, true),
        bert(false, None, true, true),
        bert(true, Some(false), true, true),
        bert(false, Some(true), false, true),
        bert(true, Some(true), true, false),
        bert(false, Some(false), false, false),
        Value::Null,
        json!({"type": "NFD"}),
        json!({"type": "NFC"}),
        json!({"type": "NFKC"}),
        json!({"type": "NFKD"}),
        json!({"type": "Sequence", "normalizers": [{"type": "NFKC"}, {"type": "Lowercase"}, {"type": "StripAccents"}]}),
        json!({"type": "Sequence", "normalizers": [{"type": "Nmt"}, {"type": "Strip", "strip_left": true, "strip_right": false}]}),
        json!({"type": "Sequence", "normalizers": [{"type": "Replace", "pattern": {"String": "``"}, "content": "\""},
               {"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": " "}, {"type": "Prepend", "prepend": "un"}]}),
    ] {
        check(&word_piece(normalizer), 400);
    }
}

#[test]
fn byte_level_bpe_is_the_librarys() {
    for (prefix_space, trim, ignore_merges) in
        [(false, true, false), (true, true, false), (false, false, true), (true, false, false)]
    {
        check(&bpe(prefix_space, trim, ignore_merges), 500);
    }
}

#[test]
fn unigram_is_the_librarys_under_every_splitter() {
    let sequence =
        json!({"type": "Sequence", "pretokenizers": [{"type": "WhitespaceSplit"}, metaspace("always", true)]});
    for (pre_tokenizer, byte_fallback) in [
        (sequence, false),
        (metaspace("always", true), false),
        (metaspace("first", true), true),
        (metaspace("never", true), false),
        (metaspace("first", false), true),
        (Value::Null, false),
        (json!({"type": "WhitespaceSplit"}), true),
    ] {
        check(&unigram(Value::Null, pre_tokenizer, byte_fallback), 400);
    }
    let albert = json!({"type": "Sequence", "normalizers": [
        {"type": "Replace", "pattern": {"String": "``"}, "content": "\""}, {"type": "NFKD"}, {"type": "StripAccents"},
        {"type": "Lowercase"}]});
    check(&unigram(albert, metaspace("always", true), false), 400);
}

#[test]
fn real_tokenizers_are_the_librarys() {
    for file in [
        "models/all-MiniLM-L6-v2/tokenizer.json",
        "models/static-embed/tokenizer.json",
        "tokenizers/bpe/gpt2/tokenizer.json",
        "tokenizers/bpe/roberta-base/tokenizer.json",
        "tokenizers/t5-small/t5-small.tokenizer.json",
    ] {
        if let Some(path) = shared(file) {
            check_bytes(&std::fs::read(path).expect("the file was there"), 600);
        }
    }
}

#[test]
fn sentencepiece_rules_keep_the_librarys_alignment() {
    let Some(path) = shared("tokenizers/t5-small/t5-small.tokenizer.json") else { return };
    let real: Value =
        serde_json::from_slice(&std::fs::read(path).expect("the file was there")).expect("the file is JSON");
    // As XLM-R, as ALBERT, and as newer conversions of T5 have them.
    for (before, after, splitter) in [
        (json!([]), json!([]), metaspace("always", true)),
        (
            json!([{"type": "NFKD"}, {"type": "StripAccents"}, {"type": "Lowercase"}]),
            json!([]),
            metaspace("always", true),
        ),
        (
            json!([]),
            json!([{"type": "Strip", "strip_left": false, "strip_right": true},
                   {"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": "\u{2581}"}]),
            metaspace("first", false),
        ),
    ] {
        let steps: Vec<Value> = [before.as_array(), Some(&vec![real["normalizer"].clone()]), after.as_array()]
            .into_iter()
            .flatten()
            .flatten()
            .cloned()
            .collect();
        check(&unigram(json!({"type": "Sequence", "normalizers": steps}), splitter, true), 600);
    }
}

#[test]
fn a_megabyte_and_nothing_are_texts_too() {
    let words = "wireless headphones \u{624b}\u{673a} \u{e9}t\u{e9}! ".repeat(1 << 15);
    let one = "a".repeat(1 << 20);
    for json in [
        word_piece(bert(true, None, true, true)),
        bpe(true, true, false),
        unigram(Value::Null, metaspace("always", true), false),
        unigram(Value::Null, metaspace("always", false), true),
    ] {
        let both = Both::new(&serde_json::to_vec(&json).expect("JSON can be written"));
        for text in ["", " ", "\u{0}", words.as_str(), one.as_str()] {
            both.check(text, None, None);
            both.check(text, Some(""), Some(Truncation::to(16)));
        }
    }
}
