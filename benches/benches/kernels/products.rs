//! The matrix products: each shape with hot weights, and a whole forward's weights in turn.

use criterion::{Criterion, Throughput};
use modeldeploy::isa::Isa;
use modeldeploy::kernels::{Epilogue, F32Panels, I8Panels, Q8Rows, Rows, RowsMut, gemm_f32, gemm_i8};
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
        gemm_i8(isa, x, w, epilogue, RowsMut { values: &mut self.out, stride: self.n });
    }
}

/// Each shape with the same weights over and over.
pub(crate) fn int8(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("gemm_i8");
    for isa in Isa::available().filter(|isa| isa.name() != "scalar") {
        for shape in LAYER {
            let mut layer = Layer::new(shape);
            for rows in ROWS {
                group.throughput(Throughput::Elements((rows * layer.k * layer.n) as u64));
                let name = format!("{isa}/{}x{}/{rows}", layer.k, layer.n);
                group.bench_function(name, |b| b.iter(|| layer.run(isa, rows)));
            }
        }
    }
}

/// The products of six layers in turn, whose 10.6 MB of weights come from the last cache.
pub(crate) fn forward(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("forward_i8");
    let mut layers: Vec<Layer> = (0..6).flat_map(|_| LAYER.map(Layer::new)).collect();
    let weights: usize = layers.iter().map(|layer| layer.k * layer.n).sum();
    for isa in Isa::available().filter(|isa| isa.name() != "scalar") {
        for rows in ROWS {
            group.throughput(Throughput::Elements((rows * weights) as u64));
            group.bench_function(format!("{isa}/{rows}"), |b| {
                b.iter(|| layers.iter_mut().for_each(|layer| layer.run(isa, rows)));
            });
        }
    }
}

/// The f32 product at one size.
pub(crate) fn float(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("gemm_f32");
    let (k, n) = (384, 384);
    let (weights, x, mut out) = (noise(k * n), noise(128 * k), vec![0.0; 128 * n]);
    for isa in Isa::available().filter(|isa| isa.name() != "scalar") {
        for rows in [8, 32, 128] {
            group.throughput(Throughput::Elements((rows * k * n) as u64));
            group.bench_function(format!("{isa}/{k}x{n}/{rows}"), |b| {
                let x = Rows { values: &x, stride: k };
                let w = F32Panels { values: &weights, n, k };
                b.iter(|| gemm_f32(isa, x, rows, w, Epilogue::default(), RowsMut { values: &mut out, stride: n }));
            });
        }
    }
}
