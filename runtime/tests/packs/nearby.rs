//! A ranker of embeddings: how near a candidate's title is to the user's query, and the candidate's boost beside it.

use modeldeploy::format::features::{EmbeddingOf, Feature, Features, Rule, Side, Takes};
use modeldeploy::format::golden::requests::{GivenRows, GoldenRequest};
use modeldeploy::format::pack::{Aligned, NetworkContents, Writer};
use modeldeploy::format::program::{Part, PartRange, Program, Rows, Slot, SlotId, Step, Storage, View};
use modeldeploy::format::{Digest, Signature, Task};

pub(crate) const WIDTH: u32 = 3;

pub(crate) fn features() -> Features {
    let of = || {
        let space = Digest::from_bytes([5; 32]);
        Rule::Embedding(EmbeddingOf { model: "encoder".into(), space, width: WIDTH })
    };
    let feature =
        |name: &str, side, rule| Feature { name: name.into(), side, repeated: false, takes: Takes::Number, rule };
    Features::new(vec![
        feature("query", Side::User, of()),
        feature("boost", Side::Candidate, Rule::Number { mean: 1.0, deviation: 1.0, default: f64::NAN }),
        feature("title", Side::Candidate, of()),
    ])
    .expect("features")
}

/// `[query · title, boost]`.
pub(crate) fn pack() -> Aligned {
    let features = features();
    let slot = |rows, width, offset| Slot { rows, storage: Storage::F32, width, offset };
    let [query, title, dot, output] = [0, 1, 2, 3].map(SlotId);
    let part = |first, count| PartRange { first, count };
    let program = Program {
        slots: vec![
            slot(Rows::Texts, WIDTH, 0),
            slot(Rows::Candidates, WIDTH, 0),
            slot(Rows::Candidates, 1, 64),
            slot(Rows::Candidates, 2, 128),
        ],
        parts: vec![
            Part::Numbers { of: Rows::Texts, column: 0, count: WIDTH },
            Part::Numbers { of: Rows::Candidates, column: 1, count: WIDTH },
            Part::View(View { slot: dot, column: 0, width: 1 }),
            Part::Numbers { of: Rows::Candidates, column: 0, count: 1 },
        ],
        steps: vec![
            Step::Concat { parts: part(0, 1), out: query },
            Step::Concat { parts: part(1, 1), out: title },
            Step::Dot { a: title, b: query, out: dot },
            Step::Concat { parts: part(2, 2), out: output },
        ],
        output,
    };
    let signature = Signature {
        task: Task::Rank,
        max_tokens: 1,
        outputs: 2,
        normalized: false,
        labels: vec![],
        prompts: vec![],
        default_prompt: None,
        features: features.facts(),
    };
    let rows = |numbers: &[f32]| GivenRows { numbers: numbers.into(), ids: vec![] };
    let golden = GoldenRequest {
        session: rows(&[]),
        user: rows(&[0.5, -1.0, 0.25]),
        candidates: rows(&[3.0, 2.0, 4.0, 8.0, -1.0, 0.0, 1.0, 0.5]),
        scores: vec![-1.0, 3.0, -0.875, -1.0],
    };
    let contents =
        NetworkContents { signature: &signature, program: &program, features: &features, goldens: &[golden] };
    Writer::new().finish_network(&contents).expect("a pack")
}
