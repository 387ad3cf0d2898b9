//! Codes on every instruction set, and how well they read back.

use super::*;
use crate::kernels::testing::Random;

/// The codes (padding included) and parameters of rows of `width`.
fn run(isa: Isa, x: &[f32], width: usize) -> (Vec<u8>, Vec<RowScale>) {
    let rows = x.len() / width;
    let stride = width.next_multiple_of(4) + 4;
    let (mut codes, mut params) = (vec![99; rows * stride], vec![RowScale::default(); rows]);
    let out = Q8RowsMut { codes: &mut codes, stride, params: &mut params };
    quantize_rows(isa, Rows { values: x, stride: width }, width, out);
    (codes, params)
}

/// Codes and the bits of the parameters.
fn bits((codes, params): (Vec<u8>, Vec<RowScale>)) -> (Vec<u8>, Vec<(u32, i32)>) {
    let scale = |scale: f32| if scale.is_nan() { 1 } else { scale.to_bits() };
    (codes, params.iter().map(|params| (scale(params.scale), params.zero)).collect())
}

#[test]
fn every_isa_gives_the_same_codes_and_they_read_back_within_a_step() {
    let mut random = Random::new(30);
    for width in [1, 2, 7, 13, 15, 16, 17, 31, 33, 61, 64, 384] {
        for size in [1.0, 1e-37, 3.4e38, 1e-44] {
            let mut x = random.floats(4 * width, size);
            x[width..2 * width].iter_mut().for_each(|x| *x = x.abs());
            x[2 * width..3 * width].iter_mut().for_each(|x| *x = -x.abs());
            x[3 * width..].fill(size / 3.0);
            let (codes, params) = run(Isa::SCALAR, &x, width);
            for isa in Isa::available() {
                assert_eq!(bits(run(isa, &x, width)), bits((codes.clone(), params.clone())), "{isa} {width} {size:e}");
            }
            let stride = width.next_multiple_of(4) + 4;
            for (r, RowScale { scale, zero }) in params.into_iter().enumerate() {
                assert!((0..=255).contains(&zero), "zero {zero}");
                for n in 0..width {
                    let read = f64::from(scale) * f64::from(i32::from(codes[r * stride + n]) - zero);
                    let error = (read - f64::from(x[r * width + n])).abs();
                    let step = f64::from(scale).max(255.0 * f64::from(f32::MIN_POSITIVE));
                    assert!(error <= 1.001 * step, "{width} {size:e}: {read:e}, not {:e}", x[r * width + n]);
                }
                let padding = &codes[r * stride + width..][..width.next_multiple_of(4) - width];
                assert!(padding.iter().all(|&code| i32::from(code) == zero), "padding {padding:?}, zero {zero}");
                assert_eq!(codes[(r + 1) * stride - 4..][..4], [99; 4], "written past the row");
            }
        }
    }
}

#[test]
fn ties_ends_and_zeros_are_as_the_formula_says() {
    // A range of 0..255 makes the scale 1 and the zero 0: codes are the values, ties to even.
    let (codes, params) = run(Isa::SCALAR, &[0.0, 0.5, 1.5, 2.5, 254.5, 255.0, 100.25, 3.0], 8);
    assert_eq!((&codes[..8], params[0]), (&[0, 0, 2, 2, 254, 255, 100, 3][..], RowScale { scale: 1.0, zero: 0 }));
    let (codes, params) = run(Isa::SCALAR, &[-128.0, 127.0, 0.0, -1.0], 4);
    assert_eq!((&codes[..4], params[0]), (&[0, 255, 128, 127][..], RowScale { scale: 1.0, zero: 128 }));
    let (codes, params) = run(Isa::SCALAR, &[0.0, -0.0, 1e-40, 0.0, 0.0], 5);
    assert_eq!((&codes[..8], params[0]), (&[0; 8][..], RowScale { scale: 0.0, zero: 0 }));
}

#[test]
fn a_row_that_is_not_finite_is_marked_and_its_neighbours_are_not() {
    for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        for width in [1, 16, 19, 40] {
            for at in [0, width / 2, width - 1] {
                let mut x: Vec<f32> = (0..3 * width).map(|i| i as f32 + 1.0).collect();
                x[width + at] = bad;
                for isa in Isa::available() {
                    let (codes, params) = run(isa, &x, width);
                    let marked: Vec<bool> = params.iter().map(|params| params.scale.is_nan()).collect();
                    assert_eq!(marked, [false, true, false], "{isa} {width} {bad} at {at}");
                    let stride = width.next_multiple_of(4) + 4;
                    assert!(codes[stride..][..width].iter().all(|&code| code == 0), "{isa} {width} {bad} at {at}");
                }
            }
        }
    }
}
