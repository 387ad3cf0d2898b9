//! Exact search: all of an index read for one query, beside what reading its bytes alone takes.
//!
//! `cargo bench -p modeldeploy-benches --bench scan`. `B/s` are bytes of the index a second; `read` sums its words and is the ceiling.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use modeldeploy::isa::Isa;
use modeldeploy::kernels::{
    self, Epilogue, Hit, I8Panels, Q8Rows, Q8RowsMut, Rows, RowsMut, gemm_i8, quantize_rows, scan_f32, topk,
};
use modeldeploy_format::pack::Aligned;
use modeldeploy_format::program::{Activation, RowScale};
use std::hint::black_box;
use std::time::Duration;

const WIDTH: usize = 384;
const BEST: usize = 100;

fn settings() -> Criterion {
    Criterion::default()
        .sample_size(30)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(2))
}

criterion_group! {
    name = scan;
    config = settings();
    targets = scans
}
criterion_main!(scan);

fn scans(criterion: &mut Criterion) {
    let isa = Isa::detect();
    let query: Vec<f32> = (0..WIDTH).map(|i| ((i * 37 % 101) as f32 - 50.0) / 800.0).collect();
    for rows in [10_000, 100_000] {
        let mut group = criterion.benchmark_group(format!("{rows}x{WIDTH}"));
        // As a pack lies in memory: at a multiple of 64.
        let codes = Aligned::copy(
            &(0..rows * WIDTH).map(|i| (i.wrapping_mul(0x9e37_79b9) >> 11) as u8 & 0x7f).collect::<Vec<_>>(),
        );
        let words: &[u64] = bytemuck::cast_slice(&codes);
        group.throughput(Throughput::Bytes(codes.len() as u64));
        group.bench_function("read", |b| b.iter(|| black_box(words).iter().fold(0, |sum, word| sum ^ word)));

        let (scales, sums) = (vec![0.001; rows], vec![0; rows]);
        let panels = I8Panels { codes: bytemuck::cast_slice(&codes), scales: &scales, sums: &sums, n: rows, k: WIDTH };
        let mut scores = vec![0.0; rows];
        let mut best = vec![Hit::default(); BEST];
        let mut search = |query: &[f32]| {
            let (mut codes, mut params) = (vec![0; WIDTH], [RowScale::default()]);
            let quantized = Q8RowsMut { codes: &mut codes, stride: WIDTH, params: &mut params };
            quantize_rows(isa, Rows { values: query, stride: WIDTH }, WIDTH, quantized);
            let plain = Epilogue { bias: None, activation: Activation::Identity, residual: None };
            let query = Q8Rows { codes: &codes, stride: WIDTH, params: &params };
            gemm_i8(isa, query, panels, plain, RowsMut { values: &mut scores, stride: rows });
            topk(&scores, &mut best)
        };
        group.bench_function(format!("int8 top {BEST}, {}", isa.name()), |b| b.iter(|| search(black_box(&query))));

        let values: Vec<f32> = (0..rows * WIDTH).map(|i| (i % 251) as f32).collect();
        group.throughput(Throughput::Bytes(4 * values.len() as u64));
        group.bench_function(format!("f32 top {BEST}, {}", isa.name()), |b| {
            b.iter(|| {
                let rows = Rows { values: &values, stride: WIDTH };
                scan_f32(isa, black_box(&query), rows, &mut scores);
                kernels::topk(&scores, &mut best)
            });
        });
        group.finish();
    }
}
