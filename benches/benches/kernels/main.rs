//! The kernels at the sizes of all-MiniLM-L6-v2, on each instruction set of this CPU, each beside its ceiling.
//!
//! `cargo bench -p modeldeploy-benches --bench kernels`; a filter such as `gemm_i8/avx512vnni` after `--` picks some. A throughput
//! stands with its part of what the same instruction set reaches on this machine, which is measured first: products and attention
//! beside multiply-accumulates in registers alone, what is read or passed on beside plain reading or copying of as many bytes.
//!
//! The register tiles of `kernels::tile` are chosen here.

mod attention;
mod fields;
mod products;
mod rows;
mod search;

use modeldeploy::isa::Isa;
use modeldeploy_benches::part::Parts;

fn main() {
    let mut parts = Parts::from_args();
    products::all(&mut parts);
    for isa in Isa::available() {
        rows::all(&mut parts, isa);
        attention::all(&mut parts, isa);
        fields::all(&mut parts, isa);
        search::all(&mut parts, isa);
    }
    parts.finish();
}

/// Values between -1 and 1 that look like noise, the same in each run.
fn noise(count: usize) -> Vec<f32> {
    (0..count as u64).map(|i| (i.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40) as f32 / 8_388_608.0 - 1.0).collect()
}

/// Weights within ±127 that look like noise.
fn noise_i8(count: usize) -> Vec<i8> {
    noise(count).iter().map(|x| (x * 127.0) as i8).collect()
}
