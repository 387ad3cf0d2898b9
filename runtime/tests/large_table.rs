//! A table of a million rows is read where it lies: what scores by it takes as much memory as by a table of ten.

use modeldeploy::format::features::{Feature, Features, Rule, Side, Takes};
use modeldeploy::format::pack::{Aligned, NetworkContents, Writer};
use modeldeploy::format::program::{Bag, Part, PartRange, Program, Rows, Slot, SlotId, Step, Storage};
use modeldeploy::format::tensor::Layout;
use modeldeploy::format::{DType, Signature, Task};
use modeldeploy::isa::Isa;
use modeldeploy::model::{self, AnyModel, Compiled, Facts};
use modeldeploy::rank::{Engine, For, RankModel, Row, Value};

const WIDTH: u32 = 8;

/// The sum of an item's row of a table, which is the row's number modulo 1000, eight times.
fn pack(rows: u32) -> Aligned {
    let table: Vec<u8> =
        (0..rows).flat_map(|row| [(row % 1000) as f32; WIDTH as usize]).flat_map(f32::to_le_bytes).collect();
    let mut writer = Writer::new();
    let table = writer.tensor("items", DType::F32, Layout::Plain, &[rows, WIDTH], &table);
    let slot = |width, offset| Slot { rows: Rows::Candidates, storage: Storage::F32, width, offset };
    let [item, output] = [0, 1].map(SlotId);
    let of = Rows::Candidates;
    let program = Program {
        slots: vec![slot(WIDTH, 0), slot(1, 64)],
        parts: vec![Part::Bag(Bag { table, scales: None, offsets: None, of, column: 0, count: 1, mean: false })],
        steps: vec![
            Step::Concat { parts: PartRange { first: 0, count: 1 }, out: item },
            Step::Sum { x: item, fields: WIDTH, out: output },
        ],
        output,
    };
    let item = Feature {
        name: "item".into(),
        side: Side::Candidate,
        repeated: false,
        takes: Takes::Id,
        rule: Rule::Id { size: rows, unknown: None },
    };
    let features = Features::new(vec![item]).expect("features");
    let signature = Signature {
        task: Task::Rank,
        max_tokens: 1,
        outputs: 1,
        normalized: false,
        labels: vec![],
        prompts: vec![],
        default_prompt: None,
        features: features.facts(),
    };
    let contents = NetworkContents { signature: &signature, program: &program, features: &features, goldens: &[] };
    writer.finish_network(&contents).expect("a pack")
}

/// What `#[model]` writes, but that the engine is the test's own.
struct Ranker;

impl AnyModel for Ranker {
    const COMPILED: Compiled = Compiled::ranker::<Ranker>();
}

impl RankModel for Ranker {
    const NAME: &'static str = "ranker";
    const VERSION: &'static str = "1.0.0";
    const DIGEST: &'static str = "";
    const FEATURES: &'static [&'static str] = &["item"];
    const OUTPUTS: usize = 1;
    const FACTS: Facts =
        Facts { task: Task::Rank, max_tokens: 1, outputs: 1, normalized: false, labels: &[], prompts: &[], gate: None };

    fn engine() -> Result<&'static Engine<'static>, model::Error> {
        unreachable!("no handle asks for it")
    }
}

struct Item(f64);

impl Row for Item {
    type Model = Ranker;

    fn values(&self) -> impl AsRef<[Value<'_>]> {
        [Value::Number(self.0)]
    }
}

/// The most memory that is held at once from the pack's bytes to scores of the table's first, last and middle rows.
fn most(pack: &Aligned, rows: u32) -> u64 {
    let items: Vec<Item> = (0..600).map(|at| Item(f64::from(rows - 1) * f64::from(at) / 599.0)).map(whole).collect();
    let used = allocation_counter::measure(|| {
        let engine = Engine::with_isa("the pack", pack, Isa::detect()).expect("an engine");
        let mut at = 0;
        let each = |scores: &[f64]| {
            assert_eq!(scores[0], items[at].0 % 1000.0 * f64::from(WIDTH), "{rows} rows, item {}", items[at].0);
            at += 1;
        };
        engine.run(For::default(), &items, each).expect("scores");
        assert_eq!(at, items.len());
    });
    used.bytes_max
}

fn whole(item: Item) -> Item {
    Item(item.0.floor())
}

#[test]
fn what_a_session_takes_does_not_grow_with_the_table() {
    let (small, large) = (pack(10), pack(1_000_000));
    assert!(large.len() > 32_000_000);
    let (few, many) = (most(&small, 10), most(&large, 1_000_000));
    // Neither has a copy of any of the 32 megabytes.
    assert_eq!(few, many);
    assert!(many < 1 << 20, "{many} bytes");
}
