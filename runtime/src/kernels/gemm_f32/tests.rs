//! The f32 and bf16 products against f64, on every instruction set, at sizes either side of each tile.

use modeldeploy_format::program::Activation;

use super::*;
use crate::kernels::Operand;
use crate::kernels::testing::{Random, assert_bits, close};

struct Case {
    rows: usize,
    n: usize,
    k: usize,
    x: Vec<f32>,
    plain: Vec<f32>,
    bias: Vec<f32>,
    residual: Vec<f32>,
}

impl Case {
    fn new(random: &mut Random, (rows, n, k): (usize, usize, usize), size: f32) -> Self {
        let x = random.floats(rows * (k + 1), size);
        // Weights that bf16 holds exactly, so that one f64 product is the expectation of both kernels.
        let mut plain = random.floats(k * n, 1.0);
        plain.iter_mut().for_each(|w| *w = f32::from_bits(w.to_bits() & 0xffff_0000));
        Self { rows, n, k, x, plain, bias: random.floats(n, 1.0), residual: random.floats(rows * n, 1.0) }
    }

    fn panels(&self) -> Vec<f32> {
        let mut panels = vec![0.0; self.n.next_multiple_of(16) * self.k];
        for (i, &w) in self.plain.iter().enumerate() {
            let (k, n) = (i / self.n, i % self.n);
            panels[n / 16 * 16 * self.k + k * 16 + n % 16] = w;
        }
        panels
    }

    fn run(&self, isa: Isa, rows: std::ops::Range<usize>, bf16: bool, activation: Activation) -> Vec<f32> {
        let x = Rows { values: &self.x[rows.start * (self.k + 1)..], stride: self.k + 1 };
        let residual = Rows { values: &self.residual[rows.start * self.n..], stride: self.n };
        let epilogue = Epilogue { bias: Some(&self.bias), activation, residual: Some(residual.into()) };
        let mut out = vec![0.0; rows.len() * self.n];
        let to = RowsMut::new(&mut out, self.n);
        if bf16 {
            let bits: Vec<u16> = self.panels().iter().map(|w| (w.to_bits() >> 16) as u16).collect();
            gemm_bf16(isa, x, rows.len(), Bf16Panels { values: &bits, n: self.n, k: self.k }, epilogue, to);
        } else {
            gemm_f32(isa, x, rows.len(), F32Panels { values: &self.panels(), n: self.n, k: self.k }, epilogue, to);
        }
        out
    }

    /// All rows, the residual standing in the output.
    fn run_in_place(&self, isa: Isa, activation: Activation) -> Vec<f32> {
        let x = Rows { values: &self.x, stride: self.k + 1 };
        let epilogue = Epilogue { bias: Some(&self.bias), activation, residual: Some(Operand::InPlace) };
        let mut out = self.residual.clone();
        let to = RowsMut::new(&mut out, self.n);
        gemm_f32(isa, x, self.rows, F32Panels { values: &self.panels(), n: self.n, k: self.k }, epilogue, to);
        out
    }

    fn in_f64(&self) -> Vec<f64> {
        let mut out = Vec::new();
        for (r, n) in (0..self.rows).flat_map(|r| (0..self.n).map(move |n| (r, n))) {
            let term = |k: usize| f64::from(self.x[r * (self.k + 1) + k]) * f64::from(self.plain[k * self.n + n]);
            let sum: f64 = (0..self.k).map(term).sum();
            out.push((sum + f64::from(self.bias[n])).max(0.0) + f64::from(self.residual[r * self.n + n]));
        }
        out
    }
}

#[test]
fn every_isa_matches_the_reference_and_the_reference_f64() {
    let mut random = Random::new(20);
    let mut shapes: Vec<(usize, usize, usize)> = (1..=20).map(|rows| (rows, 80, 5)).collect();
    shapes.extend([1, 7, 15, 16, 17, 31, 33, 48, 64, 65, 112, 129].map(|n| (3, n, 6)));
    shapes.extend([0, 1, 3, 4, 5, 63, 64, 384].map(|k| (7, 33, k)));
    shapes.extend([(0, 16, 4), (8, 96, 128), (13, 64, 5), (9, 1, 1)]);
    for shape in shapes {
        for size in [1.0, 1e-38, 1e30] {
            let case = Case::new(&mut random, shape, size);
            let expected = case.run(Isa::SCALAR, 0..case.rows, false, Activation::Relu);
            let bound = 2e-6 * f64::from(size).max(1.0) * (shape.2 as f64).max(1.0).sqrt();
            close(&expected, &case.in_f64(), bound, &format!("{shape:?} {size:e}"));
            for isa in Isa::available() {
                for bf16 in [false, true] {
                    let got = case.run(isa, 0..case.rows, bf16, Activation::Relu);
                    assert_bits(&got, &expected, &format!("{isa} {shape:?} {size:e} bf16 {bf16}"));
                }
            }
        }
    }
}

#[test]
fn a_row_does_not_depend_on_the_rows_beside_it() {
    let mut random = Random::new(21);
    let case = Case::new(&mut random, (19, 70, 33), 1.0);
    for isa in Isa::available() {
        let all = case.run(isa, 0..19, false, Activation::GeluTanh);
        for rows in [0..1, 3..4, 18..19, 2..9, 5..19] {
            let expected = &all[rows.start * 70..rows.end * 70];
            assert_bits(
                &case.run(isa, rows.clone(), false, Activation::GeluTanh),
                expected,
                &format!("{isa} {rows:?}"),
            );
        }
    }
}

#[test]
fn a_residual_in_place_gives_the_bits_of_one_apart() {
    let mut random = Random::new(22);
    let shapes = (1..=20).map(|rows| (rows, 80, 5)).chain([1, 15, 16, 17, 64, 65, 129].map(|n| (3, n, 6)));
    for shape in shapes {
        let case = Case::new(&mut random, shape, 1.0);
        let expected = case.run(Isa::SCALAR, 0..case.rows, false, Activation::Identity);
        for isa in Isa::available() {
            assert_bits(&case.run_in_place(isa, Activation::Identity), &expected, &format!("{isa} {shape:?}"));
        }
    }
}

#[test]
#[should_panic(expected = "what is activated is written over the residual")]
fn a_residual_in_place_after_an_activation_is_refused() {
    Case::new(&mut Random::new(23), (2, 16, 4), 1.0).run_in_place(Isa::SCALAR, Activation::Relu);
}

#[test]
#[should_panic(expected = "x: 2 rows of 4 at a stride of 4 do not fit 7")]
fn rows_past_their_buffer_are_refused() {
    let w = F32Panels { values: &[0.0; 64], n: 16, k: 4 };
    let mut out = [0.0; 32];
    let out = RowsMut::new(&mut out, 16);
    gemm_f32(Isa::SCALAR, Rows { values: &[0.0; 7], stride: 4 }, 2, w, Epilogue::default(), out);
}
