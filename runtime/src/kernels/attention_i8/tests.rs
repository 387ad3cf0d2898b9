//! Attention in codes against naive f64 and against itself, on every instruction set, alone and in batches.

use super::*;
use crate::kernels::attention::tests::Case;
use crate::kernels::testing::{Random, assert_bits};

fn run(case: &Case, isa: Isa, texts: std::ops::Range<usize>, biased: bool) -> Vec<f32> {
    case.attend(texts, biased, attention_i8_scratch, |inputs, scratch, out| attention_i8(isa, inputs, scratch, out))
}

/// The root of the mean square.
fn size(values: impl Iterator<Item = f64> + Clone) -> f64 {
    (values.clone().map(|value| value * value).sum::<f64>() / values.count() as f64).sqrt()
}

#[test]
fn every_isa_matches_the_reference_and_the_reference_f64() {
    let mut random = Random::new(63);
    // Lengths and widths on both sides of each group of keys and block of queries and columns.
    for (heads, head_dim, lengths) in [
        (2, 32, &[1, 2, 3, 4, 5, 7, 8, 0, 9, 15, 16, 17, 24, 33][..]),
        (3, 64, &[5, 20]),
        (1, 12, &[31, 7]),
        (2, 1, &[4]),
        (2, 17, &[3, 70]),
        (1, 32, &[130]),
    ] {
        for (magnitude, biased, causal) in [
            (1.0, false, false),
            (3.0, true, false),
            (1e-30, false, false),
            (1.0, false, true),
            (3.0, true, true),
            (1e-30, false, true),
        ] {
            let mut case = Case::new(&mut random, heads, head_dim, lengths, magnitude);
            case.causal = causal;
            let name = format!("{heads}x{head_dim} {lengths:?} {magnitude:e} biased {biased} causal {causal}");
            let expected = run(&case, Isa::SCALAR, 0..lengths.len(), biased);
            let exact = case.in_f64(biased);
            let off = expected.iter().zip(&exact).map(|(&got, exact)| f64::from(got) - exact);
            // Half a code of a value is a 510th of its column's range; where scores are large, theirs count for more.
            let worst = off.clone().fold(0.0, |worst: f64, off| worst.max(off.abs())) / f64::from(magnitude);
            assert!(worst <= 0.03, "{name}: {worst:.4} of the magnitude off");
            assert!(size(off.clone()) / f64::from(magnitude) <= 0.005, "{name}: {:e} off", size(off));
            for isa in Isa::available() {
                assert_bits(&run(&case, isa, 0..lengths.len(), biased), &expected, &format!("{isa} {name}"));
            }
        }
    }
}

#[test]
fn many_small_weights_count_in_a_long_text() {
    // Most of three hundred weights are a small part of the greatest: codes of 8 bits have but a few steps for them.
    let case = Case::new(&mut Random::new(68), 1, 32, &[300], 2.2);
    let exact = case.in_f64(false);
    let off = run(&case, Isa::SCALAR, 0..1, false);
    let off = off.iter().zip(&exact).map(|(&got, exact)| f64::from(got) - exact);
    let relative = size(off) / size(exact.iter().copied());
    // Without what they leave out, codes of 8 bits are 0.021 off.
    assert!(relative <= 0.016, "{relative:.4} off");
}

#[test]
fn what_is_next_to_nothing_stays_so_however_often_it_is_there() {
    // The last key's score is far over all others, whose values are all another.
    let mut case = Case::new(&mut Random::new(69), 1, 4, &[4096], 1.0);
    for (token, row) in case.qkv.as_chunks_mut::<12>().0.iter_mut().enumerate() {
        let (key, value) = if token == 4095 { (40.0, 1.0) } else { (-40.0, -1.0) };
        *row = [1.0, 1.0, 1.0, 1.0, key, key, key, key, value, value, value, value];
    }
    for y in run(&case, Isa::detect(), 0..1, false) {
        // The greatest weight is a ten-thousandth off its code.
        assert!((y - 1.0).abs() <= 2e-4, "{y}");
    }
}

#[test]
fn what_codes_leave_out_is_not_given_to_later_items() {
    let mut case = Case::new(&mut Random::new(70), 1, 16, &[40], 2.0);
    case.causal = true;
    for isa in Isa::available() {
        let before = run(&case, isa, 0..1, false);
        // Within the ranges of the columns, so that the codes of all others are the same.
        let mut other = case.clone();
        let (first, last) = other.qkv.split_at_mut(39 * 48);
        last.copy_from_slice(&first[2 * 48..3 * 48]);
        let mut earlier = case.clone();
        earlier.qkv[39 * 48..].copy_from_slice(&case.qkv[5 * 48..6 * 48]);
        let [one, two] = [other, earlier].map(|case| run(&case, isa, 0..1, false));
        assert_bits(&one[..39 * 16], &two[..39 * 16], &isa.to_string());
        assert_ne!(one[39 * 16..], two[39 * 16..]);
        assert_ne!(before[39 * 16..], two[39 * 16..]);
    }
}

#[test]
fn one_token_gives_back_its_value() {
    let case = Case::new(&mut Random::new(64), 2, 32, &[1], 1.0);
    for isa in Isa::available() {
        assert_bits(&run(&case, isa, 0..1, false), &case.qkv[128..], &isa.to_string());
    }
}

#[test]
fn a_text_does_not_depend_on_the_texts_beside_it() {
    let mut random = Random::new(65);
    let mut case = Case::new(&mut random, 2, 32, &[9, 1, 40, 16], 1.0);
    for (isa, causal) in Isa::available().flat_map(|isa| [(isa, false), (isa, true)]) {
        case.causal = causal;
        let all = run(&case, isa, 0..4, true);
        for text in 0..4 {
            let rows = case.segments[text] as usize * 64..case.segments[text + 1] as usize * 64;
            assert_bits(&run(&case, isa, text..text + 1, true), &all[rows], &format!("{isa} text {text}"));
        }
    }
}

#[test]
fn what_is_not_finite_makes_its_head_of_its_text_nan() {
    for (place, wrong) in [(7, f32::NAN), (70, f32::INFINITY), (130, f32::NEG_INFINITY)] {
        let mut case = Case::new(&mut Random::new(66), 2, 32, &[5, 6], 1.0);
        // The second text's second row: its queries, keys or values of the first head or the second.
        case.qkv[6 * 192 + place] = wrong;
        for isa in Isa::available() {
            for (i, y) in run(&case, isa, 0..2, false).iter().enumerate() {
                assert_eq!(
                    y.is_nan(),
                    i >= 5 * 64 && i % 64 / 32 == place % 64 / 32,
                    "{isa} {wrong}: value {i} is {y}"
                );
            }
        }
    }
}

#[test]
fn no_texts_are_no_work() {
    let case = Case::new(&mut Random::new(67), 2, 8, &[0], 1.0);
    assert_eq!(run(&case, Isa::detect(), 0..1, false), Vec::<f32>::new());
}
