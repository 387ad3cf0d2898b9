//! The int8 product against exact integers, on every instruction set, at sizes either side of each tile.

use modeldeploy_format::program::Activation;

use super::*;
use crate::kernels::testing::{Random, assert_bits, close};
use crate::kernels::{Operand, Rows};

/// A product's operands, the weights both packed and as `[k][n]`.
struct Case {
    rows: usize,
    n: usize,
    k: usize,
    stride: usize,
    codes: Vec<u8>,
    params: Vec<RowScale>,
    plain: Vec<i8>,
    panels: Vec<i8>,
    scales: Vec<f32>,
    sums: Vec<i32>,
    bias: Vec<f32>,
    residual: Vec<f32>,
}

impl Case {
    fn new(random: &mut Random, (rows, n, k): (usize, usize, usize), extreme: bool) -> Self {
        let stride = k.next_multiple_of(4) + 4 * random.below(3);
        let code = |random: &mut Random| if extreme { [0, 255][random.below(2)] } else { random.below(256) as u8 };
        let weight = |random: &mut Random| if extreme { [-127, 127][random.below(2)] } else { random.below(255) as i8 };
        let codes = (0..rows * stride).map(|_| code(random)).collect();
        let zero = |random: &mut Random| if extreme { [0, 255][random.below(2)] } else { random.below(256) as i32 };
        let params = (0..rows).map(|_| RowScale { scale: random.float(0.05), zero: zero(random) }).collect::<Vec<_>>();
        let plain: Vec<i8> = (0..k * n).map(|_| weight(random).max(-127)).collect();
        let depth = k.next_multiple_of(4);
        let mut panels = vec![0; n.next_multiple_of(16) * depth];
        for (i, &w) in plain.iter().enumerate() {
            let (k, n) = (i / n, i % n);
            panels[n / 16 * 16 * depth + k / 4 * 64 + n % 16 * 4 + k % 4] = w;
        }
        let sums = (0..n).map(|n_| (0..k).map(|k| i32::from(plain[k * n + n_])).sum()).collect();
        let (scales, bias) = (random.floats(n, 0.01), random.floats(n, 1.0));
        let residual = random.floats(rows * (n + 2), 1.0);
        Self { rows, n, k, stride, codes, params, plain, panels, scales, sums, bias, residual }
    }

    fn run(&self, isa: Isa, rows: std::ops::Range<usize>, activation: Activation, dressed: bool) -> Vec<f32> {
        let x = Q8Rows {
            codes: &self.codes[rows.start * self.stride..],
            stride: self.stride,
            params: &self.params[rows.clone()],
        };
        let w = I8Panels { codes: &self.panels, scales: &self.scales, sums: &self.sums, n: self.n, k: self.k };
        let residual = Rows { values: &self.residual[rows.start * (self.n + 2)..], stride: self.n + 2 };
        let residual = dressed.then_some(residual.into());
        let epilogue = Epilogue { bias: dressed.then_some(&self.bias[..]), activation, residual };
        let stride = self.n + 1;
        let mut out = vec![7.5; rows.len() * stride];
        gemm_i8(isa, x, w, epilogue, RowsMut::new(&mut out, stride));
        assert!(out.iter().skip(self.n).step_by(stride).all(|&y| y == 7.5), "what lies between the rows was written");
        out.chunks(stride).flat_map(|row| &row[..self.n]).copied().collect()
    }

    /// All rows, the residual standing in the output.
    fn run_in_place(&self, isa: Isa) -> Vec<f32> {
        let x = Q8Rows { codes: &self.codes, stride: self.stride, params: &self.params };
        let w = I8Panels { codes: &self.panels, scales: &self.scales, sums: &self.sums, n: self.n, k: self.k };
        let epilogue = Epilogue { bias: Some(&self.bias), residual: Some(Operand::InPlace), ..Epilogue::default() };
        let (mut out, stride) = (self.residual.clone(), self.n + 2);
        gemm_i8(isa, x, w, epilogue, RowsMut::new(&mut out, stride));
        out.chunks(stride).flat_map(|row| &row[..self.n]).copied().collect()
    }

    /// The exact integer sum, scaled in f64.
    fn in_f64(&self) -> Vec<f64> {
        let mut out = Vec::new();
        for (r, n) in (0..self.rows).flat_map(|r| (0..self.n).map(move |n| (r, n))) {
            let params = self.params[r];
            let term = |k: usize| {
                (i64::from(self.codes[r * self.stride + k]) - i64::from(params.zero))
                    * i64::from(self.plain[k * self.n + n])
            };
            let sum: i64 = (0..self.k).map(term).sum();
            out.push(sum as f64 * f64::from(params.scale) * f64::from(self.scales[n]));
        }
        out
    }
}

#[test]
fn every_isa_matches_the_reference_and_the_reference_exact_integers() {
    let mut random = Random::new(10);
    let mut shapes: Vec<(usize, usize, usize)> = (1..=20).map(|rows| (rows, 80, 8)).collect();
    shapes.extend([1, 7, 15, 16, 17, 31, 33, 48, 64, 65, 112, 129].map(|n| (3, n, 12)));
    shapes.extend([1, 3, 4, 5, 63, 64, 384, 1000].map(|k| (7, 33, k)));
    shapes.extend([(0, 16, 4), (8, 384, 384), (13, 64, 5), (9, 1, 1), (16, 96, 16)]);
    // Whole steps of a matrix unit: rows either side of one, two and more of its tiles, panels in pairs, alone and in part.
    shapes.extend([1, 2, 15, 16, 17, 31, 32, 33, 47, 48, 49, 64, 65, 100].map(|rows| (rows, 80, 64)));
    shapes.extend([1, 15, 16, 17, 31, 32, 33, 48, 63, 96].into_iter().flat_map(|n| [(5, n, 64), (37, n, 192)]));
    // Deeper than weights are kept for one tile, and for many.
    shapes.extend([(1, 17, 1030), (3, 17, 1030), (9, 17, 1030), (1, 17, 4100), (9, 17, 4100)]);
    for shape in shapes {
        for extreme in [false, true] {
            let case = Case::new(&mut random, shape, extreme);
            let name = format!("{shape:?}, extreme {extreme}");
            close(&case.run(Isa::SCALAR, 0..case.rows, Activation::Identity, false), &case.in_f64(), 1e-6, &name);
            let expected = case.run(Isa::SCALAR, 0..case.rows, Activation::Gelu, true);
            for isa in Isa::available() {
                let got = case.run(isa, 0..case.rows, Activation::Gelu, true);
                assert_bits(&got, &expected, &format!("{isa} {name}"));
            }
        }
    }
}

#[test]
fn bias_activation_and_residual_follow_in_that_order() {
    let mut random = Random::new(11);
    let case = Case::new(&mut random, (5, 20, 16), false);
    let got = case.run(Isa::detect(), 0..5, Activation::Relu, true);
    let expected: Vec<f64> = case
        .in_f64()
        .iter()
        .enumerate()
        .map(|(i, y)| {
            let (r, n) = (i / 20, i % 20);
            (y + f64::from(case.bias[n])).max(0.0) + f64::from(case.residual[r * 22 + n])
        })
        .collect();
    close(&got, &expected, 1e-6, "5x20x16");
}

#[test]
fn a_residual_in_place_gives_the_bits_of_one_apart() {
    let mut random = Random::new(14);
    let shapes = (1..=20).map(|rows| (rows, 80, 8)).chain([1, 15, 16, 17, 64, 65, 129].map(|n| (3, n, 12)));
    for shape in shapes {
        let case = Case::new(&mut random, shape, false);
        let expected = case.run(Isa::SCALAR, 0..case.rows, Activation::Identity, true);
        for isa in Isa::available() {
            assert_bits(&case.run_in_place(isa), &expected, &format!("{isa} {shape:?}"));
        }
    }
}

#[test]
fn a_row_does_not_depend_on_the_rows_beside_it() {
    let mut random = Random::new(12);
    let case = Case::new(&mut random, (19, 70, 33), false);
    for isa in Isa::available() {
        let all = case.run(isa, 0..19, Activation::Silu, true);
        for rows in [0..1, 3..4, 18..19, 2..9, 5..19] {
            let expected = &all[rows.start * 70..rows.end * 70];
            assert_bits(&case.run(isa, rows.clone(), Activation::Silu, true), expected, &format!("{isa} {rows:?}"));
        }
    }
}

#[test]
fn a_row_whose_scale_is_nan_gives_nan_and_its_neighbours_do_not() {
    let mut random = Random::new(13);
    let mut case = Case::new(&mut random, (3, 20, 8), false);
    case.params[1].scale = f32::NAN;
    for isa in Isa::available() {
        let out = case.run(isa, 0..3, Activation::Identity, true);
        for (i, y) in out.iter().enumerate() {
            assert_eq!(y.is_nan(), i / 20 == 1, "{isa}: value {i} is {y}");
        }
    }
}

#[test]
#[should_panic(expected = "the panels are not [n/16][k/4][16][4]")]
fn panels_of_another_shape_are_refused() {
    let w = I8Panels { codes: &[0; 60], scales: &[1.0; 2], sums: &[0; 2], n: 2, k: 4 };
    let x = Q8Rows { codes: &[0; 4], stride: 4, params: &[RowScale::default()] };
    gemm_i8(Isa::SCALAR, x, w, Epilogue::default(), RowsMut::new(&mut [0.0; 2], 2));
}
