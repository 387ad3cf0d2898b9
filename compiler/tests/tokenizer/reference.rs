//! Our tokenizer and the Hugging Face library's from one file, side by side.

use std::cell::RefCell;
use std::path::PathBuf;

use modeldeploy::tokenizer::{EncodeError, Encoding, Side, Strategy, Tables, Tokenizer, Truncation};
use modeldeploy_compiler::tokenizer::compile_json;
use tokenizers::{TruncationDirection, TruncationParams, TruncationStrategy};

/// The test data beside the checkout; `None`, said once on stderr, where it is not.
pub(super) fn shared(path: &str) -> Option<PathBuf> {
    let path = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/data")).join(path);
    if path.exists() {
        return Some(path);
    }
    modeldeploy_house::skipped(&format!("{} is not here", path.display()));
    None
}

/// A tokenizer over tables that live as long as the test.
pub(super) fn over(tables: Vec<u8>) -> Tokenizer<'static> {
    Tokenizer::new(Tables::parse(Vec::leak(tables)).expect("the compiler's tables are sound"))
}

pub(super) struct Both {
    pub(super) ours: Tokenizer<'static>,
    theirs: RefCell<tokenizers::Tokenizer>,
}

impl Both {
    pub(super) fn new(json: &[u8]) -> Self {
        let tables = compile_json(json, "tokenizer.json").unwrap_or_else(|errors| panic!("{}", errors[0]));
        Self::with(over(tables), json)
    }

    pub(super) fn with(ours: Tokenizer<'static>, json: &[u8]) -> Self {
        let mut theirs = tokenizers::Tokenizer::from_bytes(json).expect("the library reads its own file");
        theirs.with_padding(None).with_truncation(None).expect("no truncation is possible");
        Self { ours, theirs: RefCell::new(theirs) }
    }

    /// Panics unless both give the same, or both refuse.
    pub(super) fn check(&self, text: &str, pair: Option<&str>, truncation: Option<Truncation>) {
        let mut ours = Encoding::new();
        let result = self.ours.encode_into(text, pair, truncation.unwrap_or(Truncation::NONE), &mut ours);
        let mut theirs = self.theirs.borrow_mut();
        theirs.with_truncation(None).expect("no truncation is possible");
        if let Some(truncation) = truncation {
            // Where special tokens leave no room the library panics; there is nothing to compare.
            if matches!(result, Err(EncodeError::NoRoom { .. })) {
                return;
            }
            let params = TruncationParams {
                max_length: truncation.max_len as usize,
                direction: match truncation.side {
                    Side::Left => TruncationDirection::Left,
                    Side::Right => TruncationDirection::Right,
                },
                strategy: match truncation.strategy {
                    Strategy::LongestFirst => TruncationStrategy::LongestFirst,
                    Strategy::OnlyFirst => TruncationStrategy::OnlyFirst,
                    Strategy::OnlySecond => TruncationStrategy::OnlySecond,
                },
                stride: 0,
            };
            theirs.with_truncation(Some(params)).expect("a stride of 0 is always possible");
        }
        let theirs = match pair {
            Some(pair) => theirs.encode((text, pair), true),
            None => theirs.encode(text, true),
        };
        let what = format!("{text:?}, {pair:?}, {truncation:?}");
        let theirs = match (result, theirs) {
            (Ok(()), Ok(theirs)) => theirs,
            (Err(_), Err(_)) => return,
            (ours, theirs) => panic!("{what}: ours {ours:?}, theirs {theirs:?}"),
        };
        let offsets: Vec<_> = ours.offsets().iter().map(|&(start, end)| (start as usize, end as usize)).collect();
        let type_ids: Vec<_> = ours.type_ids().iter().map(|&id| u32::from(id)).collect();
        let special: Vec<_> = ours.special().iter().map(|&special| u32::from(special)).collect();
        assert_eq!(ours.ids(), theirs.get_ids(), "ids of {what}; theirs are {:?}", theirs.get_tokens());
        assert_eq!(offsets, theirs.get_offsets(), "offsets of {what}; tokens are {:?}", theirs.get_tokens());
        assert_eq!(type_ids, theirs.get_type_ids(), "segments of {what}");
        assert_eq!(special, theirs.get_special_tokens_mask(), "special tokens of {what}");
    }
}
