//! Compression follows its recipe, gives the same every time, and says what is wrong with what it is given.

mod encoder;

use encoder::{constant, graph, model, samples};
use modeldeploy_compiler::compress::{LayerError, Precision, Recipe, Sample, Smoothing, compress, error_by_layer};
use modeldeploy_compiler::compressed::write;
use modeldeploy_compiler::graph::{Constant, Graph};
use modeldeploy_compiler::ops::Op;
use modeldeploy_format::DType;

fn compressed(recipe: &Recipe) -> Graph {
    compress(&graph(false), recipe, &samples(40), &mut |_| {}).expect("a compressed graph")
}

/// The stored types of the constants whose names contain `part`.
fn types(graph: &Graph, part: &str) -> Vec<DType> {
    let constants = graph.nodes().filter(|(_, node)| node.name.contains(part));
    constants.filter_map(|(_, node)| if let Op::Constant(c) = &node.op { Some(c.dtype()) } else { None }).collect()
}

#[test]
fn every_part_is_as_its_recipe_says() {
    let parts = [("embeddings", Precision::F32), ("layer.0.*", Precision::Bf16), ("l1.o", Precision::F32)]
        .map(|(part, precision)| (part.to_owned(), precision))
        .into();
    let recipe = Recipe { parts, ..Recipe::of(Precision::Int8) };
    let got = compressed(&recipe);
    assert_eq!(types(&got, "words"), [DType::F32]);
    assert_eq!(types(&got, "layer.0.up.weight"), [DType::Bf16]);
    assert_eq!(types(&got, "layer.1.o.weight"), [DType::F32]);
    assert_eq!(types(&got, "layer.1.q.weight"), [DType::I8, DType::F32], "codes and scales");
    let all = compressed(&Recipe::of(Precision::Int8));
    assert_eq!(types(&all, "words"), [DType::I8, DType::F32]);
    assert_eq!(types(&all, "kinds"), [DType::F32], "a table of two rows is not worth it");
    let parts = [("embeddings".to_owned(), Precision::Int4)].into();
    let small = compressed(&Recipe { parts, ..Recipe::of(Precision::Int8) });
    assert_eq!(types(&small, "words"), [DType::U4, DType::F32, DType::F32], "codes, scales and offsets");
    assert_eq!(types(&small, "kinds"), [DType::F32]);
    let parts = [("embeddings".to_owned(), Precision::Int4), ("kinds".to_owned(), Precision::Int4)].into();
    let named = compressed(&Recipe { parts, ..Recipe::of(Precision::Int8) });
    assert_eq!(types(&named, "kinds"), [DType::U4, DType::F32, DType::F32], "but one that is named has them");
    assert_eq!(compressed(&Recipe::of(Precision::F32)).to_string(), {
        let mut same = graph(false);
        same.remove_dead();
        same.to_string()
    });
}

#[test]
fn smoothing_follows_the_recipe() {
    let smoothed = |smoothing| {
        let recipe = Recipe { smoothing, ..Recipe::default() };
        types(&compressed(&recipe), "gamma.smooth").len()
    };
    // Two layers have two normalizations with linear layers behind them each; the last one has none.
    assert_eq!((smoothed(Smoothing::On), smoothed(Smoothing::Off)), (4, 0));
    assert!(smoothed(Smoothing::Auto) > 0);
}

#[test]
fn smoothing_lowers_the_measured_error() {
    let error = |smoothing| -> Vec<LayerError> {
        let got = compressed(&Recipe { smoothing, ..Recipe::default() });
        error_by_layer(&graph(false), &got, &samples(60)[40..]).expect("errors")
    };
    let (plain, smoothed) = (error(Smoothing::Off), error(Smoothing::Auto));
    for (plain, smoothed) in plain.iter().zip(&smoothed) {
        // Layers behind a normalization are smoothed; the others are as they were.
        let behind_norm = [".q", ".k", ".v", ".up"].iter().any(|end| plain.name.ends_with(end));
        let most = if behind_norm { plain.own * 0.9 } else { plain.own * 1.000_001 };
        assert!(smoothed.own <= most, "{}: {} from {}", plain.name, smoothed.own, plain.own);
    }
}

#[test]
fn error_by_layer_grows_with_fewer_bits_and_is_zero_without_compression() {
    let error = |precision| {
        let got = compressed(&Recipe::of(precision));
        error_by_layer(&graph(false), &got, &samples(20)).expect("errors")
    };
    let (f32, bf16, int8) = (error(Precision::F32), error(Precision::Bf16), error(Precision::Int8));
    assert_eq!(f32.len(), 12);
    assert_eq!((&f32[0].name[..], &f32[11].name[..]), ("l0.q", "l1.down"));
    assert!(f32.iter().all(|layer| layer.relative == 0.0 && layer.own == 0.0));
    for (bf16, int8) in bf16.iter().zip(&int8) {
        assert!(0.0 < bf16.own && bf16.own < int8.own && int8.own < 0.05, "{bf16:?} {int8:?}");
        assert!(bf16.own < 0.004, "a bf16 has nine significant bits: {bf16:?}");
    }
    assert!(int8.last().is_some_and(|last| last.relative > last.own));
}

#[test]
fn the_same_recipe_gives_the_same_bytes() {
    let bytes = || write(&model(compressed(&Recipe::default())));
    assert!(bytes() == bytes());
}

#[test]
fn shared_weights_stay_shared() {
    let got = compress(&graph(true), &Recipe::default(), &samples(40), &mut |_| {}).expect("a compressed graph");
    assert_eq!(types(&got, ".weight.codes").len(), 6);
}

#[test]
fn progress_is_told_to_its_end() {
    let mut seen = Vec::new();
    compress(&graph(false), &Recipe::default(), &samples(5), &mut |progress| seen.push(progress)).expect("a graph");
    let ends: Vec<_> = seen.iter().filter(|progress| progress.done == progress.total).map(|p| p.stage).collect();
    use modeldeploy_compiler::compress::Stage::{Calibrate, Quantize, Smooth};
    assert_eq!(ends, [Calibrate, Smooth, Quantize]);
}

#[test]
fn what_cannot_be_compressed_is_said() {
    let fail = |graph: &Graph, recipe: &Recipe, samples: &[Sample]| {
        let errors = compress(graph, recipe, samples, &mut |_| {}).expect_err("an error");
        errors.into_iter().map(|error| (error.code.0, error.to_string())).collect::<Vec<_>>()
    };
    let parts = [("decoder.*", Precision::F32), ("layers", Precision::F32), ("l0.q", Precision::F32)]
        .map(|(part, precision)| (part.to_owned(), precision))
        .into();
    let recipe = Recipe { parts, ..Recipe::default() };
    let errors = fail(&graph(false), &recipe, &samples(3));
    assert_eq!(errors.iter().map(|(code, _)| *code).collect::<Vec<_>>(), ["MD0503", "MD0503"]);
    assert!(errors[0].1.contains("`decoder.*`") && errors[1].1.contains("`layers`") && errors[1].1.contains("help:"));

    let errors = fail(&graph(false), &Recipe::of(Precision::Int4), &samples(3));
    assert_eq!(errors.iter().map(|(code, _)| *code).collect::<Vec<_>>(), ["MD0506"]);
    assert!(errors[0].1.contains("and 11 more") && errors[0].1.contains("embeddings = \"int4\""), "{}", errors[0].1);

    let errors = fail(&graph(false), &Recipe::default(), &[Sample::default()]);
    assert_eq!(errors[0].0, "MD0505");
    let long = Sample { ids: vec![1; 25], types: vec![0; 25] };
    assert!(fail(&graph(false), &Recipe::default(), &[long])[0].1.contains("embeddings"), "past the positions");

    let text = graph(false).to_string();
    let poisoned = Graph::parse(&text, &|name, dtype, shape| {
        let good = constant(name, dtype, shape);
        let mut values = good.to_f32();
        if name == "layer.1.up.weight" || name == "words" {
            values[77] = f32::NAN;
        }
        Some(Constant::f32(shape, &values))
    })
    .expect("a graph");
    let errors = fail(&poisoned, &Recipe::of(Precision::Bf16), &[]);
    let mut places: Vec<&str> = errors.iter().map(|(_, text)| text.lines().nth(1).expect("a place").trim()).collect();
    places.sort_unstable();
    assert_eq!(places, ["--> tensor `layer.1.up.weight`, number 77", "--> tensor `words`, number 77"]);
    assert!(errors.iter().all(|(code, _)| *code == "MD0504"));
}
