//! Each operator's values against PyTorch's (2.x, f32, printed by it), and what each says of inputs that it does not take.

mod networks;

use super::*;
use crate::graph::Dim;
use candle_core::Device;

const TEXT: Text<'static> = Text::tokens(&[4, 0, 2], &[0, 1, 1]);

fn tensor(shape: &[usize], values: &[f32]) -> Tensor {
    Tensor::from_slice(values, shape, &Device::Cpu).unwrap()
}

/// The operator gives these numbers, to a few units of the last place.
fn check(op: impl Into<Op>, inputs: &[Tensor], want: &[f32]) {
    let op = op.into();
    let got = op.eval(inputs, TEXT).unwrap().flatten_all().unwrap().to_vec1::<f32>().unwrap();
    assert_eq!(got.len(), want.len(), "{op:?}");
    for (got, want) in got.iter().zip(want) {
        assert!((got - want).abs() <= 1e-6 * want.abs().max(1.0), "{op:?}: {got} where PyTorch has {want}");
    }
}

#[test]
fn pointwise_functions_are_pytorchs() {
    let x = [tensor(&[5], &[-3.0, -0.5, 0.0, 0.75, 2.5])];
    let gelu = [-0.004_050_225, -0.154_268_77, 0.0, 0.580_029_5, 2.484_475_9];
    let tanh = [-0.003_637_433, -0.154_286, 0.0, 0.579_960_6, 2.484_915_7];
    let silu = [-0.142_277_61, -0.188_770_34, 0.0, 0.509_384_04, 2.310_354_5];
    let sigmoid = [0.047_425_874, 0.377_540_68, 0.5, 0.679_178_7, 0.924_141_8];
    let relu = [0.0, 0.0, 0.0, 0.75, 2.5];
    check(Gelu { tanh: false }, &x, &gelu);
    check(Gelu { tanh: true }, &x, &tanh);
    check(Sigmoid, &x, &sigmoid);
    check(Relu, &x, &relu);
    check(Erf, &x, &[-0.999_977_9, -0.520_499_9, 0.0, 0.711_155_65, 0.999_593]);
    for (activation, want) in [
        (Activation::Gelu, gelu),
        (Activation::GeluTanh, tanh),
        (Activation::Silu, silu),
        (Activation::Sigmoid, sigmoid),
        (Activation::Relu, relu),
        (Activation::Identity, [-3.0, -0.5, 0.0, 0.75, 2.5]),
    ] {
        check(Activate { activation }, &x, &want);
    }
}

#[test]
fn operators_of_rows_are_pytorchs() {
    let x = tensor(&[2, 4], &[0.5, -1.25, 3.0, 0.0, 10.0, 10.5, 9.0, 11.0]);
    let gamma = tensor(&[4], &[1.0, 0.5, 2.0, -1.0]);
    let beta = tensor(&[4], &[0.0, 0.25, -0.5, 1.0]);
    let norm = [
        -0.040_455_583,
        -0.336_605_97,
        2.655_535_5,
        1.364_100_2,
        -0.169_029_31,
        0.503_544,
        -3.542_527_7,
        -0.183_205_13,
    ];
    check(LayerNorm { epsilon: 1e-5 }, &[x.clone(), gamma, beta], &norm);
    let unit = [0.152_057_19, -0.380_142_96, 0.912_343_1, 0.0, 0.492_515_24, 0.517_141, 0.443_263_74, 0.541_766_76];
    check(Normalize, std::slice::from_ref(&x), &unit);
    let shares = [
        0.071_618_885,
        0.012_445_495,
        0.872_496_6,
        0.043_439_046,
        0.174_371_48,
        0.287_489_98,
        0.064_147_68,
        0.473_990_83,
    ];
    check(Softmax, &[x], &shares);
    check(Normalize, &[tensor(&[3], &[0.0; 3])], &[0.0; 3]);
}

#[test]
fn attention_is_pytorchs_with_and_without_a_bias() {
    let q = tensor(&[3, 4], &[0.5, -1.0, 2.0, 0.25, 1.5, 0.0, -0.5, 1.0, -0.75, 0.5, 1.0, -2.0]);
    let k = tensor(&[3, 4], &[1.0, 0.5, -1.0, 2.0, 0.0, -0.5, 0.25, 1.0, 2.0, 1.0, 0.5, -0.5]);
    let v = tensor(&[3, 4], &[1.0, 2.0, 3.0, 4.0, -1.0, 0.5, 0.0, 2.0, 0.25, -2.0, 1.0, -3.0]);
    let bias = [0.0, 0.5, -1.0, 1.0, 0.0, 0.25, -0.5, 2.0, 0.0, 1.0, 0.0, 0.0, 0.0, -1.0, 0.0, 0.5, 0.5, 1.5];
    let op = Attention { heads: 2, scale: 0.7, causal: false };
    #[rustfmt::skip]
    check(op, &[q.clone(), k.clone(), v.clone()], &[
        -0.049_448_453, 0.207_522_57, 0.745_052_16, -0.194_172_86, 0.324_289_08, -0.841_416_2, 2.179_823_6, 3.043_978_2,
        -0.005_205_299_7, 0.409_624_9, 0.926_652_5, -2.471_911_2,
    ]);
    #[rustfmt::skip]
    check(op, &[q, k, v, tensor(&[2, 3, 3], &bias)], &[
        -0.336_525_47, 0.656_519_8, 1.047_250_6, 0.367_912_17, 0.487_667_62, -0.256_334_9, 2.541_721_3, 3.217_300_7,
        -0.792_955_9, 0.415_762_87, 0.971_160_8, -2.792_363_2,
    ]);
}

#[test]
fn distances_fall_into_the_buckets_of_the_hugging_face_library() {
    // The first distance to a token before of each bucket, by the library's own function in PyTorch.
    for (buckets, max_distance, firsts) in [
        (32, 128, &[0, 1, 2, 3, 4, 5, 6, 7, 8, 12, 16, 23, 32, 46, 64, 91][..]),
        (8, 16, &[0, 1, 2, 6]),
        (16, 64, &[0, 1, 2, 3, 4, 8, 16, 32]),
        (
            64,
            256,
            &[
                0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 20, 23, 27, 32, 39, 46, 54, 64, 77, 91, 108,
                128, 153, 182, 216,
            ],
        ),
    ] {
        let op = RelativeBias { max_distance };
        for distance in 0..600_i64 {
            let want = firsts.iter().filter(|first| **first <= distance).count() as u32 - 1;
            assert_eq!(op.bucket(-distance, buckets), want, "{buckets} {max_distance} {distance}");
            let after = if distance == 0 { 0 } else { want + buckets / 2 };
            assert_eq!(op.bucket(distance, buckets), after, "{buckets} {max_distance} {distance}");
        }
    }
}

#[test]
fn a_bias_by_distance_has_the_key_last() {
    // Bucket b of head h is 10·h + b; of 8 buckets 0 to 3 are for keys before, 4 to 7 for keys after.
    let table: Vec<f32> = (0..16_u8).map(|at| f32::from(at % 2 * 10 + at / 2)).collect();
    let head = [0.0, 5.0, 6.0, 1.0, 0.0, 5.0, 2.0, 1.0, 0.0];
    let both: Vec<f32> = head.iter().copied().chain(head.map(|bucket| bucket + 10.0)).collect();
    check(RelativeBias { max_distance: 16 }, &[tensor(&[8, 2], &table)], &both);
}

#[test]
fn quantized_layers_and_tables_are_those_of_their_codes() {
    let x = tensor(&[1, 2], &[0.5, -2.0]);
    let (codes, scales) = (tensor(&[2, 2], &[100.0, 10.0, -127.0, 4.0]), tensor(&[2], &[0.01, 0.5]));
    let op = DenseInt8 { activation: Activation::Relu, bias: true, residual: true };
    // relu((50 − 20)·0.01 + 0.25) + 1, relu((−63.5 − 8)·0.5 + 1) − 3.
    let (bias, residual) = (tensor(&[2], &[0.25, 1.0]), tensor(&[1, 2], &[1.0, -3.0]));
    check(op, &[x, codes.clone(), scales.clone(), bias, residual], &[1.55, -3.0]);
    let index = Tensor::new(&[1_u32, 0], &Device::Cpu).unwrap();
    let floats = tensor(&[2, 2], &[1.0, 2.0, 3.0, 4.0]);
    let two = [codes.clone(), scales.clone(), index.clone(), floats.clone(), index.clone()];
    check(EmbedSum, &two, &[-60.5, 6.0, 2.0, 2.1]);
    let offsets = tensor(&[2], &[0.25, -1.0]);
    check(EmbedSum, &[codes, scales, offsets, index.clone(), floats, index], &[-61.5, 5.0, 2.25, 2.35]);
}

#[test]
fn positions_are_counted_as_the_hugging_face_library_does() {
    // `create_position_ids_from_input_ids([0, 1, 7, 1, 1, 9, 2], padding_idx=1)` is [2, 1, 3, 1, 1, 4, 5].
    let text = Text::tokens(&[0, 1, 7, 1, 1, 9, 2], &[0; 7]);
    let got = Input::CountedPositions { padding: 1 }.eval(&[], text).unwrap().to_vec1::<u32>().unwrap();
    assert_eq!(got, [2, 1, 3, 1, 1, 4, 5].map(|position: u32| position - 1));
}

fn f32s(shape: &[usize]) -> Type {
    Type::f32(shape.iter().map(|&size| Dim::Fixed(size)).collect::<Vec<_>>())
}

fn rows(width: usize) -> Type {
    Type::f32([Dim::Tokens, Dim::Fixed(width)])
}

#[test]
fn types_follow_from_the_inputs() {
    let check = |op: Op, inputs: &[Type], want: &str| assert_eq!(op.infer(inputs).unwrap().to_string(), want, "{op:?}");
    let scores = Type::f32([Dim::Fixed(2), Dim::Tokens, Dim::Tokens]);
    let heads = Type::f32([Dim::Fixed(2), Dim::Tokens, Dim::Fixed(3)]);
    check(Add.into(), &[rows(6), f32s(&[6])], "f32[tokens, 6]");
    check(Sub.into(), &[f32s(&[]), rows(1)], "f32[tokens, 1]");
    check(MatMul { transpose_b: true }.into(), &[heads.clone(), heads.clone()], "f32[2, tokens, tokens]");
    check(MatMul { transpose_b: false }.into(), &[scores, heads], "f32[2, tokens, 3]");
    check(MatMul { transpose_b: true }.into(), &[f32s(&[6]), f32s(&[2, 6])], "f32[2]");
    check(Slice { axis: 0, start: 0, len: 1 }.into(), &[rows(6)], "f32[1, 6]");
    check(Quantize.into(), &[rows(6)], "q8[tokens, 6]");
    check(RelativeBias { max_distance: 128 }.into(), &[f32s(&[32, 12])], "f32[12, tokens, tokens]");
    check(TokenCount.into(), &[], "f32[]");
}

#[test]
fn what_an_operator_does_not_take_is_said() {
    let check = |op: Op, inputs: &[Type], want: &str| assert_eq!(op.infer(inputs).unwrap_err(), want, "{op:?}");
    let dense = Dense { activation: Activation::Identity, bias: true, residual: false };
    let int8 = DenseInt8 { activation: Activation::Identity, bias: false, residual: false };
    check(Add.into(), &[rows(6)], "it takes 2 inputs, not 1");
    check(Add.into(), &[rows(6), rows(5)], "axes of 6 and 5 do not go together");
    check(
        Mul.into(),
        &[rows(6), Type::new(crate::graph::Elem::I8, [])],
        "the second input is i8[], where f32 is needed",
    );
    check(MatMul { transpose_b: false }.into(), &[rows(6), f32s(&[5, 6])], "the depths 6 and 5 differ");
    check(Gather.into(), &[rows(6), rows(6)], "the index is f32[tokens, 6], where index is needed");
    check(
        Reshape { shape: vec![Dim::Tokens, 5.into()] }.into(),
        &[rows(6)],
        "[tokens, 5] holds another count of numbers",
    );
    let huge = Reshape { shape: vec![Dim::Tokens, usize::MAX.into(), 2.into()] };
    check(huge.into(), &[rows(6)], "[tokens, 18446744073709551615, 2] holds another count of numbers");
    check(Transpose { axes: vec![0, 0] }.into(), &[rows(6)], "[0, 0] is no order of the axes");
    check(Slice { axis: 1, start: 4, len: 3 }.into(), &[rows(6)], "f32[tokens, 6] has no places 4..7 on axis 1");
    check(Slice { axis: 1, start: usize::MAX, len: 1 }.into(), &[rows(6)], "the part is empty or endless");
    check(ReduceMean { axis: 2, keep: true }.into(), &[rows(6)], "f32[tokens, 6] has no axis 2");
    check(
        LayerNorm { epsilon: 0.0 }.into(),
        &[rows(6), f32s(&[6]), f32s(&[5])],
        "beta is f32[5], where f32[6] is needed",
    );
    check(LayerNorm { epsilon: f32::NAN }.into(), &[rows(6), f32s(&[6]), f32s(&[6])], "epsilon is NaN");
    check(dense.into(), &[rows(6), f32s(&[2, 6])], "the bias is missing");
    check(dense.into(), &[rows(6), f32s(&[2, 5]), f32s(&[2])], "x is 6 wide, but the weights take 5");
    check(int8.into(), &[rows(6), f32s(&[2, 6]), f32s(&[2])], "x is f32[tokens, 6], where q8 is needed");
    check(
        Attention { heads: 4, scale: 1.0, causal: false }.into(),
        &[rows(6), rows(6), rows(6)],
        "a width of 6 is not 4 heads",
    );
    check(RelativeBias { max_distance: 2 }.into(), &[f32s(&[8, 2])], "the longest distance 2 has no bucket of a range");
    check(Pool { pooling: Pooling::Cls }.into(), &[f32s(&[6])], "rows of tokens are needed");
    check(EmbedSum.into(), &[], "0 tables are not 1 to 3");
    check(EmbedSum.into(), &[f32s(&[9, 6])], "the last table lacks its index");
}

#[test]
fn every_operator_has_a_name_of_its_own() {
    let names: std::collections::BTreeSet<_> = OPS.iter().map(|op| op.name).collect();
    assert_eq!(names.len(), OPS.len());
}
