//! Packs of rankers' networks are read as they were written, and any other bytes are refused without a panic.

use modeldeploy_format::features::{Feature, Features, Rule, Side, Takes};
use modeldeploy_format::golden::requests::{GivenRows, GoldenRequest};
use modeldeploy_format::pack::{Aligned, NetworkContents, PackError, Writer};
use modeldeploy_format::program::{
    Bag, Index, Lookup, Part, PartRange, Pooling, Program, Rows, Slot, SlotId, Step, Storage, TensorId, Triangle, View,
};
use modeldeploy_format::tensor::Layout;
use modeldeploy_format::{Artifact, DType, Signature, Task};
use proptest::prelude::*;

const WIDTH: u32 = 4;

/// A network and all that is in its pack.
struct Network {
    signature: Signature,
    program: Program,
    features: Features,
    goldens: Vec<GoldenRequest>,
}

impl Network {
    fn finish(&self, writer: &Writer) -> Result<Aligned, PackError> {
        let Network { signature, program, features, goldens } = self;
        writer.finish_network(&NetworkContents { signature, program, features, goldens })
    }
}

/// A session's items → GRU → the last state; beside the user's number that makes a user of 5 values, which stand in each candidate's
/// row beside two of its embeddings and its number. From there pairs, products and sums to one score.
fn small() -> (Writer, Network) {
    let mut writer = Writer::new();
    let table = writer.tensor("items", DType::F32, Layout::Plain, &[9, 3 * WIDTH], &[1; 9 * 12 * 4]);
    let weights = writer.tensor("gru", DType::F32, Layout::Panels, &[3 * WIDTH, WIDTH], &[0; 16 * 4 * 4]);
    let bias = writer.tensor("gru.bias", DType::F32, Layout::Plain, &[3 * WIDTH], &[0; 48]);
    let codes = writer.tensor("brands", DType::I8, Layout::Plain, &[5, WIDTH], &[2; 20]);
    let scales = writer.tensor("brands.scales", DType::F32, Layout::Plain, &[5], &[0; 20]);
    let offsets = writer.tensor("brands.offsets", DType::F32, Layout::Plain, &[5], &[0; 20]);
    let nibbles = writer.tensor("kinds", DType::U4, Layout::Plain, &[9, 3 * WIDTH], &[0x21; 9 * 6]);
    let by_row = writer.tensor("kinds.scales", DType::F32, Layout::Plain, &[9], &[0; 36]);
    let gamma = writer.tensor("gamma", DType::F32, Layout::Plain, &[3], &[0; 12]);
    let mut offset = [0; 3];
    let mut slot = |rows: Rows, width: u32| {
        let at = &mut offset[rows as usize];
        let slot = Slot { rows, storage: Storage::F32, width, offset: *at };
        *at = slot.end().next_multiple_of(64);
        slot
    };
    let slots = vec![
        slot(Rows::Tokens, 3 * WIDTH),
        slot(Rows::Tokens, WIDTH),
        slot(Rows::Texts, WIDTH),
        slot(Rows::Candidates, 3 * WIDTH),
        slot(Rows::Candidates, 3),
        slot(Rows::Candidates, 3),
        slot(Rows::Candidates, 1),
        slot(Rows::Candidates, 3),
        slot(Rows::Candidates, 1),
        slot(Rows::Candidates, 2),
    ];
    let [items, states, user, fields, pairs, scaled, sum, weighed, dot, output] =
        [0, 1, 2, 3, 4, 5, 6, 7, 8, 9].map(SlotId);
    let whole = |slot, width| Part::View(View { slot, column: 0, width });
    let parts = vec![
        whole(user, WIDTH),
        Part::Bag(Bag {
            table: codes,
            scales: Some(scales),
            offsets: Some(offsets),
            of: Rows::Candidates,
            column: 0,
            count: 2,
            mean: true,
        }),
        Part::Numbers { of: Rows::Candidates, column: 0, count: 3 },
        Part::Numbers { of: Rows::Texts, column: 0, count: 1 },
        whole(sum, 1),
        whole(dot, 1),
    ];
    let steps = vec![
        Step::Embed {
            lookups: [
                Some(Lookup { table, scales: None, offsets: None, index: Index::Id { column: 0 } }),
                Some(Lookup {
                    table: nibbles,
                    scales: Some(by_row),
                    offsets: Some(by_row),
                    index: Index::Id { column: 0 },
                }),
                None,
            ],
            out: items,
        },
        Step::Gru { x: items, weights, bias, backward: false, out: states },
        Step::Pool { x: states, pooling: Pooling::Last, out: user },
        Step::Concat { parts: PartRange { first: 0, count: 4 }, out: fields },
        Step::Pairs { x: fields, fields: 3, triangle: Triangle::Lower, diagonal: false, out: pairs },
        Step::Affine { x: pairs, gamma, beta: gamma, out: scaled },
        Step::Sum { x: scaled, fields: 3, out: sum },
        Step::Mul { a: scaled, b: sum, out: weighed },
        Step::Dot { a: weighed, b: scaled, out: dot },
        Step::Concat { parts: PartRange { first: 4, count: 2 }, out: output },
    ];
    let number = |name: &str, side| Feature {
        name: name.into(),
        side,
        repeated: false,
        takes: Takes::Number,
        rule: Rule::Number { mean: 0.0, deviation: 1.0, default: 0.0 },
    };
    let id = |name: &str, side, size| Feature {
        name: name.into(),
        side,
        repeated: false,
        takes: Takes::Id,
        rule: Rule::Id { size, unknown: Some(0) },
    };
    let features = Features::new(vec![
        id("seen", Side::Session, 9),
        number("age", Side::User),
        id("brand", Side::Candidate, 5),
        id("maker", Side::Candidate, 5),
        number("price", Side::Candidate),
        number("rating", Side::Candidate),
        number("stock", Side::Candidate),
    ])
    .expect("features");
    let rows = |numbers: &[f32], ids: &[u32]| GivenRows { numbers: numbers.into(), ids: ids.into() };
    let golden = GoldenRequest {
        session: rows(&[], &[3, 4]),
        user: rows(&[1.0], &[]),
        candidates: rows(&[1.0, 2.0, 3.0], &[1, 2]),
        scores: vec![0.5, 0.25],
    };
    let signature = Signature {
        task: Task::Rank,
        max_tokens: 8,
        outputs: 2,
        normalized: false,
        labels: vec![],
        prompts: vec![],
        default_prompt: None,
        features: features.facts(),
    };
    let program = Program { slots, steps, parts, output };
    (writer, Network { signature, program, features, goldens: vec![golden] })
}

#[test]
fn what_is_written_is_read() {
    let (writer, network) = small();
    let pack = network.finish(&writer).expect("a pack");
    let artifact = Artifact::parse(&pack).expect("the same pack");
    assert_eq!(artifact.program(), &network.program);
    assert_eq!(artifact.ranker().expect("a ranker").features, network.features);
    assert!(artifact.ranker().expect("a ranker").forest().is_none());
    assert_eq!(artifact.golden_requests(), network.goldens);
    assert!(artifact.goldens().is_empty() && artifact.golden_rows().is_empty());
}

#[test]
fn a_wrong_network_is_refused_with_its_step() {
    type Change = fn(&mut Network);
    let cases: [(&str, Change); 18] = [
        ("step 3 (concat): the output's width is 12", |n| {
            n.program.parts[2] = Part::Numbers { of: Rows::Candidates, column: 0, count: 2 }
        }),
        ("numbers 1+3 are not among the 3 that are given with Candidates", |n| {
            n.program.parts[2] = Part::Numbers { of: Rows::Candidates, column: 1, count: 3 }
        }),
        ("Tokens do not stand beside Candidates", |n| {
            n.program.parts[0] = Part::View(View { slot: SlotId(1), column: 0, width: WIDTH })
        }),
        ("ids 1+2 are not among the 2", |n| {
            if let Part::Bag(bag) = &mut n.program.parts[1] {
                bag.column = 1;
            }
        }),
        ("a table of f32 with scales None and offsets Some", |n| {
            if let Part::Bag(bag) = &mut n.program.parts[1] {
                (bag.table, bag.scales) = (TensorId(0), None);
            }
        }),
        ("step 0 (embed): a table of u4 with scales Some(TensorId(7)) and offsets None", |n| {
            if let Step::Embed { lookups: [_, Some(lookup), _], .. } = &mut n.program.steps[0] {
                lookup.offsets = None;
            }
        }),
        ("step 0 (embed): a table of u4 with scales None", |n| {
            if let Step::Embed { lookups: [_, Some(lookup), _], .. } = &mut n.program.steps[0] {
                lookup.scales = None;
            }
        }),
        ("step 0 (embed)", |n| {
            if let Step::Embed { lookups: [_, Some(lookup), _], .. } = &mut n.program.steps[0] {
                lookup.offsets = Some(TensorId(5));
            }
        }),
        ("%4 is read before it is written", |n| {
            n.program.parts[0] = Part::View(View { slot: SlotId(4), column: 0, width: 3 });
            n.program.parts[3] = Part::Numbers { of: Rows::Candidates, column: 0, count: 2 };
        }),
        ("the parts 4+3 do not exist", |n| {
            n.program.steps[9] = Step::Concat { parts: PartRange { first: 4, count: 3 }, out: SlotId(9) }
        }),
        ("%9 lies over %8", |n| n.program.slots[9].offset = n.program.slots[8].offset),
        ("12 columns are not 5 fields", |n| {
            if let Step::Pairs { fields, .. } = &mut n.program.steps[4] {
                *fields = 5;
            }
        }),
        ("the output's width is 3 where 6", |n| {
            if let Step::Pairs { diagonal, .. } = &mut n.program.steps[4] {
                *diagonal = true;
            }
        }),
        ("step 1 (gru): the weights' layout", |n| {
            if let Step::Gru { weights, .. } = &mut n.program.steps[1] {
                *weights = TensorId(0);
            }
        }),
        ("it reads tokens, where a ranker has a session", |n| {
            if let Step::Embed { lookups: [Some(lookup), ..], .. } = &mut n.program.steps[0] {
                lookup.index = Index::TokenId;
            }
        }),
        ("id 1 is not among the 1 of a session's items", |n| {
            if let Step::Embed { lookups: [Some(lookup), ..], .. } = &mut n.program.steps[0] {
                lookup.index = Index::Id { column: 1 };
            }
        }),
        ("the output is not 3 values a candidate", |n| {
            n.signature.outputs = 3;
            n.goldens.clear();
        }),
        ("of different models", |n| n.signature.features[0].side = Side::User),
    ];
    for (message, change) in cases {
        let (writer, mut network) = small();
        change(&mut network);
        let error = network.finish(&writer).err().map(|error| error.to_string()).unwrap_or_default();
        assert!(error.contains(message), "{message}: {error:?}");
    }
}

#[test]
fn every_truncation_is_refused() {
    let (writer, network) = small();
    let pack = network.finish(&writer).expect("a pack");
    for len in 0..pack.len() {
        assert!(Artifact::parse(&Aligned::copy(&pack[..len])).is_err(), "{len} bytes");
    }
}

/// Whatever parses can be walked: every slot and every tensor that a step names is there, and every golden request is read.
fn walk(artifact: &Artifact<'_>) {
    let program = artifact.program();
    for step in &program.steps {
        program.inputs(step).chain(step.outputs()).for_each(|id| assert!(program.slot(id).width > 0));
        for (input, output) in program.inputs(step).flat_map(|input| step.outputs().map(move |output| (input, output)))
        {
            let (over, slot) = (program.slot(input), program.slot(output));
            assert!(!slot.overlaps(over) || (slot == over && step.in_place().any(|id| id == input)), "{step:?}");
        }
        program.tensors(step).into_iter().for_each(|id| assert!(artifact.tensor(id).bytes().is_some()));
    }
    artifact.golden_requests();
}

#[test]
fn a_changed_byte_is_refused_or_harmless() {
    let (writer, network) = small();
    let pack = network.finish(&writer).expect("a pack");
    for at in 0..pack.len() {
        for change in [0x01, 0x80, 0xff] {
            let mut bytes = pack.clone().to_vec();
            bytes[at] ^= change;
            if let Ok(artifact) = Artifact::parse(&Aligned::copy(&bytes)) {
                walk(&artifact);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: if cfg!(miri) { 4 } else { 256 }, failure_persistence: None, ..Default::default() })]

    #[test]
    fn any_changes_are_refused_or_harmless(changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8)) {
        let (writer, network) = small();
        let mut bytes = network.finish(&writer).expect("a pack").to_vec();
        for (at, value) in changes {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        if let Ok(artifact) = Artifact::parse(&Aligned::copy(&bytes)) {
            walk(&artifact);
        }
    }
}
