//! Recommenders that PyTorch exported, and one written node by node, become networks, whose packs score as the files do.

use crate::{read, shared};
use modeldeploy::format::pack::Aligned;
use modeldeploy::session::{Capacity, Columns, Request, Session};
use modeldeploy_compiler::compress::{Precision, Recipe, compress};
use modeldeploy_compiler::front::onnx::ranker::{Column, InputFacts, Network, Role, Sessions, inputs, network};
use modeldeploy_compiler::graph::{Graph, Type};
use modeldeploy_compiler::onnx::{Dimension, Elem, Model, Tensor};
use modeldeploy_compiler::{emit, passes};
use modeldeploy_format::features::{Feature, Features, Rule, Side, Takes};
use modeldeploy_format::{Artifact, Signature, Task};
use std::fs;
use std::path::{Path, PathBuf};

const LONGEST: usize = 12;

pub(crate) fn exports() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/onnx/rankers")
}

fn model(path: &Path) -> Model {
    let bytes = fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    read("model.onnx", bytes).unwrap_or_else(|errors| panic!("{}: {errors:?}", path.display()))
}

/// The roles of inputs, by their names.
fn roles(model: &Model) -> Vec<Role> {
    let side = |name: &str| match name {
        "user" | "age" | "profile" | "query" | "user_input_0" => Side::User,
        "session" | "dwell" => Side::Session,
        _ => Side::Candidate,
    };
    inputs(model).into_iter().map(|input| Role { side: side(&input.name), input: input.name }).collect()
}

/// How many items the sessions of a file have, if it is always as many.
fn fixed_items(model: &Model) -> Option<usize> {
    let sides = roles(model);
    let of_session =
        |input: &InputFacts| sides.iter().any(|role| role.input == input.name && role.side == Side::Session);
    inputs(model).into_iter().filter(of_session).find_map(|input| input.items)
}

fn imported(model: &Model) -> Network {
    let sessions = Sessions { most: LONGEST, filled: fixed_items(model).is_some() };
    network(model, "model.onnx", &roles(model), sessions).unwrap_or_else(|errors| {
        let errors: Vec<String> = errors.iter().map(ToString::to_string).collect();
        panic!("{}", errors.join("\n"))
    })
}

/// The features of a network's columns, numbers as they are and ids as the tables have rows.
fn features(columns: &[Column]) -> Features {
    let feature = |column: &Column| Feature {
        name: column.name.clone(),
        side: column.side,
        repeated: false,
        takes: column.takes,
        rule: match column.takes {
            Takes::Number => Rule::Number { mean: 0.0, deviation: 1.0, default: 0.0 },
            Takes::Id => Rule::Id { size: column.rows.expect("an id that is read") as u32, unknown: None },
        },
    };
    Features::new(columns.iter().map(feature).collect()).expect("features")
}

/// Tables in 4 bits, layers in 8.
fn tables_in_4_bits() -> Recipe {
    Recipe { parts: [("embeddings".to_owned(), Precision::Int4)].into(), ..Recipe::of(Precision::Int8) }
}

/// The pack of a fused graph, compressed.
fn packed(graph: &Graph, columns: &[Column], recipe: &Recipe) -> Aligned {
    let graph = compress(graph, recipe, &[], &mut |_| {}).expect("a compressed graph");
    let features = features(columns);
    let outputs = graph.ty(graph.outputs()[0]).shape.get(1).and_then(|dim| dim.fixed()).unwrap_or(1);
    let signature = Signature {
        task: Task::Rank,
        max_tokens: LONGEST as u32,
        outputs: outputs as u32,
        normalized: false,
        labels: vec![],
        prompts: vec![],
        default_prompt: None,
        features: features.facts(),
    };
    emit::network(&graph, &signature, &features, &[]).unwrap_or_else(|errors| {
        let errors: Vec<String> = errors.iter().map(ToString::to_string).collect();
        panic!("{}\n{graph}", errors.join("\n"))
    })
}

/// Numbers that look random.
struct Random(u64);

impl Random {
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// What is known of one user, by column and row.
struct Given(Vec<Vec<f64>>);

impl Given {
    fn new(columns: &[Column], items: usize, candidates: usize, random: &mut Random) -> Given {
        let rows = |side: Side| match side {
            Side::Candidate => candidates,
            Side::User => 1,
            Side::Session => items,
        };
        let mut number = |column: &Column| match column.takes {
            Takes::Id => (random.next() * column.rows.expect("an id that is read") as f64).floor(),
            Takes::Number => f64::from((random.next() * 3.0 - 1.5) as f32),
        };
        Given(columns.iter().map(|column| (0..rows(column.side)).map(|_| number(column)).collect()).collect())
    }

    /// The same with the padding's id in the place of the first items.
    fn pad(&mut self, columns: &[Column], count: usize) {
        let of_session = |column: &Column| column.side == Side::Session && column.takes == Takes::Id;
        for (_, ids) in columns.iter().zip(&mut self.0).filter(|(column, _)| of_session(column)) {
            ids[..count].fill(0.0);
        }
    }

    /// The numbers and the ids of a side, row by row.
    fn side(&self, columns: &[Column], side: Side) -> (Vec<f32>, Vec<u32>) {
        let own: Vec<_> = columns.iter().zip(&self.0).filter(|(column, _)| column.side == side).collect();
        let (mut numbers, mut ids) = (vec![], vec![]);
        for row in 0..own.first().map_or(0, |(_, values)| values.len()) {
            for (column, values) in &own {
                match column.takes {
                    Takes::Number => numbers.push(values[row] as f32),
                    Takes::Id => ids.push(values[row] as u32),
                }
            }
        }
        (numbers, ids)
    }

    /// What the file's interpreter gives: each of its inputs has the axes that the file says, rows before columns.
    fn interpreted(&self, model: &Model, items: usize, candidates: usize) -> Vec<f32> {
        let roles = roles(model);
        let mut first = 0;
        let mut given = Vec::new();
        for (port, role) in model.inputs().iter().zip(&roles) {
            let facts = inputs(model).into_iter().find(|facts| facts.name == port.name).expect("an input");
            let fixed_items = facts.items.filter(|_| role.side == Side::Session);
            let columns = facts.columns / fixed_items.unwrap_or(1);
            let own = &self.0[first..first + columns];
            first += columns;
            let fixed = |dim: &Dimension| matches!(dim, Dimension::Fixed(_));
            let dims = port.shape.as_deref().expect("a shape");
            let rows = match role.side {
                Side::Session => items,
                _ => candidates,
            };
            let shape: Vec<usize> = dims
                .iter()
                .map(|dim| match dim {
                    Dimension::Fixed(size) => *size,
                    _ => rows,
                })
                .collect();
            // A user that shares the candidates' batch is repeated in it.
            let count = if dims.iter().all(fixed) { fixed_items.unwrap_or(1) } else { rows };
            let row = |row: usize| own.iter().map(move |values| values[row.min(values.len() - 1)]);
            let numbers: Vec<f64> = (0..count).flat_map(row).collect();
            let tensor = match facts.elem {
                Some(Elem::I64) => Tensor::new(shape, numbers.iter().map(|&it| it as i64).collect::<Vec<i64>>()),
                _ => Tensor::new(shape, numbers.iter().map(|&it| it as f32).collect::<Vec<f32>>()),
            };
            given.push((port.name.as_str(), tensor.expect("a tensor")));
        }
        model.run(&given).expect("scores")[0].as_f32().expect("f32").to_vec()
    }

    fn scored(&self, session: &mut Session<'_>, columns: &[Column], items: usize, candidates: usize) -> Vec<f32> {
        let [candidate, user, items_of] = Side::ALL.map(|side| self.side(columns, side));
        let ends = |count: usize| [0, count as u32];
        let (starts, ends) = (ends(items), ends(candidates));
        let request = Request {
            session: Columns { numbers: &items_of.0, ids: &items_of.1 },
            starts: &starts,
            user: Columns { numbers: &user.0, ids: &user.1 },
            candidate: Columns { numbers: &candidate.0, ids: &candidate.1 },
            candidates: &ends,
        };
        session.score(&request).expect("scores").to_vec()
    }
}

/// Whether a file knows an id of padding.
fn padded(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str()).expect("a name");
    ["fixed", "padded", "transformer", "masked"].iter().any(|part| name.contains(part))
}

/// The pack of a file scores as the file, but for rounding and what 8 bits cost.
fn check(path: &Path) {
    let model = model(path);
    let Network { mut graph, columns } = imported(&model);
    passes::run(&mut graph);
    let items = columns.iter().any(|column| column.side == Side::Session);
    let whole = [(Precision::F32, 2e-5), (Precision::Bf16, 0.03), (Precision::Int8, 0.06)];
    let whole = whole.map(|(precision, bound)| (Recipe::of(precision), bound));
    // One that takes embeddings alone has no tables of its own.
    let has_tables = columns.iter().any(|column| column.takes == Takes::Id);
    for (recipe, bound) in whole.into_iter().chain(has_tables.then(|| (tables_in_4_bits(), 0.3))) {
        let pack = packed(&graph, &columns, &recipe);
        let artifact = Artifact::parse(&pack).expect("a pack");
        let program = artifact.program();
        let read: Vec<u32> = program.steps.iter().flat_map(|step| program.tensors(step)).map(|id| id.0).collect();
        // The first time that a tensor is read, it is the next one.
        let next = read.iter().fold(0, |next, &id| if id == next { next + 1 } else { next });
        assert!(read.iter().all(|&id| id < next) && next as usize == artifact.tensors().len(), "{}", path.display());
        let mut session =
            Session::new(&artifact, Capacity { tokens: 12, texts: 1, candidates: 40 }).expect("a session");
        let mut random = Random(11);
        let (mut off, mut greatest) = (0_f32, 0_f32);
        for (length, candidates) in [(1, 1), (12, 40), (5, 7), (2, 16)] {
            let length = if items { fixed_items(&model).unwrap_or(length) } else { 0 };
            let mut given = Given::new(&columns, length, candidates, &mut random);
            if padded(path) {
                given.pad(&columns, length / 2);
            }
            let want = given.interpreted(&model, length, candidates);
            let got = given.scored(&mut session, &columns, length, candidates);
            assert_eq!(got.len(), want.len(), "{}", path.display());
            for (got, want) in got.iter().zip(&want) {
                off = off.max((got - want).abs());
                greatest = greatest.max(want.abs());
            }
        }
        assert!(greatest > 0.1, "{}: the scores are all small", path.display());
        assert!(off <= bound * greatest.max(1.0), "{}, {:?}: {off} of {greatest}", path.display(), recipe.settings());
    }
}

#[test]
fn every_export_scores_as_its_file() {
    let mut files: Vec<PathBuf> =
        fs::read_dir(exports()).expect("the exports").map(|entry| entry.expect("an entry").path()).collect();
    files.retain(|path| path.extension().is_some_and(|ending| ending == "onnx"));
    files.sort();
    assert_eq!(files.len(), 28);
    files.iter().for_each(|path| check(path));
}

#[test]
fn one_candidate_at_a_time_in_the_file_is_many_in_the_pack() {
    let (Some(folder), Some(data)) = (shared("models/ncf"), shared("recsys/ncf-ml1m")) else { return };
    let model = model(&folder.join("ncf.onnx"));
    let Network { mut graph, columns } = imported(&model);
    let facts: Vec<_> = columns.iter().map(|it| (it.name.as_str(), it.side, it.takes, it.rows)).collect();
    let id = |name, side, rows| (name, side, Takes::Id, Some(rows));
    assert_eq!(facts, [id("user_input_0", Side::User, 6040), id("item_input_0", Side::Candidate, 3706)]);
    passes::run(&mut graph);
    let text = fs::read_to_string(data.join("ml-1m.test.negative")).expect("the items");
    // What the published figures may lose by fewer bits; f32 has them to the last digit.
    for (recipe, bound) in
        [(Recipe::of(Precision::F32), 0.000_05), (Recipe::of(Precision::Int8), 0.001), (tables_in_4_bits(), 0.004)]
    {
        let pack = packed(&graph, &columns, &recipe);
        let (hits, gain) = ranked(&pack, &columns, &text);
        println!("{:?}: {hits:.4} {gain:.4} in {} bytes", recipe.settings(), pack.len());
        assert!((hits - 0.5944).abs() <= bound && (gain - 0.3359).abs() <= bound, "{hits:.4} {gain:.4}: {recipe:?}");
    }
}

/// The share of users whose own item is among the best ten of their hundred, and the mean gain of its place.
fn ranked(pack: &Aligned, columns: &[Column], text: &str) -> (f64, f64) {
    let artifact = Artifact::parse(pack).expect("a pack");
    let capacity = Capacity { tokens: 1, texts: 1, candidates: 100 };
    let mut session = Session::new(&artifact, capacity).expect("a session");
    let (mut hits, mut gain, mut users) = (0.0, 0.0, 0);
    for line in text.lines() {
        let mut fields = line.split('\t');
        let pair = fields.next().and_then(|pair| pair.strip_prefix('(')?.strip_suffix(')')?.split_once(','));
        let (user, own) = pair.expect("a user and an item");
        let items: Vec<f64> = fields.chain([own]).map(|item| item.parse().expect("an item")).collect();
        let given = Given(vec![vec![user.parse().expect("a user")], items]);
        let scores = given.scored(&mut session, columns, 0, 100);
        // The user's own stands last; of equal scores the others go before it.
        let rank = scores[..99].iter().filter(|&&score| score >= scores[99]).count();
        if rank < 10 {
            hits += 1.0;
            gain += std::f64::consts::LN_2 / ((rank + 2) as f64).ln();
        }
        users += 1;
    }
    assert_eq!(users, 6040);
    (hits / f64::from(users), gain / f64::from(users))
}

/// What is named of the user in a file of one batch is computed once for each user.
#[test]
fn what_is_of_the_user_alone_has_one_row() {
    for (name, user) in [
        ("dcn-torchscript", &["bag"][..]),
        // Of the last block all but keys and values, of the last item alone.
        (
            "sasrec-torchscript",
            &["attention", "dense", "dense", "dense", "dense", "layer_norm", "layer_norm", "layer_norm", "pool"],
        ),
        // Of the states of two layers the last alone is read.
        ("gru-torchscript", &["pool"]),
        // Two fields of two tables, and their share of a layer.
        ("deepfm-dynamo", &["bag", "bag", "bag", "bag", "dense"]),
    ] {
        let Network { mut graph, .. } = imported(&model(&exports().join(format!("{name}.onnx"))));
        passes::run(&mut graph);
        let of_user = |ty: &Type| ty.rows().is_none();
        let mut ops: Vec<&str> = graph
            .nodes()
            .filter(|(id, node)| {
                of_user(graph.ty(*id)) && !matches!(node.op.name(), "constant" | "input" | "reshape" | "concat")
            })
            .map(|(_, node)| node.op.name())
            .collect();
        ops.sort_unstable();
        assert_eq!(ops, user, "{name}: {graph}");
    }
}

#[test]
fn what_a_network_is_made_of_is_fused() {
    for (name, wanted) in [
        ("dlrm-dynamo", &["pairs", "bag", "dense"][..]),
        ("dlrm-torchscript", &["pairs", "bag", "dense"]),
        ("towers-dynamo", &["normalize", "dot", "affine"]),
        ("sasrec-fused-dynamo", &["attention", "embed_sum", "layer_norm", "dot"]),
        ("gru-torchscript", &["gru", "dot"]),
        ("recurrent-torchscript", &["gru", "lstm", "reduce_max"]),
        ("sasrec-fixed-dynamo", &["attention", "id_mask", "dense"]),
        ("transformer-dynamo", &["masked_attention", "id_mask", "dense"]),
        ("transformer-fixed-dynamo", &["masked_attention", "id_mask", "dense"]),
        ("masked-dynamo", &["masked_attention", "id_mask", "mul"]),
        ("dcn-dynamo", &["affine", "dense", "mul"]),
    ] {
        let Network { mut graph, .. } = imported(&model(&exports().join(format!("{name}.onnx"))));
        passes::run(&mut graph);
        for op in wanted {
            assert!(graph.nodes().any(|(_, node)| node.op.name() == *op), "{name}: no {op} in {graph}");
        }
        for op in ["matmul", "gather", "neg", "sub"].iter().filter(|op| !wanted.contains(op)) {
            assert!(graph.nodes().all(|(_, node)| node.op.name() != *op), "{name}: {op} in {graph}");
        }
    }
}

/// Whatever a file says, it becomes a network or an error.
#[test]
fn changed_files_are_refused_or_right() {
    let mut random = Random(3);
    let (mut read_anyhow, mut refused) = (0, 0);
    for name in ["dlrm-torchscript", "sasrec-dynamo", "gru-torchscript", "towers-dynamo", "deepfm-dynamo"] {
        let bytes = fs::read(exports().join(format!("{name}.onnx"))).expect("an export");
        let roles = roles(&model(&exports().join(format!("{name}.onnx"))));
        for _ in 0..60 {
            let mut bytes = bytes.clone();
            for _ in 0..1 + (random.next() * 3.0) as usize {
                let at = (random.next() * bytes.len() as f64) as usize;
                bytes[at] = (random.next() * 256.0) as u8;
            }
            let Ok(model) = read("model.onnx", bytes) else { continue };
            read_anyhow += 1;
            let Err(errors) = network(&model, "model.onnx", &roles, Sessions::up_to(LONGEST)) else { continue };
            refused += 1;
            let errors: Vec<String> = errors.iter().map(ToString::to_string).collect();
            assert!(errors.iter().all(|error| error.starts_with("error[MD")), "{name}: {errors:?}");
        }
    }
    assert!(read_anyhow > 50 && refused > 5, "{refused} of {read_anyhow} are refused");
}
