//! Operators of rankers' networks against PyTorch's values.

use super::*;
use crate::graph::Elem;
use crate::ops::{Affine, Bag, Causal, Concat, Dot, Gru, IdMask, Pairs, Request, Select, Triangle};
use modeldeploy_format::golden::requests::GivenRows;
use modeldeploy_format::program::Rows;

fn ids(shape: &[usize], values: &[u32]) -> Tensor {
    Tensor::from_slice(values, shape, &Device::Cpu).unwrap()
}

#[test]
fn a_recurrent_unit_is_pytorchs() {
    #[rustfmt::skip]
    let share = tensor(&[3, 6], &[
        0.975, -1.387_5, 0.425, 0.75, 0.4, -0.237_5, -1.15, 0.05, 3.175, -1.875, 2.4, -0.3,
        1.225, 0.925, -1.012_5, 0.562_5, -2.35, 1.7,
    ]);
    let hidden = tensor(&[6, 2], &[0.5, -1.0, 0.25, 0.75, -0.5, 0.5, 1.0, -0.25, 0.75, 0.5, -0.25, 1.0]);
    let bias = tensor(&[6], &[-0.3, 0.2, 0.1, 0.0, 0.4, -0.2]);
    #[rustfmt::skip]
    check(Gru { backward: false }, &[share, hidden, bias], &[
        0.216_213_5, -0.088_811_636, 0.248_732_69, -0.395_802_98, -0.692_611_5, -0.040_142_298,
    ]);
}

#[test]
fn a_mask_is_one_of_two_numbers_by_the_id() {
    let mask = IdMask { id: 3, equal: f32::NEG_INFINITY, other: 0.5 };
    let value = mask.eval(&[ids(&[3], &[3, 0, 3])], TEXT).unwrap();
    assert_eq!(value.to_vec1::<f32>().unwrap(), [f32::NEG_INFINITY, 0.5, f32::NEG_INFINITY]);
    let refused = mask.infer(&[Type::new(Elem::Index, [Dim::Tokens, Dim::Fixed(2)])]).expect_err("two ids");
    assert!(refused.contains("one id of each row"), "{refused}");
}

#[test]
fn causal_attention_is_pytorchs() {
    let q = tensor(&[3, 4], &[0.5, -1.0, 2.0, 0.25, 1.5, 0.0, -0.5, 1.0, -0.75, 0.5, 1.0, -2.0]);
    let k = tensor(&[3, 4], &[1.0, 0.5, -1.0, 2.0, 0.0, -0.5, 0.25, 1.0, 2.0, 1.0, 0.5, -0.5]);
    let v = tensor(&[3, 4], &[1.0, 2.0, 3.0, 4.0, -1.0, 0.5, 0.0, 2.0, 0.25, -2.0, 1.0, -3.0]);
    #[rustfmt::skip]
    check(Attention { heads: 2, scale: 0.7, causal: true }, &[q, k, v], &[
        1.0, 2.0, 3.0, 4.0, 0.481_549_83, 1.611_162_4, 2.271_661, 3.514_440_5,
        -0.005_205_299_7, 0.409_624_9, 0.926_652_5, -2.471_911_2,
    ]);
    let hidden = Causal.eval(&[tensor(&[1, 2, 2], &[1.0, 2.0, 3.0, 4.0])], TEXT).unwrap();
    assert_eq!(hidden.flatten_all().unwrap().to_vec1::<f32>().unwrap(), [1.0, f32::NEG_INFINITY, 3.0, 4.0]);
}

#[test]
fn bags_are_pytorchs_of_whole_and_of_quantized_tables() {
    let table = tensor(&[3, 2], &[0.5, -1.0, 2.0, 0.25, -0.75, 1.5]);
    let index = ids(&[2, 2], &[2, 0, 1, 1]);
    check(Bag { count: 2, mean: false }, &[table.clone(), index.clone()], &[-0.25, 0.5, 4.0, 0.5]);
    check(Bag { count: 2, mean: true }, &[table.clone(), index.clone()], &[-0.125, 0.25, 2.0, 0.25]);
    check(Bag { count: 1, mean: false }, &[table, ids(&[], &[1])], &[2.0, 0.25]);
    let codes = tensor(&[3, 2], &[1.0, -2.0, 8.0, 1.0, -3.0, 6.0]);
    let scales = tensor(&[3], &[0.5, 0.25, 0.25]);
    check(Bag { count: 2, mean: false }, &[codes.clone(), scales.clone(), index.clone()], &[-0.25, 0.5, 4.0, 0.5]);
    let offsets = tensor(&[3], &[0.5, 1.0, -2.0]);
    check(Bag { count: 2, mean: true }, &[codes, scales, offsets, index], &[-0.875, -0.5, 3.0, 1.25]);
}

#[test]
fn pairs_are_pytorchs_triangles() {
    let x = tensor(&[1, 3, 2], &[1.0, 2.0, -0.5, 0.25, 3.0, -1.0]);
    for (triangle, diagonal, want) in [
        (Triangle::Lower, true, &[5.0, 0.0, 0.3125, 1.0, -1.75, 10.0][..]),
        (Triangle::Upper, true, &[5.0, 0.0, 1.0, 0.3125, -1.75, 10.0]),
        (Triangle::Lower, false, &[0.0, 1.0, -1.75]),
        (Triangle::Upper, false, &[0.0, 1.0, -1.75]),
    ] {
        check(Pairs { triangle, diagonal }, std::slice::from_ref(&x), want);
    }
}

#[test]
fn rows_stand_beside_one_another_and_a_user_beside_each_candidate() {
    let (user, candidates) = (tensor(&[2], &[1.0, -2.0]), tensor(&[2, 1], &[3.0, 4.0]));
    let none = GivenRows::default();
    let request = Request { session: &none, items: 0, user: &none, candidates: &none, count: 2 };
    let both = Concat { axis: 1 }.eval(&[user.clone(), candidates], Text::request(request)).unwrap();
    assert_eq!(both.to_vec2::<f32>().unwrap(), [[1.0, -2.0, 3.0], [1.0, -2.0, 4.0]]);
    check(Select { axis: 1, places: vec![2, 0, 0] }, std::slice::from_ref(&both), &[3.0, 1.0, 1.0, 4.0, 1.0, 1.0]);
    let row = tensor(&[3], &[0.5, 2.0, -1.0]);
    check(Affine, &[both.clone(), row.clone(), tensor(&[1], &[0.25])], &[0.75, -3.75, -2.75, 0.75, -3.75, -3.75]);
    check(Dot, &[both, row], &[-6.5, -7.5]);
}

#[test]
fn what_is_given_stands_in_its_columns() {
    let given = GivenRows { numbers: vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0], ids: vec![7, 8] };
    let request = Request { session: &given, items: 2, user: &given, candidates: &given, count: 2 };
    let text = Text::request(request);
    let eval = |input: Input| input.eval(&[], text);
    let numbers = |of, column, count| {
        let value = eval(Input::Numbers { of, column, count }).unwrap();
        (value.dims().to_vec(), value.flatten_all().unwrap().to_vec1::<f32>().unwrap())
    };
    assert_eq!(numbers(Rows::Candidates, 1, 2), (vec![2, 2], vec![2.0, 3.0, 5.0, 6.0]));
    assert_eq!(numbers(Rows::Tokens, 2, 1), (vec![2], vec![3.0, 6.0]));
    assert_eq!(numbers(Rows::Texts, 3, 1), (vec![], vec![4.0]));
    let id = eval(Input::Ids { of: Rows::Candidates, column: 0, count: 1 }).unwrap();
    assert_eq!(id.to_vec1::<u32>().unwrap(), [7, 8]);
    assert!(eval(Input::Ids { of: Rows::Candidates, column: 1, count: 1 }).is_err());
    assert!(Input::Numbers { of: Rows::Texts, column: 0, count: 1 }.eval(&[], TEXT).is_err());
}

#[test]
fn what_networks_operators_do_not_take_is_said() {
    let refused = |op: Op, inputs: &[Type], part: &str| {
        let message = op.infer(inputs).expect_err(part);
        assert!(message.contains(part), "{message}");
    };
    let rows = |dims: &[usize]| {
        let dims = dims.iter().map(|&size| Dim::Fixed(size));
        Type::f32(std::iter::once(Dim::Candidates).chain(dims).collect::<Vec<_>>())
    };
    let items = Type::f32([Dim::Tokens, Dim::Fixed(4)]);
    let row = Type::f32([Dim::Fixed(4)]);
    refused(Dot.into(), &[row.clone(), rows(&[4])], "are not multiplied");
    refused(Dot.into(), &[items.clone(), row.clone()], "are not multiplied");
    refused(Concat { axis: 1 }.into(), &[items, row], "does not stand beside");
    refused(Select { axis: 1, places: vec![4] }.into(), &[rows(&[4])], "are not places");
    refused(Pairs { triangle: Triangle::Lower, diagonal: false }.into(), &[rows(&[1, 4])], "there are no pairs");
    refused(Affine.into(), &[rows(&[1]), Type::f32([Dim::Fixed(4)]), Type::f32([])], "no row");
    let ids = Type::new(Elem::Index, [Dim::Candidates, Dim::Fixed(2)]);
    refused(
        Bag { count: 3, mean: false }.into(),
        &[Type::f32([Dim::Fixed(9), Dim::Fixed(4)]), ids],
        "3 ids of each row",
    );
    let (table, by_row) = (|elem| Type::new(elem, [Dim::Fixed(9), Dim::Fixed(4)]), Type::f32([Dim::Fixed(9)]));
    let id = Type::new(Elem::Index, [Dim::Candidates]);
    for inputs in [
        vec![table(Elem::U4), by_row.clone(), id.clone()],
        vec![table(Elem::I8), id.clone()],
        vec![table(Elem::F32), by_row.clone(), id.clone()],
        vec![table(Elem::U4), by_row.clone(), by_row.clone(), by_row, id],
    ] {
        refused(Bag { count: 1, mean: false }.into(), &inputs, "what codes are worth");
    }
}
