//! Packs do what their graphs say, hold everything once and are the same every time; compressed models come back from files.

mod encoder;

use encoder::{constant, graph, model, samples};
use modeldeploy::session::{Batch, Capacity, Session};
use modeldeploy_compiler::compress::{Precision, Recipe, Sample, compress};
use modeldeploy_compiler::compressed::{CompressedModel, read, write};
use modeldeploy_compiler::emit::{listing, network, pack};
use modeldeploy_compiler::graph::Graph;
use modeldeploy_compiler::lower::lower;
use modeldeploy_compiler::memory;
use modeldeploy_compiler::reference::Reference;
use modeldeploy_format::features::{Feature, Features, Rule, Side, Takes};
use modeldeploy_format::program::{Rows, Step};
use modeldeploy_format::{Artifact, Signature, Task};
use proptest::prelude::*;
use std::sync::Arc;

fn compressed(precision: Precision, shared: bool) -> CompressedModel {
    let recipe = match precision {
        // Tables alone have 4 bits.
        Precision::Int4 => {
            Recipe { parts: [("embeddings".to_owned(), Precision::Int4)].into(), ..Recipe::of(Precision::Int8) }
        }
        _ => Recipe::of(precision),
    };
    model(compress(&graph(shared), &recipe, &samples(40), &mut |_| {}).expect("a compressed graph"))
}

fn run(pack: &[u8], texts: &[Sample]) -> Vec<Vec<f32>> {
    let artifact = Artifact::parse(pack).expect("a pack");
    let mut session = Session::new(&artifact, Capacity::new(64, 4)).expect("a session");
    let run = |text: &Sample| {
        let starts = [0, text.ids.len() as u32];
        session.run(&Batch { ids: &text.ids, types: &text.types, starts: &starts }).expect("a vector").to_vec()
    };
    texts.iter().map(run).collect()
}

fn cosine(a: &[f32], b: &[f32]) -> f64 {
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(&a, &b)| f64::from(a) * f64::from(b)).sum::<f64>();
    dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
}

#[test]
fn a_pack_computes_what_its_graph_does() {
    let texts = samples(25);
    let most_bits = [(Precision::F32, 0.999_999), (Precision::Bf16, 0.999_999)];
    for (precision, least) in most_bits.into_iter().chain([(Precision::Int8, 0.999_9), (Precision::Int4, 0.999_9)]) {
        for shared in [false, true] {
            let model = compressed(precision, shared);
            let reference = Reference::new(&model.graph).expect("a reference");
            let got = run(&pack(&model, vec![]).expect("a pack"), &texts);
            for (text, got) in texts.iter().zip(got) {
                let want = reference.run(&text.ids, &text.types).expect("a vector");
                // Int8: a code on the edge between two may fall either way in candle's arithmetic and the kernels'.
                assert!(cosine(&got, &want) > least, "{precision}, shared {shared}, {} tokens", text.ids.len());
            }
        }
    }
}

#[test]
fn every_precision_stays_near_f32() {
    let texts = samples(25);
    let reference = Reference::new(&graph(false)).expect("a reference");
    for (precision, least) in [(Precision::F32, 0.999_999), (Precision::Bf16, 0.999_9), (Precision::Int8, 0.997)] {
        let got = run(&pack(&compressed(precision, false), vec![]).expect("a pack"), &texts);
        for (text, got) in texts.iter().zip(got) {
            let want = reference.run(&text.ids, &text.types).expect("a vector");
            assert!(cosine(&got, &want) > least, "{precision}, {} tokens: {}", text.ids.len(), cosine(&got, &want));
        }
    }
}

#[test]
fn three_layers_before_an_attention_are_one_step_and_norms_and_layers_quantize() {
    let names = |precision| -> Vec<&'static str> {
        let lowered = lower(&compressed(precision, false).graph).expect("a program");
        lowered.program.steps.iter().map(Step::name).collect()
    };
    let layer = ["linear", "attention", "linear", "layer_norm", "linear", "linear", "layer_norm"];
    assert_eq!(names(Precision::F32), [&["embed", "layer_norm"][..], &layer, &layer, &["pool", "normalize"]].concat());
    let layer =
        ["linear_i8", "attention_i8", "quantize", "linear_i8", "layer_norm", "linear_i8", "linear_i8", "layer_norm"];
    assert_eq!(names(Precision::Int8), [&["embed", "layer_norm"][..], &layer, &layer, &["pool", "normalize"]].concat());
}

#[test]
fn tensors_stand_in_the_order_of_execution_and_once() {
    for (shared, precision) in [(false, Precision::Int8), (true, Precision::Int8), (true, Precision::F32)] {
        let model = compressed(precision, shared);
        let bytes = pack(&model, vec![]).expect("a pack");
        let artifact = Artifact::parse(&bytes).expect("a pack");
        let mut next = 0;
        for id in artifact.program().steps.iter().flat_map(|step| artifact.program().tensors(step)) {
            // The first time that a tensor is read, it is the next one.
            assert!(id.0 <= next, "{id} where {next} is next");
            next = next.max(id.0 + 1);
        }
        assert_eq!(next as usize, artifact.tensors().len());
    }
    let steps = |shared| lower(&compressed(Precision::Int8, shared).graph).expect("a program");
    assert_eq!(steps(true).program.steps.len(), steps(false).program.steps.len());
    let weights = |shared| -> usize {
        steps(shared).tensors.iter().filter(|tensor| tensor.name.contains("weight") && tensor.dims.len() == 2).count()
    };
    assert_eq!((weights(false), weights(true)), (8, 4));
}

#[test]
fn the_arena_is_near_what_is_alive_at_once() {
    let mut lowered = lower(&compressed(Precision::Int8, false).graph).expect("a program");
    let plan = memory::plan(&mut lowered.program);
    let (lives, steps) = (memory::lives(&lowered.program), lowered.program.steps.len());
    let alive = |step: usize| -> u64 {
        let slots = lowered.program.slots.iter().zip(&lives);
        let alive = slots.filter(|(slot, life)| slot.rows == Rows::Tokens && life.from <= step && step <= life.to);
        alive.map(|(slot, _)| slot.row_bytes().next_multiple_of(64)).sum()
    };
    let least = (0..steps).map(alive).max().expect("a step");
    assert!(plan.token_bytes <= least, "{} bytes a token, {least} alive at once", plan.token_bytes);
}

#[test]
fn a_listing_counts_what_each_step_does() {
    let bytes = pack(&compressed(Precision::F32, false), vec![]).expect("a pack");
    let listing = listing(&Artifact::parse(&bytes).expect("a pack"));
    let qkv = &listing.steps[2];
    assert_eq!((qkv.step, qkv.macs, qkv.bytes), ("linear", 96 * 32, (96 * 32 + 96) * 4));
    assert_eq!(qkv.name, "layer.0.q.weight + layer.0.k.weight + layer.0.v.weight");
    assert_eq!(
        (&qkv.inputs[..], &qkv.outputs[..]),
        (&["f32[tokens, 32]".to_owned()][..], &["f32[tokens, 96]".to_owned()][..])
    );
    assert_eq!((listing.steps[3].macs, listing.steps[3].macs_by_token), (0, 64));
    assert!(listing.to_string().lines().count() == listing.steps.len() + 1);
}

#[test]
fn all_that_cannot_be_lowered_is_named_at_once() {
    let text = r#"
%ids = input{of=token_ids}()
%w = constant "w" f32[4, 4]
%x = embed_sum(%w, %ids) "embeddings"
%e = exp(%x) "the.first"
%s = softmax(%e) "fine"
%n = neg(%s) "the.second"
%p = pool{pooling=cls}(%n) "pool"
%o = add(%p, %w) "the.third"
output %p
"#;
    let text = text.replace("%o = add(%p, %w) \"the.third\"\n", "");
    let graph =
        Graph::parse(&text, &|name, dtype, shape| Some(encoder::constant(name, dtype, shape))).expect("a graph");
    let errors = lower(&graph).expect_err("two operators without a step");
    let places: Vec<_> = errors.iter().map(|error| (error.code.0, error.place.as_deref().expect("a place"))).collect();
    assert_eq!(places, [("MD0410", "node `the.first`"), ("MD0410", "node `the.second`")]);
    assert!(errors[0].message.contains("`exp`") && errors[1].message.contains("`neg`"));
}

#[test]
fn a_signature_that_contradicts_the_graph_is_refused() {
    let mut model = compressed(Precision::F32, false);
    model.signature.max_tokens = 25;
    let errors = pack(&model, vec![]).err().expect("24 positions");
    assert_eq!(errors[0].code.0, "MD0810");
    assert!(errors[0].message.contains("24 positions"), "{}", errors[0]);
}

#[test]
fn a_compressed_model_comes_back_from_its_file_and_packs_alike() {
    for precision in Precision::ALL {
        let model = compressed(precision, false);
        let file = write(&model);
        assert_eq!(file, write(&compressed(precision, false)), "{precision}: the same model, the same file");
        let back = read(Arc::new(file.clone()), "a file").expect("a model");
        assert_eq!(back.graph.to_string(), model.graph.to_string());
        assert_eq!((&back.signature, &back.tokenizer, back.space), (&model.signature, &model.tokenizer, model.space));
        assert_eq!(write(&back), file);
        let (a, b) = (pack(&model, vec![]).expect("a pack"), pack(&back, vec![]).expect("a pack"));
        assert!(*a == *b, "{precision}: the same model, the same pack");
        // The header is sorted, as any JSON reader sees it.
        let len = u64::from_le_bytes(file[..8].try_into().expect("eight bytes")) as usize;
        let text = std::str::from_utf8(&file[8..8 + len]).expect("a header of text");
        let keys: std::collections::BTreeMap<String, serde_json::Value> = serde_json::from_str(text).expect("JSON");
        let places: Vec<usize> = keys.keys().map(|key| text.find(&format!("\"{key}\":")).expect("the key")).collect();
        assert!(places.is_sorted());
    }
}

/// A table may be most of the memory that there is: it is in the graph, with the tensors and in the pack, and nowhere else.
#[test]
fn a_table_is_copied_twice_on_its_way_into_a_pack() {
    let text = "%t = constant \"items\" f32[1000000, 8]\n%i = input{of=ids, with=candidates, column=0, count=1}() \"i\"\n\
        %b = bag{count=1}(%t, %i)\n%y = reduce_sum{axis=1}(%b)\noutput %y\n";
    let graph = Graph::parse(text, &|_, dtype, shape| Some(constant("items", dtype, shape))).expect("a graph");
    let rule = Rule::Id { size: 1_000_000, unknown: None };
    let item = Feature { name: "item".into(), side: Side::Candidate, repeated: false, takes: Takes::Id, rule };
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
    let used = allocation_counter::measure(|| {
        let pack = network(&graph, &signature, &features, &[]).expect("a pack");
        assert!(pack.len() > 32_000_000);
    });
    assert!(used.bytes_max < 2 * 32_000_000 + 1_000_000, "{} bytes", used.bytes_max);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_bytes_are_a_model_or_an_error(at in any::<prop::sample::Index>(), bytes in prop::collection::vec(any::<u8>(), 1..6), cut in any::<bool>()) {
        static FILE: std::sync::LazyLock<Vec<u8>> = std::sync::LazyLock::new(|| write(&compressed(Precision::Int8, false)));
        // Most of the file is weights: aim at the header.
        let mut file = FILE.clone();
        let header = u64::from_le_bytes(file[..8].try_into().expect("eight bytes")) as usize;
        let at = at.index(8 + header);
        if cut {
            file.truncate(at);
        } else {
            let end = (at + bytes.len()).min(file.len());
            file[at..end].copy_from_slice(&bytes[..end - at]);
        }
        if let Err(error) = read(Arc::new(file), "a file") {
            prop_assert_eq!(error.code.0, "MD0811");
        }
        prop_assert!(read(Arc::new(bytes), "a file").is_err());
    }
}
