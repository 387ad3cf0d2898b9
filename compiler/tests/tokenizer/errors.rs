//! What a user is told of files that cannot be compiled.

use modeldeploy_compiler::diagnostic::Diagnostic;
use modeldeploy_compiler::tokenizer::{compile_json, compile_vocab, load};
use serde_json::{Value, json};

use super::samples::{bert, bpe, metaspace, unigram, word_piece};

/// The errors of a small tokenizer after `change`.
fn errors(mut json: Value, change: impl FnOnce(&mut Value)) -> Vec<Diagnostic> {
    change(&mut json);
    compile_json(&serde_json::to_vec(&json).expect("JSON can be written"), "tokenizer.json")
        .expect_err("this should not compile")
}

fn check(errors: &[Diagnostic], code: &str, words: &[&str]) {
    let text = errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
    assert!(text.starts_with(&format!("error[{code}]: ")), "{text}");
    for word in words {
        assert!(text.contains(word), "`{word}` is not in: {text}");
    }
    assert!(errors.iter().all(|error| error.place.is_some() && error.help.is_some()), "{text}");
}

fn small() -> Value {
    word_piece(bert(true, None, true, true))
}

#[test]
fn an_unsupported_component_is_named_with_those_that_are_supported() {
    let named = errors(small(), |json| json["normalizer"] = json!({"type": "ByteLevel"}));
    check(&named, "MD0303", &["the normalizer `ByteLevel`", "tokenizer.json, `normalizer`", "BertNormalizer", "NFKC"]);
    let named = errors(small(), |json| json["pre_tokenizer"] = json!({"type": "Punctuation", "behavior": "Isolated"}));
    check(&named, "MD0303", &["the pre_tokenizer `Punctuation`", "BertPreTokenizer"]);
    let named = errors(small(), |json| json["model"]["type"] = json!("WordLevel"));
    check(&named, "MD0303", &["the model `WordLevel`", "Unigram"]);
    let named = errors(bpe(true, true, false), |json| json["model"]["dropout"] = json!(0.5));
    check(&named, "MD0303", &["BPE with dropout"]);
    let named = errors(small(), |json| {
        json["normalizer"] = json!({"type": "Replace", "pattern": {"Regex": "a+"}, "content": ""})
    });
    check(&named, "MD0303", &["a+"]);
}

#[test]
fn all_errors_of_a_file_are_told_at_once() {
    let all = errors(small(), |json| {
        json["normalizer"] = json!({"type": "Unknown"});
        json["pre_tokenizer"] = json!({"type": "Digits"});
        json["model"]["unk_token"] = json!("[GONE]");
    });
    assert_eq!(all.len(), 3, "{all:?}");
}

#[test]
fn a_wrong_vocabulary_is_an_error() {
    let hole = errors(small(), |json| json["model"]["vocab"]["hello"] = json!(100_000));
    check(&hole, "MD0304", &["no piece has id"]);
    let twice = errors(small(), |json| json["model"]["vocab"]["hello"] = json!(7));
    check(&twice, "MD0304", &["two pieces have id 7"]);
    let empty = errors(small(), |json| json["model"]["vocab"] = json!({}));
    check(&empty, "MD0304", &["empty"]);
    let twice = errors(unigram(Value::Null, metaspace("always", true), false), |json| {
        json["model"]["vocab"][4] = json!(["</s>", 0.0])
    });
    check(&twice, "MD0304", &["`</s>` is there twice, with ids 1 and 4"]);
    let moved = errors(small(), |json| json["added_tokens"][4]["id"] = json!(40));
    check(&moved, "MD0304", &["[MASK]", "40"]);
    let twice =
        compile_vocab(b"[UNK]\n[CLS]\n[SEP]\na\nb\na\n", None, None, "vocab.txt").expect_err("`a` is there twice");
    check(&twice, "MD0304", &["`a` is there twice, with ids 3 and 5", "vocab.txt"]);
    check(&compile_vocab(b"", None, None, "vocab.txt").expect_err("nothing"), "MD0304", &["empty"]);
}

#[test]
fn a_missing_token_is_an_error() {
    let unk = errors(small(), |json| json["model"]["unk_token"] = json!("[GONE]"));
    check(&unk, "MD0305", &["[GONE]"]);
    let cls = errors(small(), |json| json["post_processor"]["cls"] = json!(["[BOS]", 2]));
    check(&cls, "MD0305", &["[BOS]"]);
    let sep = compile_vocab(b"[UNK]\n[CLS]\na\n", None, None, "vocab.txt").expect_err("there is no [SEP]");
    check(&sep, "MD0305", &["sep_token", "[SEP]"]);
    let config = br#"{"mask_token": "<mask>"}"#;
    let mask =
        compile_vocab(b"[UNK]\n[CLS]\n[SEP]\na\n", Some(config), None, "vocab.txt").expect_err("there is no <mask>");
    check(&mask, "MD0305", &["<mask>"]);
    let byte = errors(bpe(true, true, false), |json| {
        let vocab = json["model"]["vocab"].as_object_mut().expect("a vocabulary");
        let id = vocab.remove("!").expect("a byte");
        vocab.insert("absent".to_owned(), id);
    });
    check(&byte, "MD0305", &["byte", "`!`"]);
    let unk = errors(unigram(Value::Null, metaspace("always", true), false), |json| {
        json["model"]["unk_id"] = json!(1_000_000)
    });
    check(&unk, "MD0306", &["unk_id", "1000000"]);
}

#[test]
fn a_file_that_is_not_a_tokenizer_is_an_error() {
    let whole = serde_json::to_vec(&small()).expect("JSON can be written");
    for bytes in [&whole[..whole.len() / 2], b"", b"[]", b"{}", b"\xff\xfe", b"{\"model\": 3}"] {
        check(&compile_json(bytes, "tokenizer.json").expect_err("this is no tokenizer"), "MD0302", &["tokenizer.json"]);
    }
    let bytes = compile_vocab(b"[UNK]\n[CLS]\n\xff\n", None, None, "vocab.txt").expect_err("this is not UTF-8");
    check(&bytes, "MD0302", &["UTF-8", "vocab.txt, line 3"]);
    let config = compile_vocab(b"[UNK]\n", Some(b"["), None, "vocab.txt").expect_err("the configuration is cut short");
    check(&config, "MD0302", &["tokenizer_config.json"]);
    let class = compile_vocab(b"[UNK]\n", Some(br#"{"tokenizer_class": "MPNetTokenizer"}"#), None, "vocab.txt")
        .expect_err("MPNet differs");
    check(&class, "MD0303", &["MPNetTokenizer", "tokenizer.json"]);
}

#[test]
fn a_folder_without_a_tokenizer_is_an_error() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    check(
        &load(folder.path()).expect_err("the folder is empty"),
        "MD0301",
        &["tokenizer.json", "vocab.txt", "save_pretrained"],
    );
    std::fs::write(folder.path().join("vocab.txt"), "[UNK]\n[CLS]\n[SEP]\na\n").expect("a file can be written");
    load(folder.path()).expect("a vocabulary is enough");
}
