//! Whole graphs with values worked out by hand.

use super::*;
use crate::graph::{Constant, Dim};
use crate::ops::{Activation, Dense, Gather, Input, Pool, Pooling, Quantize, Reshape, Sigmoid};

/// `gather → pool` over the table `[[1, 2], [3, 5], [-1, 0]]`.
fn pooled(pooling: Pooling) -> Reference {
    let mut graph = Graph::new();
    let ids = graph.input(Input::TokenIds);
    let table = graph.constant("table", Constant::f32([3, 2], &[1.0, 2.0, 3.0, 5.0, -1.0, 0.0]));
    let rows = graph.add(Gather, &[table, ids], "rows").unwrap();
    let pool = graph.add(Pool { pooling }, &[rows], "pool").unwrap();
    graph.set_outputs([pool]);
    Reference::new(&graph).unwrap()
}

#[test]
fn poolings_are_those_of_arithmetic() {
    let root = 3.0_f32.sqrt();
    for (pooling, want) in [
        (Pooling::Cls, [3.0, 5.0]),
        (Pooling::Mean, [1.0, 7.0 / 3.0]),
        (Pooling::Max, [3.0, 5.0]),
        (Pooling::MeanSqrtLen, [3.0 / root, 7.0 / root]),
    ] {
        let got = pooled(pooling).run(&[1, 0, 2], &[0, 0, 0]).unwrap();
        assert!(got.iter().zip(want).all(|(got, want)| (got - want).abs() < 1e-6), "{pooling:?}: {got:?}");
    }
}

#[test]
fn a_bad_text_is_an_error_that_names_the_node() {
    let reference = pooled(Pooling::Mean);
    let error = reference.run(&[7], &[0]).unwrap_err();
    assert_eq!(error.code, EVALUATION_ERROR);
    assert_eq!(error.place.as_deref(), Some("node `rows`"));
    for (ids, types) in [(&[][..], &[][..]), (&[1, 2], &[0])] {
        assert_eq!(reference.run(ids, types).unwrap_err().code, EVALUATION_ERROR);
    }
}

#[test]
fn many_texts_by_any_threads_are_each_text_alone() {
    let reference = pooled(Pooling::Mean);
    let ids: Vec<Vec<u32>> = (1..9).map(|len| (0..len).map(|at| at % 3).collect()).collect();
    let types = [0; 8];
    let texts: Vec<_> = ids.iter().map(|ids| (&ids[..], &types[..ids.len()])).collect();
    let alone: Vec<_> = texts.iter().map(|(ids, types)| reference.run(ids, types).unwrap()).collect();
    for threads in [1, 2, 20] {
        assert_eq!(reference.run_many(&texts, threads).unwrap(), alone, "{threads} threads");
    }
}

#[test]
fn a_dense_layer_adds_its_residual_after_the_activation() {
    let mut graph = Graph::new();
    let ids = graph.input(Input::TokenIds);
    let table = graph.constant("table", Constant::f32([1, 2], &[1.0, -2.0]));
    let x = graph.add(Gather, &[table, ids], "x").unwrap();
    let weights = graph.constant("weights", Constant::f32([2, 2], &[1.0, 1.0, 3.0, 0.5]));
    let bias = graph.constant("bias", Constant::f32([2], &[0.25, 0.5]));
    let op = Dense { activation: Activation::Relu, bias: true, residual: true };
    let y = graph.add(op, &[x, weights, bias, x], "y").unwrap();
    let y = graph.add(Reshape { shape: vec![Dim::Tokens, Dim::Fixed(2)] }, &[y], "same").unwrap();
    graph.set_outputs([y]);
    // relu(1 − 2 + 0.25) + 1, relu(3 − 1 + 0.5) − 2
    assert_eq!(Reference::new(&graph).unwrap().run(&[0], &[0]).unwrap(), [1.0, 0.5]);
}

#[test]
fn quantized_rows_stand_for_the_codes_of_the_formula() {
    let mut graph = Graph::new();
    let ids = graph.input(Input::TokenIds);
    // scale = 2/255 + 0.55/255 = 0.01, zero = 55: 0.123 → code 67 → 0.12.
    let table = graph.constant("table", Constant::f32([1, 4], &[2.0, -0.55, 0.123, 0.0]));
    let x = graph.add(Gather, &[table, ids], "x").unwrap();
    let q = graph.add(Quantize, &[x], "q").unwrap();
    graph.set_outputs([q]);
    let got = Reference::new(&graph).unwrap().run(&[0], &[0]).unwrap();
    let want = [2.0, -0.55, 0.12, 0.0];
    assert!(got.iter().zip(want).all(|(got, want)| (got - want).abs() < 1e-6), "{got:?}");
}

#[test]
fn values_are_shown_in_order_and_end_in_the_output() {
    let reference = pooled(Pooling::Mean);
    let mut names = Vec::new();
    let output = reference
        .run_observed(&[0, 1], &[0, 0], &mut |id, tensor| {
            names.push((reference.graph().node(id).name.clone(), tensor.dims().to_vec()));
        })
        .unwrap();
    assert_eq!(output, [2.0, 3.5]);
    let want = [("token_ids", vec![2]), ("rows", vec![2, 2]), ("pool", vec![2])];
    assert_eq!(names, want.map(|(name, dims)| (name.to_owned(), dims)));
}

#[test]
fn sigmoid_keeps_its_ends() {
    let mut graph = Graph::new();
    let x = graph.constant("x", Constant::f32([3], &[-200.0, 0.0, 200.0]));
    let y = graph.add(Sigmoid, &[x], "y").unwrap();
    graph.set_outputs([y]);
    assert_eq!(Reference::new(&graph).unwrap().run(&[0], &[0]).unwrap(), [0.0, 0.5, 1.0]);
}
