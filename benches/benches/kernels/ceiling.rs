//! What the registers alone reach: int8 products with nothing to load but one row's codes.

use std::hint::black_box;

use criterion::{Criterion, Throughput};
use modeldeploy::isa::{Isa, Kernel, Simd, Tiles};

const STEPS: usize = 4096;
/// The most chains.
const MOST: usize = 24;

struct Ceiling<'a> {
    codes: &'a [[u8; 4]; STEPS],
    weights: &'a [[i8; 64]; MOST],
}

impl Ceiling<'_> {
    #[inline(always)]
    fn chains<S: Simd, const N: usize>(&self, s: S) -> [i32; 16] {
        let mut totals = [s.splat_int(0); N];
        for codes in self.codes {
            let codes = s.codes(*codes);
            for (total, weights) in totals.iter_mut().zip(self.weights) {
                *total = s.dot(*total, codes, s.weights(weights));
            }
        }
        let mut sum = s.splat_int(0);
        for total in totals {
            sum = s.add_int(sum, total);
        }
        let mut out = [0; 16];
        s.store_int(&mut out, sum);
        out
    }
}

impl Kernel for Ceiling<'_> {
    type Output = [i32; 16];

    #[inline(always)]
    fn run<S: Simd>(self, s: S) -> [i32; 16] {
        match S::TILES {
            Tiles::Wide => self.chains::<S, 24>(s),
            Tiles::Narrow => self.chains::<S, 4>(s),
        }
    }
}

/// The most int8 multiply-accumulates a second.
pub(crate) fn int8(criterion: &mut Criterion) {
    let codes = Box::new([[200, 3, 127, 50]; STEPS]);
    let weights = std::array::from_fn(|n| std::array::from_fn(|i| (i + n) as i8));
    let mut group = criterion.benchmark_group("gemm_i8");
    for isa in Isa::available() {
        let chains = if isa.name() == "avx512vnni" { 24 } else { 4 };
        group.throughput(Throughput::Elements((STEPS * chains * 64) as u64));
        group.bench_function(format!("{isa}/ceiling"), |b| {
            b.iter(|| isa.run(Ceiling { codes: black_box(&codes), weights: black_box(&weights) }));
        });
    }
}
