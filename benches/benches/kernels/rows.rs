//! What stands between the products: quantization, LayerNorm, attention, GELU, the scan of a catalogue.

use criterion::{Criterion, Throughput};
use modeldeploy::isa::Isa;
use modeldeploy::kernels::{
    Affine, Attention, LayerNorm, Q8RowsMut, Rows, RowsMut, activate, attention, attention_i8, attention_i8_scratch,
    attention_scratch, layer_norm, layer_norm_quantize, quantize_rows, scan_f32,
};
use modeldeploy_format::program::{Activation, RowScale};

use crate::noise;

const WIDTH: usize = 384;
const ROWS: usize = 16;

/// Each of them on each instruction set.
pub(crate) fn all(criterion: &mut Criterion) {
    for isa in Isa::available() {
        norms(criterion, isa);
        attentions(criterion, isa);
        catalogue(criterion, isa);
    }
}

fn norms(criterion: &mut Criterion, isa: Isa) {
    let (x, gamma, beta) = (noise(ROWS * WIDTH), noise(WIDTH), noise(WIDTH));
    let (mut out, mut codes, mut params) = (noise(ROWS * WIDTH), vec![0; ROWS * WIDTH], [RowScale::default(); ROWS]);
    let rows = Rows { values: &x, stride: WIDTH };
    let affine = Affine { gamma: &gamma, beta: &beta };
    let norm = LayerNorm { x: rows, residual: Some(rows), rows: ROWS, eps: 1e-12, affine };
    let mut group = criterion.benchmark_group("rows");
    group.throughput(Throughput::Elements((ROWS * WIDTH) as u64));
    group.bench_function(format!("{isa}/layer_norm/{ROWS}x{WIDTH}"), |b| {
        b.iter(|| layer_norm(isa, norm, RowsMut { values: &mut out, stride: WIDTH }));
    });
    group.bench_function(format!("{isa}/layer_norm_quantize/{ROWS}x{WIDTH}"), |b| {
        b.iter(|| {
            let codes = Q8RowsMut { codes: &mut codes, stride: WIDTH, params: &mut params };
            layer_norm_quantize(isa, norm, RowsMut { values: &mut out, stride: WIDTH }, affine, codes);
        });
    });
    group.bench_function(format!("{isa}/quantize/{ROWS}x{WIDTH}"), |b| {
        b.iter(|| quantize_rows(isa, rows, WIDTH, Q8RowsMut { codes: &mut codes, stride: WIDTH, params: &mut params }));
    });
    group.bench_function(format!("{isa}/gelu/{ROWS}x{WIDTH}"), |b| {
        b.iter(|| activate(isa, Activation::Gelu, &x, &mut out));
    });
}

fn attentions(criterion: &mut Criterion, isa: Isa) {
    let mut group = criterion.benchmark_group("attention");
    for len in [8, 16, 32, 128, 512] {
        let qkv = noise(len * 3 * WIDTH);
        let part = |i: usize| Rows { values: &qkv[i * WIDTH..], stride: 3 * WIDTH };
        let segments = [0, len as u32];
        let inputs = Attention {
            q: part(0),
            k: part(1),
            v: part(2),
            segments: &segments,
            heads: 12,
            head_dim: 32,
            scale: 0.176_776_7,
            relative_bias: None,
        };
        let scratch = attention_scratch(len, 32).max(attention_i8_scratch(len, 32));
        let (mut scratch, mut out) = (vec![0.0; scratch], vec![0.0; len * WIDTH]);
        group.throughput(Throughput::Elements((2 * len * len * WIDTH) as u64));
        group.bench_function(format!("{isa}/12x32/{len}"), |b| {
            b.iter(|| attention(isa, inputs, &mut scratch, RowsMut { values: &mut out, stride: WIDTH }));
        });
        group.bench_function(format!("{isa}/int8/12x32/{len}"), |b| {
            b.iter(|| attention_i8(isa, inputs, &mut scratch, RowsMut { values: &mut out, stride: WIDTH }));
        });
    }
}

fn catalogue(criterion: &mut Criterion, isa: Isa) {
    let (count, width) = (5000, 128);
    let (rows, query, mut scores) = (noise(count * width), noise(width), vec![0.0; count]);
    let mut group = criterion.benchmark_group("scan_f32");
    group.throughput(Throughput::Bytes((4 * count * width) as u64));
    group.bench_function(format!("{isa}/{count}x{width}"), |b| {
        b.iter(|| scan_f32(isa, &query, Rows { values: &rows, stride: width }, &mut scores));
    });
}
