//! Softmax against f64 on every instruction set.

use super::*;
use crate::kernels::testing::{Random, assert_bits, close};

#[test]
fn every_isa_matches_the_reference_and_the_reference_f64() {
    let mut random = Random::new(50);
    for width in [1, 7, 15, 16, 17, 31, 33, 64, 384] {
        for size in [0.0, 1.0, 50.0, 1e4] {
            let x = random.floats(3 * (width + 1), size);
            let run = |isa| {
                let mut y = x.clone();
                let to = RowsMut::new(&mut y, width + 1);
                softmax_rows(isa, Rows { values: &x, stride: width + 1 }.into(), 3, width, to);
                y
            };
            let expected = run(Isa::SCALAR);
            for isa in Isa::available() {
                assert_bits(&run(isa), &expected, &format!("{isa} {width} {size}"));
                let mut y = x.clone();
                let to = RowsMut::new(&mut y, width + 1);
                softmax_rows(isa, Operand::InPlace, 3, width, to);
                assert_bits(&y, &expected, &format!("in place: {isa} {width} {size}"));
            }
            let mut in_f64: Vec<f64> = x.iter().map(|&x| f64::from(x)).collect();
            for row in in_f64.chunks_mut(width + 1) {
                let row = &mut row[..width];
                let most = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                row.iter_mut().for_each(|x| *x = (*x - most).exp());
                let total: f64 = row.iter().sum();
                row.iter_mut().for_each(|x| *x /= total);
            }
            close(&expected, &in_f64, 5e-7, &format!("{width} {size}"));
        }
    }
}

#[test]
fn a_nan_makes_its_own_row_nan() {
    for isa in Isa::available() {
        let (mut x, mut y) = (vec![1.0; 60], vec![0.0; 60]);
        x[25] = f32::NAN;
        softmax_rows(isa, Rows { values: &x, stride: 20 }.into(), 3, 20, RowsMut::new(&mut y, 20));
        assert!(y[20..40].iter().all(|y| y.is_nan()), "{isa}");
        assert!(y[..20].iter().chain(&y[40..]).all(|&y| (y - 0.05).abs() < 1e-7), "{isa}");
    }
}
