//! The kernels at the sizes of all-MiniLM-L6-v2, on each instruction set of this CPU.
//!
//! `cargo bench -p modeldeploy-benches --bench kernels`; a filter such as `gemm_i8/avx512vnni` after `--` picks some.
//! `elem/s` are multiply-accumulates a second in the products (`ceiling` is what the registers alone reach), values a
//! second elsewhere.
//!
//! The register tiles of `kernels::tile` are chosen here.

mod ceiling;
mod products;
mod rows;

use criterion::{Criterion, criterion_group, criterion_main};
use std::time::Duration;

/// Short samples: the machine's noise is larger than what more of them would resolve.
fn settings() -> Criterion {
    Criterion::default()
        .sample_size(20)
        .warm_up_time(Duration::from_millis(200))
        .measurement_time(Duration::from_millis(800))
}

criterion_group! {
    name = kernels;
    config = settings();
    targets = ceiling::int8, products::int8, products::forward, products::float, rows::all
}
criterion_main!(kernels);

/// Values between -1 and 1 that look like noise, the same in each run.
fn noise(count: usize) -> Vec<f32> {
    (0..count as u64).map(|i| (i.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40) as f32 / 8_388_608.0 - 1.0).collect()
}

/// Weights within ±127 that look like noise.
fn noise_i8(count: usize) -> Vec<i8> {
    noise(count).iter().map(|x| (x * 127.0) as i8).collect()
}
