//! Tables that nobody wrote: every byte changed, every length. Either they are refused, or texts are encoded with ids that are there.

use modeldeploy::tokenizer::{Encoding, Tables, Tokenizer, Truncation};
use modeldeploy_compiler::tokenizer::compile_json;
use serde_json::{Value, json};

use super::samples::{bert, bpe, metaspace, unigram, word_piece};

const TEXTS: [&str; 4] =
    ["Hello [MASK] <Shop>  w\u{f6}rld's 2024!", "\u{624b}\u{673a} \u{ac01}e\u{301}\u{1F600}", "", "\u{2581} qq  \r\n"];

fn samples() -> Vec<Vec<u8>> {
    let steps = json!({"type": "Sequence", "normalizers": [{"type": "NFKC"}, {"type": "Strip", "strip_left": true, "strip_right": true},
                       {"type": "Replace", "pattern": {"String": "``"}, "content": "\""}, {"type": "Prepend", "prepend": " "}]});
    [word_piece(bert(true, None, true, true)), bpe(true, true, true), unigram(steps, metaspace("first", true), true)]
        .iter()
        .map(|json: &Value| {
            compile_json(&serde_json::to_vec(json).expect("JSON can be written"), "sample")
                .expect("the sample is sound")
        })
        .collect()
}

/// Parses and, if that succeeds, encodes.
fn use_tables(bytes: &[u8]) {
    let Ok(tables) = Tables::parse(bytes) else { return };
    let tokenizer = Tokenizer::new(tables);
    let mut encoding = Encoding::new();
    for text in TEXTS {
        for pair in [None, Some("the end")] {
            if tokenizer.encode_into(text, pair, Truncation::to(64), &mut encoding).is_ok() {
                assert!(encoding.ids().iter().all(|&id| id < tokenizer.vocab_size()));
                assert!(
                    encoding.offsets().iter().all(|&(start, end)| start <= end && end as usize <= text.len().max(8))
                );
            }
        }
        tokenizer.decode(encoding.ids());
    }
}

#[test]
fn tables_cut_short_or_drawn_out_are_refused() {
    for bytes in samples() {
        Tables::parse(&bytes).expect("whole tables are accepted");
        let step = (bytes.len() / 700).max(1);
        for len in (0..bytes.len()).step_by(step).chain(bytes.len().saturating_sub(64)..bytes.len()) {
            assert!(Tables::parse(&bytes[..len]).is_err(), "{len} of {} bytes are accepted", bytes.len());
        }
        assert!(Tables::parse(&[bytes.as_slice(), &[0; 4]].concat()).is_err());
    }
}

#[test]
fn tables_with_a_byte_changed_are_refused_or_safe() {
    for mut bytes in samples() {
        // Every byte of the first and last kilobytes, where lengths and kinds are dense, and a sample of the large tables.
        let step = (bytes.len() / 1500).max(1);
        let len = bytes.len();
        for at in (0..len.min(2048)).chain((2048..len).step_by(step)).chain(len.saturating_sub(2048)..len) {
            let before = bytes[at];
            for change in [0x01, 0x80, 0xFF] {
                bytes[at] = before ^ change;
                use_tables(&bytes);
            }
            bytes[at] = before;
        }
    }
}

#[test]
fn noise_is_refused() {
    let mut state = 0x2545_F491_4F6C_DD1D_u64;
    let mut noise: Vec<u8> = Vec::new();
    for _ in 0..4096 {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        noise.extend(state.to_le_bytes());
    }
    for start in 0..256 {
        assert!(Tables::parse(&noise[start..]).is_err());
    }
    assert!(Tables::parse(&[]).is_err());
    assert!(Tables::parse(&vec![0; 1 << 16]).is_err());
}
