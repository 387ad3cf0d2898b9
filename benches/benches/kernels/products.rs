//! The matrix products: each shape with hot weights, and a whole forward's weights in turn. One row is a product of matrix and vector.

use modeldeploy::isa::Isa;
use modeldeploy::kernels::{
    Bf16Panels, Epilogue, F32Panels, I8Panels, Q8Rows, Rows, RowsMut, gemm_bf16, gemm_f32, gemm_i8,
};
use modeldeploy_benches::machine::Work;
use modeldeploy_benches::part::Parts;
use modeldeploy_format::program::{Activation, RowScale};

use crate::{noise, noise_i8};

/// Depth, width and what follows: QKV, attention's output, the two layers of the feed-forward.
const LAYER: [(usize, usize, Activation); 4] = [
    (384, 1152, Activation::Identity),
    (384, 384, Activation::Identity),
    (384, 1536, Activation::Gelu),
    (1536, 384, Activation::Identity),
];
const ROWS: [usize; 5] = [1, 8, 16, 32, 128];

/// All of them, on each instruction set but the reference, whose products take long.
pub(crate) fn all(parts: &mut Parts) {
    for isa in Isa::available().filter(|&isa| isa != Isa::SCALAR) {
        int8(parts, isa);
        forward(parts, isa);
        float(parts, isa);
    }
}

/// One dense layer with its weights and room for 128 rows in and out.
struct Layer {
    k: usize,
    n: usize,
    activation: Activation,
    codes: Vec<u8>,
    params: Vec<RowScale>,
    panels: Vec<i8>,
    scales: Vec<f32>,
    sums: Vec<i32>,
    out: Vec<f32>,
}

impl Layer {
    fn new((k, n, activation): (usize, usize, Activation)) -> Self {
        let most = ROWS[ROWS.len() - 1];
        let panels = noise_i8(k * n);
        let codes = noise(most * k).iter().map(|x| (x * 127.0 + 128.0) as u8).collect();
        let params = vec![RowScale { scale: 0.02, zero: 128 }; most];
        let (scales, sums, out) = (vec![1e-3; n], vec![7; n], vec![0.0; most * n]);
        Self { k, n, activation, codes, params, panels, scales, sums, out }
    }

    fn run(&mut self, isa: Isa, rows: usize) {
        let x = Q8Rows { codes: &self.codes, stride: self.k, params: &self.params[..rows] };
        let w = I8Panels { codes: &self.panels, scales: &self.scales, sums: &self.sums, n: self.n, k: self.k };
        let epilogue = Epilogue { bias: Some(&self.scales), activation: self.activation, residual: None };
        gemm_i8(isa, x, w, epilogue, RowsMut::new(&mut self.out, self.n));
    }

    /// One row is bound by the reading of the weights, more by arithmetic.
    fn work(&self, rows: usize) -> Work {
        let macs = self.k * self.n;
        if rows == 1 { Work::Read(macs as u64) } else { Work::Int8((rows * macs) as u64) }
    }
}

/// Each shape with the same weights over and over.
fn int8(parts: &mut Parts, isa: Isa) {
    for shape in LAYER {
        let mut layer = Layer::new(shape);
        for rows in ROWS {
            let name = format!("{}x{}/{rows}", layer.k, layer.n);
            parts.bench("gemm_i8", isa, &name, layer.work(rows), || layer.run(isa, rows));
        }
    }
}

/// The products of six layers in turn, whose 10.6 MB of weights come from the last cache.
fn forward(parts: &mut Parts, isa: Isa) {
    let mut layers: Vec<Layer> = (0..6).flat_map(|_| LAYER.map(Layer::new)).collect();
    for rows in ROWS {
        let amount = layers.iter().map(|layer| layer.work(rows).amount()).sum();
        let work = if rows == 1 { Work::Read(amount) } else { Work::Int8(amount) };
        parts.bench("forward_i8", isa, &rows.to_string(), work, || {
            layers.iter_mut().for_each(|layer| layer.run(isa, rows));
        });
    }
}

/// The f32 arithmetic over weights of both kinds.
fn float(parts: &mut Parts, isa: Isa) {
    for (k, n, activation) in LAYER {
        let (weights, x, mut out) = (noise(k * n), noise(128 * k), vec![0.0; 128 * n]);
        let halves: Vec<u16> = weights.iter().map(|w| (w.to_bits() >> 16) as u16).collect();
        let epilogue = Epilogue { bias: None, activation, residual: None };
        for rows in ROWS {
            let (name, x) = (format!("{k}x{n}/{rows}"), Rows { values: &x, stride: k });
            let work =
                |bytes| if rows == 1 { Work::Read((bytes * k * n) as u64) } else { Work::Float((rows * k * n) as u64) };
            parts.bench("gemm_f32", isa, &name, work(4), || {
                let w = F32Panels { values: &weights, n, k };
                gemm_f32(isa, x, rows, w, epilogue, RowsMut::new(&mut out, n));
            });
            parts.bench("gemm_bf16", isa, &name, work(2), || {
                let w = Bf16Panels { values: &halves, n, k };
                gemm_bf16(isa, x, rows, w, epilogue, RowsMut::new(&mut out, n));
            });
        }
    }
}
