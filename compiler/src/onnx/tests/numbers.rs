//! Numbers at the edges: NaN and −∞, 16-bit floats among others, whole numbers of more bits than a float has.

use super::single::{bytes, computed, fails, halves, ids, list, word};
use super::{int, node, tensor, with};
use crate::onnx::{Data, Elem};

#[test]
fn nan_is_the_largest_and_orders_are_whole() {
    // 64 numbers with several NaNs: an order that is none would be found out by the sort.
    let values: Vec<f32> = (0..64).map(|at| if at % 7 == 3 { f32::NAN } else { ((at * 37) % 64) as f32 }).collect();
    let nans = values.iter().filter(|value| value.is_nan()).count();
    for largest in [1, 0] {
        let node = with(node("TopK", &["x", "k"], &["y", "i"]), int("largest", largest));
        let made = computed(21, node, vec![tensor("x", &[64], &values), ids("k", &[1], &[64])]).expect("an order");
        let sorted = made[0].as_f32().expect("floats");
        let (nan, rest) =
            if largest == 1 { sorted.split_at(nans) } else { (&sorted[64 - nans..], &sorted[..64 - nans]) };
        assert!(nan.iter().all(|value| value.is_nan()), "{sorted:?}");
        assert!(rest.is_sorted_by(|a, b| if largest == 1 { a >= b } else { a <= b }), "{sorted:?}");
        let Data::I64(places) = made[1].data() else { panic!("places") };
        let first: Vec<i64> = if largest == 1 { places[..2].to_vec() } else { places[64 - nans..][..2].to_vec() };
        assert_eq!(first, [3, 10], "of equal ones the first comes first");
    }
}

#[test]
fn nan_goes_through_extremes() {
    let x = || vec![tensor("x", &[1, 1, 4], &[2.0, f32::NAN, 3.0, f32::NAN])];
    for (operator, last, want) in [("ArgMax", 0, 1), ("ArgMin", 0, 1), ("ArgMax", 1, 3), ("ArgMin", 1, 3)] {
        let node = with(with(node(operator, &["x"], &["y"]), int("axis", 2)), int("select_last_index", last));
        let made = computed(21, node, x()).expect("a place");
        assert_eq!(*made[0].data(), Data::I64(vec![want]), "{operator}, last {last}");
    }
    for operator in ["ReduceMax", "ReduceMin", "GlobalMaxPool"] {
        let made = computed(21, node(operator, &["x"], &["y"]), x()).expect("an extreme");
        assert!(made[0].as_f32().expect("floats")[0].is_nan(), "{operator}");
    }
    let pooled = with(node("MaxPool", &["x"], &["y"]), list("kernel_shape", &[2]));
    assert!(computed(21, pooled, x()).expect("windows")[0].as_f32().expect("floats").iter().all(|x| x.is_nan()));
    let celu = computed(21, node("Celu", &["x"], &["y"]), x()).expect("numbers");
    assert!(celu[0].as_f32().expect("floats")[1].is_nan());
    for reduction in ["max", "min"] {
        let node = with(node("ScatterElements", &["x", "i", "u"], &["y"]), word("reduction", reduction));
        let tensors = vec![tensor("x", &[1], &[1.0]), ids("i", &[1], &[0]), tensor("u", &[1], &[f32::NAN])];
        let made = computed(21, node, tensors).expect("a number");
        assert!(made[0].as_f32().expect("floats")[0].is_nan(), "{reduction}");
    }
    fails(21, node("DynamicQuantizeLinear", &["x"], &["y", "s", "z"]), x(), "a number is NaN");
}

#[test]
fn softmax_has_nan_where_there_are_no_shares() {
    let of = |values: &[f32]| {
        let made = computed(21, node("Softmax", &["x"], &["y"]), vec![tensor("x", &[1, 2], values)]);
        made.expect("shares")[0].as_f32().expect("floats").to_vec()
    };
    for row in [[f32::NAN, 1.0], [f32::NAN; 2], [f32::NEG_INFINITY; 2]] {
        assert!(of(&row).iter().all(|share| share.is_nan()), "{row:?}");
    }
    assert_eq!(of(&[f32::NEG_INFINITY, 0.0]), [0.0, 1.0]);
}

#[test]
fn half_floats_among_others_give_the_kind_that_the_operator_says() {
    let pair = |a, b| vec![a, b];
    let power = |tensors| computed(21, node("Pow", &["x", "w"], &["y"]), tensors).expect("a power")[0].elem();
    assert_eq!(power(pair(tensor("x", &[1], &[2.0]), halves("w", &[1], &[3.0]))), Elem::F32);
    assert_eq!(power(pair(halves("x", &[1], &[2.0]), tensor("w", &[1], &[3.0]))), Elem::F16);
    let scaled = computed(
        23,
        node("RMSNormalization", &["x", "w"], &["y"]),
        pair(tensor("x", &[1, 2], &[1.0, 2.0]), halves("w", &[2], &[1.0, 1.0])),
    );
    assert_eq!(scaled.expect("a norm")[0].elem(), Elem::F16, "that of the scale");
    let layer = node("LayerNormalization", &["x", "w"], &["y", "mean", "inverse"]);
    let made = computed(21, layer, pair(halves("x", &[1, 2], &[1.0, 2.0]), halves("w", &[2], &[1.0, 1.0])));
    assert_eq!(made.expect("a norm").iter().map(|x| x.elem()).collect::<Vec<_>>(), [Elem::F16, Elem::F32, Elem::F32]);
    let added = pair(tensor("x", &[1], &[2.0]), halves("w", &[1], &[3.0]));
    fails(21, node("Add", &["x", "w"], &["y"]), added, "float32 and float16 do not go together");
    let zeros = vec![bytes("x", &[1, 1], &[1]), bytes("w", &[1, 1], &[1]), ids("z", &[], &[i64::MIN])];
    fails(21, node("MatMulInteger", &["x", "w", "z"], &["y"]), zeros, "are not of the kind of");
}

#[test]
fn whole_numbers_are_rounded_once() {
    // Over a tie by 1, which f64 does not see: rounded to f64 first, both would go down to even.
    for (elem, whole, want) in [
        (1, (1 << 60) + (1 << 36) + 1, 2_f64.powi(60) + 2_f64.powi(37)),
        (1, -(1 << 60) - (1 << 36) - 1, -(2_f64.powi(60) + 2_f64.powi(37))),
        (1, (1 << 60) + (1 << 36), 2_f64.powi(60)),
        (16, (1 << 60) + (1 << 52) + 1, 2_f64.powi(60) + 2_f64.powi(53)),
        (16, (1 << 60) + (1 << 52) - 1, 2_f64.powi(60)),
    ] {
        let made = computed(21, with(node("Cast", &["x"], &["y"]), int("to", elem)), vec![ids("x", &[1], &[whole])]);
        let got = match made.expect("a float")[0].data() {
            Data::F32(values) => f64::from(values[0]),
            Data::BF16(values) => values[0].to_f64(),
            other => panic!("{other:?}"),
        };
        assert_eq!(got, want, "{whole}");
    }
}

#[test]
fn a_part_that_is_cut_out_is_scaled_as_a_part() {
    // The first half of 8 numbers, as large as it is: 4 numbers, which lie 3.5 / 3 apart.
    let node = node("Resize", &["x", "roi", "scales"], &["y"]);
    let node = with(with(node, word("mode", "linear")), word("coordinate_transformation_mode", "tf_crop_and_resize"));
    let values: Vec<f32> = (0..8).map(|at| at as f32).collect();
    let tensors = vec![tensor("x", &[8], &values), tensor("roi", &[2], &[0.0, 0.5]), tensor("scales", &[1], &[1.0])];
    let made = computed(13, node, tensors).expect("a part");
    let got = made[0].as_f32().expect("floats");
    assert_eq!(got.len(), 4);
    for (at, got) in got.iter().enumerate() {
        assert!((got - at as f32 * 3.5 / 3.0).abs() < 1e-6, "{at}: {got}");
    }
}
