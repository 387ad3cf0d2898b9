//! A small pack: an embedding of two words, and the mean of a text's.

use modeldeploy_format::pack::{Contents, Writer};
use modeldeploy_format::program::{Index, Lookup, Pooling, Program, Rows, Slot, SlotId, Step, Storage};
use modeldeploy_format::tensor::Layout;
use modeldeploy_format::{DType, Signature, Task};

/// Its words have this byte everywhere.
pub(crate) fn pack(byte: u8) -> Vec<u8> {
    let mut writer = Writer::new();
    let table = writer.tensor("words", DType::F32, Layout::Plain, &[2, 16], &[byte; 128]);
    let slot = |rows, offset| Slot { rows, storage: Storage::F32, width: 16, offset };
    let [x, pooled] = [0, 1].map(SlotId);
    let program = Program {
        slots: vec![slot(Rows::Tokens, 0), slot(Rows::Texts, 0)],
        steps: vec![
            Step::Embed {
                lookups: [Some(Lookup { table, scales: None, offsets: None, index: Index::TokenId }), None, None],
                out: x,
            },
            Step::Pool { x, pooling: Pooling::Mean, out: pooled },
        ],
        parts: vec![],
        output: pooled,
    };
    let signature = Signature {
        task: Task::Embed,
        max_tokens: 8,
        outputs: 16,
        normalized: false,
        labels: vec![],
        prompts: vec![],
        default_prompt: None,
        features: vec![],
    };
    let contents = Contents { signature, program, tokenizer: vec![], goldens: vec![] };
    writer.finish(&contents).expect("a pack").to_vec()
}
