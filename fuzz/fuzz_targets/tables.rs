//! Any bytes as a tokenizer's tables: refused, or every text gets ids below the vocabulary's size.

#![no_main]

use libfuzzer_sys::fuzz_target;
use modeldeploy::tokenizer::{Encoding, Tables, Tokenizer};

const TEXTS: [&str; 5] =
    ["", "wireless headphones", "手机 [MASK] Ⅷ é", "\u{0}\u{301}\u{feff} \t\n", "a 🎧\u{200d}b ##c"];

fuzz_target!(|bytes: &[u8]| {
    let Ok(tables) = Tables::parse(bytes) else { return };
    let tokenizer = Tokenizer::new(tables);
    let mut encoding = Encoding::default();
    for text in TEXTS {
        for pair in [None, Some("b")] {
            if tokenizer.encode_into(text, pair, tokenizer.truncation(), &mut encoding).is_ok() {
                assert!(encoding.ids().iter().all(|&id| id < tokenizer.vocab_size()));
            }
        }
    }
});
