//! LayerNorm against f64, and its codes against those of `quantize_rows`.

use modeldeploy_format::program::RowScale;

use super::*;
use crate::kernels::quantize_rows;
use crate::kernels::testing::{Random, assert_bits, close};

const EPS: f32 = 1e-12;

struct Case {
    rows: usize,
    width: usize,
    x: Vec<f32>,
    residual: Vec<f32>,
    weights: [Vec<f32>; 4],
}

impl Case {
    fn new(random: &mut Random, rows: usize, width: usize, size: f32) -> Self {
        let weights = [1.5, 1.0, 0.7, 0.3].map(|size| random.floats(width, size));
        let x = random.floats(rows * width, size).iter().map(|x| x + size / 2.0).collect();
        Self { rows, width, x, residual: random.floats(rows * width, size), weights }
    }

    fn norm(&self, with_residual: bool) -> LayerNorm<'_> {
        let rows = |values| Rows { values, stride: self.width };
        LayerNorm {
            x: rows(&self.x).into(),
            residual: with_residual.then_some(rows(&self.residual)),
            rows: self.rows,
            eps: EPS,
            affine: Affine { gamma: &self.weights[0], beta: &self.weights[1] },
        }
    }

    fn run(&self, isa: Isa, with_residual: bool) -> Vec<f32> {
        let mut out = vec![0.0; self.rows * self.width];
        layer_norm(isa, self.norm(with_residual), RowsMut::new(&mut out, self.width));
        out
    }

    fn run_in_place(&self, isa: Isa, with_residual: bool) -> Vec<f32> {
        let mut out = self.x.clone();
        let norm = LayerNorm { x: Operand::InPlace, ..self.norm(with_residual) };
        layer_norm(isa, norm, RowsMut::new(&mut out, self.width));
        out
    }

    fn in_f64(&self, with_residual: bool, affine: [&[f32]; 2]) -> Vec<f64> {
        let sum = |(x, y): (&f32, &f32)| f64::from(if with_residual { x + y } else { *x });
        let x: Vec<f64> = self.x.iter().zip(&self.residual).map(sum).collect();
        let mut out = Vec::new();
        for row in x.chunks(self.width) {
            let mean = row.iter().sum::<f64>() / row.len() as f64;
            let variance = row.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / row.len() as f64;
            let inverse = 1.0 / (variance + f64::from(EPS)).sqrt();
            let y = |(n, x): (usize, &f64)| (x - mean) * inverse * f64::from(affine[0][n]) + f64::from(affine[1][n]);
            out.extend(row.iter().enumerate().map(y));
        }
        out
    }
}

#[test]
fn every_isa_matches_the_reference_and_the_reference_f64() {
    let mut random = Random::new(40);
    for width in [2, 7, 15, 16, 17, 31, 33, 64, 384] {
        for size in [1.0, 1e-3, 1e15] {
            for with_residual in [false, true] {
                let case = Case::new(&mut random, 3, width, size);
                let expected = case.run(Isa::SCALAR, with_residual);
                let name = format!("{width} {size:e} residual {with_residual}");
                let in_f64 = case.in_f64(with_residual, [&case.weights[0], &case.weights[1]]);
                close(&expected, &in_f64, 1e-5, &name);
                for isa in Isa::available() {
                    assert_bits(&case.run(isa, with_residual), &expected, &format!("{isa} {name}"));
                    let in_place = case.run_in_place(isa, with_residual);
                    assert_bits(&in_place, &expected, &format!("in place: {isa} {name}"));
                }
            }
        }
    }
}

#[test]
fn a_constant_row_becomes_its_beta() {
    let mut case = Case::new(&mut Random::new(41), 2, 37, 1.0);
    case.x.fill(3.0);
    for isa in Isa::available() {
        let expected = [&case.weights[1][..], &case.weights[1][..]].concat();
        assert_bits(&case.run(isa, false), &expected, isa.name());
    }
}

#[test]
fn the_codes_are_those_of_the_smoothed_rows() {
    let mut random = Random::new(42);
    for width in [1, 7, 13, 15, 16, 17, 31, 33, 61, 64, 384] {
        let case = Case::new(&mut random, 3, width, 1.0);
        let smooth = Affine { gamma: &case.weights[2], beta: &case.weights[3] };
        let stride = width.next_multiple_of(4);
        for isa in Isa::available() {
            let mut out = vec![0.0; 3 * width];
            let (mut codes, mut params) = (vec![0; 3 * stride], [RowScale::default(); 3]);
            let to = RowsMut::new(&mut out, width);
            let to_codes = Q8RowsMut { codes: &mut codes, stride, params: &mut params };
            layer_norm_quantize(isa, case.norm(true), to, smooth, to_codes);
            assert_bits(&out, &case.run(Isa::SCALAR, true), &format!("{isa} {width}"));

            let (mut in_place, mut same_codes) = (case.x.clone(), vec![0; 3 * stride]);
            let mut same_params = [RowScale::default(); 3];
            let norm = LayerNorm { x: Operand::InPlace, ..case.norm(true) };
            let to = RowsMut::new(&mut in_place, width);
            let to_codes = Q8RowsMut { codes: &mut same_codes, stride, params: &mut same_params };
            layer_norm_quantize(isa, norm, to, smooth, to_codes);
            assert_bits(&in_place, &out, &format!("in place: {isa} {width}"));
            assert_eq!((&same_codes, same_params), (&codes, params), "in place: {isa} {width}");

            let mut smoothed = vec![0.0; 3 * width];
            let norm = LayerNorm { affine: smooth, ..case.norm(true) };
            layer_norm(Isa::SCALAR, norm, RowsMut::new(&mut smoothed, width));
            let (mut plain, mut plain_params) = (vec![0; 3 * stride], [RowScale::default(); 3]);
            let to_codes = Q8RowsMut { codes: &mut plain, stride, params: &mut plain_params };
            quantize_rows(Isa::SCALAR, Rows { values: &smoothed, stride: width }, width, to_codes);
            assert_eq!((&codes, params), (&plain, plain_params), "{isa} {width}");
        }
    }
}
