//! Rows through a forest of 500 trees of 31 leaves over 136 features, by number of rows: one thread, every instruction set.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use modeldeploy::isa::Isa;
use modeldeploy::kernels::{ForestScratch, forest};
use modeldeploy_format::forest::{Column, Forest, Link, Missing, Number, Parts, Tree, write};
use modeldeploy_format::pack::Aligned;
use std::hint::black_box;

const FEATURES: u32 = 136;
const CUTS: u32 = 60;
const LEAVES: u32 = 31;
const TREES: u32 = 500;

/// The generator of Knuth's MMIX.
struct Random(u64);

impl Random {
    fn below(&mut self, end: u32) -> u32 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as u32 % end
    }

    /// In ±1.
    fn number(&mut self) -> f64 {
        f64::from(self.below(1 << 20)) / f64::from(1 << 19) - 1.0
    }
}

/// Questions that take the leaves apart near their middle, as trees of data do.
fn questions(random: &mut Random, start: u32, end: u32, nodes: &mut Vec<[u32; 4]>) {
    if end - start > 1 {
        let quarter = ((end - start) / 4).max(1);
        let next = start
            + quarter
            + random.below(end - start - quarter.min(end - start - 1) * 2 + 1).min(end - start - quarter - 1);
        nodes.push([random.below(FEATURES), random.below(CUTS), start, next]);
        questions(random, start, next, nodes);
        questions(random, next, end, nodes);
    }
}

fn parts(random: &mut Random) -> Parts {
    let column = |feature| {
        let cuts = (1..=CUTS).map(|cut| f64::from(cut) / f64::from(CUTS / 2 + 1) - 1.0).collect();
        (feature, Missing::Left, Column::Cuts(cuts))
    };
    let trees = (0..TREES).map(|_| {
        let mut nodes = vec![];
        questions(random, 0, LEAVES, &mut nodes);
        Tree { output: 0, nodes, leaves: (0..LEAVES).map(|_| random.number()).collect() }
    });
    Parts {
        trees: trees.collect(),
        features: FEATURES,
        inputs: Number::F64,
        sums: Number::F64,
        base: vec![0.0],
        linear: vec![],
        divisor: 1.0,
        link: Link::Identity,
        columns: (0..FEATURES).map(column).collect(),
    }
}

fn ranking(c: &mut Criterion) {
    let mut random = Random(1);
    let bytes = Aligned::copy(&write(&parts(&mut random)));
    let packed = Forest::parse(&bytes).expect("a forest");
    let mut scratch = ForestScratch::new(&packed);
    for isa in Isa::available() {
        let mut group = c.benchmark_group(format!("forest-500x31-{isa}"));
        for count in [1, 2, 6, 7, 32, 64, 128, 200] {
            let rows: Vec<f64> = (0..count * FEATURES).map(|_| random.number()).collect();
            let mut out = vec![0.0; count as usize];
            group.throughput(Throughput::Elements(u64::from(count)));
            group.bench_with_input(BenchmarkId::from_parameter(count), &rows, |b, rows| {
                b.iter(|| forest(isa, &packed, black_box(rows), &mut out, &mut scratch));
            });
        }
        group.finish();
    }
}

criterion_group!(benches, ranking);
criterion_main!(benches);
