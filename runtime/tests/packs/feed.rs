//! A feed's ranker: a network of a session, a country and an item, whose scores follow from its tables.

use modeldeploy::format::features::{Feature, Features, Rule, Side, Takes, Unknown};
use modeldeploy::format::golden::requests::{GivenRows, GoldenRequest};
use modeldeploy::format::pack::{Aligned, NetworkContents, Writer};
use modeldeploy::format::program::{
    Bag, Index, Lookup, Part, PartRange, Pooling, Program, Rows, Slot, SlotId, Step, Storage,
};
use modeldeploy::format::tensor::Layout;
use modeldeploy::format::{DType, Signature, Task};

const WIDTH: u32 = 4;
pub(crate) const ITEMS: u32 = 6;

/// The vector of an item, or of a country: small whole numbers, so that any order of a sum is exact.
fn vector(of: u32, scale: f32) -> Vec<f32> {
    (0..WIDTH).map(|at| (of * 3 + at) as f32 * scale - 2.0).collect()
}

fn features() -> Features {
    let feature = |name: &str, side, takes, rule| Feature { name: name.into(), side, repeated: false, takes, rule };
    let vocabulary = vec!["fr".to_owned(), "de".to_owned()];
    Features::new(vec![
        feature("seen", Side::Session, Takes::Id, Rule::Id { size: ITEMS, unknown: Some(0) }),
        feature(
            "country",
            Side::User,
            Takes::Id,
            Rule::Category { vocabulary, first: 1, unknown: Unknown::Number(0.0) },
        ),
        feature("item", Side::Candidate, Takes::Id, Rule::Id { size: ITEMS, unknown: None }),
        feature("boost", Side::Candidate, Takes::Number, Rule::Number { mean: 0.0, deviation: 2.0, default: f64::NAN }),
    ])
    .expect("features")
}

/// `[mean of the session's items + the country] · item`, and the boost beside it: two outputs.
pub(crate) fn pack(score: f32) -> Aligned {
    let bytes = |rows: u32, scale: f32| -> Vec<u8> {
        (0..rows).flat_map(|row| vector(row, scale)).flat_map(f32::to_le_bytes).collect()
    };
    let mut writer = Writer::new();
    let items = writer.tensor("items", DType::F32, Layout::Plain, &[ITEMS, WIDTH], &bytes(ITEMS, 1.0));
    let countries = writer.tensor("countries", DType::F32, Layout::Plain, &[3, WIDTH], &bytes(3, 0.5));
    let slot = |rows, width, offset| Slot { rows, storage: Storage::F32, width, offset };
    let [seen, mean, country, user, item, dot, output] = [0, 1, 2, 3, 4, 5, 6].map(SlotId);
    let bag = |table, of| Part::Bag(Bag { table, scales: None, offsets: None, of, column: 0, count: 1, mean: false });
    let view = |slot, width| Part::View(modeldeploy::format::program::View { slot, column: 0, width });
    let program = Program {
        slots: vec![
            slot(Rows::Tokens, WIDTH, 0),
            slot(Rows::Texts, WIDTH, 0),
            slot(Rows::Texts, WIDTH, 64),
            slot(Rows::Texts, WIDTH, 128),
            slot(Rows::Candidates, WIDTH, 0),
            slot(Rows::Candidates, 1, 64),
            slot(Rows::Candidates, 2, 128),
        ],
        parts: vec![
            bag(countries, Rows::Texts),
            bag(items, Rows::Candidates),
            view(dot, 1),
            Part::Numbers { of: Rows::Candidates, column: 0, count: 1 },
        ],
        steps: vec![
            Step::Embed {
                lookups: [Some(Lookup { table: items, scales: None, index: Index::Id { column: 0 } }), None, None],
                out: seen,
            },
            Step::Pool { x: seen, pooling: Pooling::Mean, out: mean },
            Step::Concat { parts: PartRange { first: 0, count: 1 }, out: country },
            Step::Add { a: mean, b: country, out: user },
            Step::Concat { parts: PartRange { first: 1, count: 1 }, out: item },
            Step::Dot { a: item, b: user, out: dot },
            Step::Concat { parts: PartRange { first: 2, count: 2 }, out: output },
        ],
        output,
    };
    let features = features();
    let signature = Signature {
        task: Task::Rank,
        max_tokens: 3,
        outputs: 2,
        normalized: false,
        labels: vec![],
        prompts: vec![],
        default_prompt: None,
        features: features.facts(),
    };
    let rows = |numbers: &[f32], ids: &[u32]| GivenRows { numbers: numbers.into(), ids: ids.into() };
    let golden = GoldenRequest {
        session: rows(&[], &[1, 3]),
        user: rows(&[], &[2]),
        candidates: rows(&[0.25], &[4]),
        scores: vec![score, 0.25],
    };
    let contents =
        NetworkContents { signature: &signature, program: &program, features: &features, goldens: &[golden] };
    writer.finish_network(&contents).expect("a pack")
}

/// What the network computes, from the definition.
pub(crate) fn expected(seen: &[u32], country: u32, item: u32) -> f64 {
    let mean = |at: usize| seen.iter().map(|&id| f64::from(vector(id, 1.0)[at])).sum::<f64>() / seen.len() as f64;
    let user = (0..WIDTH as usize).map(|at| mean(at) + f64::from(vector(country, 0.5)[at]));
    user.zip(vector(item, 1.0)).map(|(user, item)| user * f64::from(item)).sum()
}
