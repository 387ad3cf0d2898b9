//! Small tokenizers of each kind, as `tokenizer.json`, so that a clean clone tests them all.

use serde_json::{Value, json};

/// Words that the small vocabularies know.
const WORDS: [&str; 12] = [
    "hello",
    "world",
    "wireless",
    "headphones",
    "un",
    "want",
    "ed",
    "run",
    "the",
    "2024",
    "\u{624b}\u{673a}",
    "\u{e9}t\u{e9}",
];

/// Characters that they know one by one.
fn letters() -> Vec<char> {
    let ranges =
        ['!'..='~', '\u{e0}'..='\u{ff}', '\u{300}'..='\u{305}', '\u{3b1}'..='\u{3c9}', '\u{1100}'..='\u{1112}'];
    let others = "\u{624b}\u{673a}\u{1161}\u{11a8}\u{430}\u{5d0}\u{627}\u{915}\u{1F600}\u{fb01}\u{2460}".chars();
    ranges.into_iter().flatten().chain(others).collect()
}

fn specials(tokens: &[(&str, usize)]) -> Value {
    tokens
        .iter()
        .map(|(content, id)| {
            json!({"id": id, "content": content, "single_word": false, "lstrip": false, "rstrip": false, "normalized": false,
                   "special": true})
        })
        .collect()
}

/// WordPiece with BERT's normaliser as asked for.
pub(super) fn word_piece(normalizer: Value) -> Value {
    let mut pieces: Vec<String> = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"].map(str::to_owned).to_vec();
    pieces.extend(letters().into_iter().flat_map(|c| [c.to_string(), format!("##{c}")]));
    pieces.extend(
        WORDS.iter().filter(|word| word.chars().count() > 1).flat_map(|word| [(*word).to_owned(), format!("##{word}")]),
    );
    let vocab: serde_json::Map<String, Value> =
        pieces.iter().zip(0..).map(|(piece, id)| (piece.clone(), json!(id))).collect();
    let next = pieces.len();
    let mut added = specials(&[("[PAD]", 0), ("[UNK]", 1), ("[CLS]", 2), ("[SEP]", 3), ("[MASK]", 4)]);
    let more = [
        json!({"id": next, "content": "<Shop>", "single_word": false, "lstrip": true, "rstrip": true, "normalized": true, "special": false}),
        json!({"id": next + 1, "content": "kilo", "single_word": true, "lstrip": false, "rstrip": false, "normalized": true,
               "special": false}),
        json!({"id": next + 2, "content": "[M", "single_word": false, "lstrip": false, "rstrip": true, "normalized": false,
               "special": false}),
    ];
    added.as_array_mut().expect("a list was just made").extend(more);
    json!({
        "version": "1.0", "truncation": null, "padding": null, "added_tokens": added, "normalizer": normalizer,
        "pre_tokenizer": {"type": "BertPreTokenizer"},
        "post_processor": {"type": "BertProcessing", "sep": ["[SEP]", 3], "cls": ["[CLS]", 2]},
        "decoder": null,
        "model": {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##", "max_input_chars_per_word": 20,
                  "vocab": vocab}
    })
}

/// BERT's normaliser.
pub(super) fn bert(lowercase: bool, strip_accents: Option<bool>, chinese: bool, clean: bool) -> Value {
    json!({"type": "BertNormalizer", "clean_text": clean, "handle_chinese_chars": chinese, "strip_accents": strip_accents,
           "lowercase": lowercase})
}

/// The characters by which byte-level vocabularies spell bytes.
fn byte_chars() -> Vec<char> {
    let plain = |byte: &u8| matches!(byte, b'!'..=b'~' | 0xA1..=0xAC | 0xAE..=0xFF);
    let mut other = '\u{100}'..='\u{1FF}';
    let each = |byte: u8| if plain(&byte) { char::from(byte) } else { other.next().expect("there are 256 bytes") };
    (0..=u8::MAX).map(each).collect()
}

/// Byte-level BPE whose merges spell the words, with RoBERTa's post-processor.
pub(super) fn bpe(prefix_space: bool, trim: bool, ignore_merges: bool) -> Value {
    let chars = byte_chars();
    let mut pieces: Vec<String> = ["<s>", "<pad>", "</s>", "<unk>"].map(str::to_owned).to_vec();
    pieces.extend(chars.iter().map(char::to_string));
    let mut merges = Vec::new();
    let words = WORDS.iter().flat_map(|word| [(*word).to_owned(), format!(" {word}")]);
    for word in words.chain(["  ", "    ", "'s", "\n\n", "aaaa", "ababab"].map(str::to_owned)) {
        let spelled: Vec<char> = word.bytes().map(|byte| chars[usize::from(byte)]).collect();
        // From the right for words with a space, from the left for the others, so that merges compete.
        let mut joined = if word.starts_with(' ') { spelled[spelled.len() - 1] } else { spelled[0] }.to_string();
        let rest: Vec<char> = if word.starts_with(' ') {
            spelled[..spelled.len() - 1].iter().rev().copied().collect()
        } else {
            spelled[1..].to_vec()
        };
        for c in rest {
            let (left, right) = if word.starts_with(' ') { (c.to_string(), joined) } else { (joined, c.to_string()) };
            joined = format!("{left}{right}");
            if !pieces.contains(&joined) {
                pieces.push(joined.clone());
            }
            let merge = json!([left, right]);
            if !merges.contains(&merge) {
                merges.push(merge);
            }
        }
    }
    let vocab: serde_json::Map<String, Value> =
        pieces.iter().zip(0..).map(|(piece, id)| (piece.clone(), json!(id))).collect();
    let mut added = specials(&[("<s>", 0), ("<pad>", 1), ("</s>", 2), ("<unk>", 3)]);
    added.as_array_mut().expect("a list was just made").push(json!(
        {"id": pieces.len(), "content": "<mask>", "single_word": false, "lstrip": true, "rstrip": false, "normalized": true,
         "special": true}
    ));
    json!({
        "version": "1.0", "truncation": null, "padding": null, "added_tokens": added, "normalizer": null,
        "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": prefix_space, "trim_offsets": true, "use_regex": true},
        "post_processor": {"type": "RobertaProcessing", "sep": ["</s>", 2], "cls": ["<s>", 0], "trim_offsets": trim,
                           "add_prefix_space": prefix_space},
        "decoder": null,
        "model": {"type": "BPE", "dropout": null, "unk_token": null, "continuing_subword_prefix": null, "end_of_word_suffix": null,
                  "fuse_unk": false, "byte_fallback": false, "ignore_merges": ignore_merges, "vocab": vocab, "merges": merges}
    })
}

/// Unigram over marked words, with T5's post-processor.
pub(super) fn unigram(normalizer: Value, pre_tokenizer: Value, byte_fallback: bool) -> Value {
    let mut vocab: Vec<Value> =
        [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), ("\u{2581}", -2.0)].map(|entry| json!(entry)).to_vec();
    if byte_fallback {
        vocab.extend((0..=u8::MAX).map(|byte| json!([format!("<0x{byte:02X}>"), 0.0])));
    }
    let letters = letters().into_iter().zip(0..);
    vocab.extend(
        letters.filter(|(c, _)| *c != 'q').map(|(c, i)| json!([c.to_string(), -6.0 - 0.03125 * f64::from(i % 29)])),
    );
    let words = WORDS.iter().filter(|word| word.chars().count() > 1).zip(0..);
    vocab.extend(words.clone().map(|(word, i)| json!([word, -4.25 - 0.5 * f64::from(i)])));
    vocab.extend(words.map(|(word, i)| json!([format!("\u{2581}{word}"), -3.5 - 0.5 * f64::from(i)])));
    vocab.extend([json!(["qq", -90.0]), json!(["\u{2581}a", -5.0]), json!(["ell", -3.0]), json!(["less", -3.0])]);
    json!({
        "version": "1.0", "truncation": null, "padding": null,
        "added_tokens": specials(&[("<pad>", 0), ("</s>", 1), ("<unk>", 2)]),
        "normalizer": normalizer, "pre_tokenizer": pre_tokenizer,
        "post_processor": {
            "type": "TemplateProcessing",
            "single": [{"Sequence": {"id": "A", "type_id": 0}}, {"SpecialToken": {"id": "</s>", "type_id": 0}}],
            "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"SpecialToken": {"id": "</s>", "type_id": 0}},
                     {"Sequence": {"id": "B", "type_id": 1}}, {"SpecialToken": {"id": "</s>", "type_id": 1}}],
            "special_tokens": {"</s>": {"id": "</s>", "ids": [1], "tokens": ["</s>"]}}
        },
        "decoder": null,
        "model": {"type": "Unigram", "unk_id": 2, "byte_fallback": byte_fallback, "vocab": vocab}
    })
}

/// SentencePiece's pre-tokenizer.
pub(super) fn metaspace(scheme: &str, split: bool) -> Value {
    json!({"type": "Metaspace", "replacement": "\u{2581}", "prepend_scheme": scheme, "split": split})
}
