//! Models whose outputs are plain means over the tokens, so that one can work them out by hand.

use super::{Builder, Precision, TYPES, VOCABULARY, bytes_as_tokens};
use modeldeploy::format::pack::{Aligned, Contents};
use modeldeploy::format::program::{Index, Lookup, Pooling, Program, Rows, Step, Storage};
use modeldeploy::format::{Signature, Task};

pub(crate) const LABELS: [&str; 3] = ["high", "five", "pair"];

/// The row of a table, by its number.
type Row = fn(f32) -> Vec<f32>;

/// A pack whose rows are means over the tokens, of as many of these as the task has outputs:
///
/// - `embed` 2: the token's id, and 1;
/// - `score` 1: the token's id and 100 times its type;
/// - `classify` 3: the token's id, 5, and 10 times its type; these are logits, whose softmax is given.
pub(crate) fn build(task: Task) -> Aligned {
    let mut builder = Builder::new(super::SMALL, Precision::F32);
    let (word, type_of): (Row, Row) = match task {
        Task::Embed => (|id| vec![id, 1.0], |_| vec![0.0, 0.0]),
        Task::Score => (|id| vec![id], |kind| vec![100.0 * kind]),
        _ => (|id| vec![id, 5.0, 0.0], |kind| vec![0.0, 0.0, 10.0 * kind]),
    };
    let outputs = word(0.0).len() as u32;
    let mut table = |name, rows: u32, row: Row, index| {
        let values: Vec<f32> = (0..rows).flat_map(|id| row(id as f32)).collect();
        let table = builder.push_floats(name, &[rows, outputs], &values);
        Some(Lookup { table, scales: None, offsets: None, index })
    };
    let words = table("words", VOCABULARY, word, Index::TokenId);
    let types = table("types", TYPES, type_of, Index::TokenType);
    let embedded = builder.slot(Rows::Tokens, Storage::F32, outputs);
    builder.steps.push(Step::Embed { lookups: [words, types, None], out: embedded });
    let mut output = builder.slot(Rows::Texts, Storage::F32, outputs);
    builder.steps.push(Step::Pool { x: embedded, pooling: Pooling::Mean, out: output });
    if task == Task::Classify {
        let out = builder.slot(Rows::Texts, Storage::F32, outputs);
        builder.steps.push(Step::Softmax { x: output, out });
        output = out;
    }
    let Builder { writer, slots, steps, .. } = builder;
    let prompt = |name: &str, text: &str| (name.to_owned(), text.to_owned());
    let (prompts, default_prompt) = match task {
        Task::Embed => (vec![prompt("document", "d: "), prompt("query", "q: ")], Some("document".to_owned())),
        _ => (vec![], None),
    };
    let labels = if task == Task::Classify { LABELS.map(str::to_owned).to_vec() } else { vec![] };
    let signature = Signature {
        task,
        max_tokens: 16,
        outputs,
        normalized: false,
        labels,
        prompts,
        default_prompt,
        features: vec![],
    };
    let program = Program { slots, steps, parts: vec![], output };
    let contents = Contents { signature, program, tokenizer: bytes_as_tokens(), goldens: vec![] };
    writer.finish(&contents).expect("a sound pack")
}
