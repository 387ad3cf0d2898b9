//! Rankers' networks: DLRM by number of candidates, SASRec's session of 50 items with 200 candidates; one thread, every instruction set.
//!
//! `cargo bench -p modeldeploy-benches --bench rank`; a filter such as `dlrm-int8/avx512vnni` after `--` picks some. DLRM's tables are
//! 166 MB as codes and 666 MB as f32, and each request has other ids, so that their rows come from memory.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use modeldeploy::isa::Isa;
use modeldeploy::session::{Capacity, Columns, Request, Session};
use modeldeploy_benches::network::{self, Dlrm, ITEMS, SESSION, Stored};
use modeldeploy_format::Artifact;

const CANDIDATES: u32 = 200;

fn isas() -> impl Iterator<Item = Isa> {
    Isa::available().filter(|isa| isa.name() != "scalar")
}

fn dlrm(c: &mut Criterion) {
    for stored in [Stored::Int8, Stored::F32] {
        let pack = network::dlrm(stored);
        let artifact = Artifact::parse(&pack).expect("a pack");
        for isa in isas() {
            let mut group = c.benchmark_group(format!("dlrm-{}/{isa}", stored.name()));
            for batch in [1, 8, 128] {
                let capacity = Capacity { tokens: 1, texts: 1, candidates: batch as usize };
                let mut session = Session::with_isa(&artifact, capacity, isa).expect("a session");
                let mut requests = Dlrm::new(20_000 / batch as usize, batch);
                group.throughput(Throughput::Elements(u64::from(batch)));
                group.bench_function(BenchmarkId::from_parameter(batch), |bencher| {
                    bencher.iter(|| requests.next(|request| session.score(request).expect("a sound request")[0]));
                });
            }
            group.finish();
        }
    }
}

fn sasrec(c: &mut Criterion) {
    for stored in [Stored::Int8, Stored::F32] {
        let pack = network::sasrec(stored);
        let artifact = Artifact::parse(&pack).expect("a pack");
        let ids = |seed, count: u32| -> Vec<u32> {
            network::weights(seed, count as usize, 1.0).map(|x| ((x + 1.0) * 0.49 * ITEMS as f32) as u32).collect()
        };
        let (items, candidates) = (ids(92, SESSION), ids(93, CANDIDATES));
        let with = |ids| Columns { numbers: &[], ids };
        let request = Request {
            session: with(&items),
            starts: &[0, SESSION],
            candidate: with(&candidates),
            candidates: &[0, CANDIDATES],
            ..Request::default()
        };
        for isa in isas() {
            let capacity = Capacity { tokens: SESSION as usize, texts: 1, candidates: CANDIDATES as usize };
            let mut session = Session::with_isa(&artifact, capacity, isa).expect("a session");
            c.bench_function(&format!("sasrec-{}/{isa}", stored.name()), |bencher| {
                bencher.iter(|| session.score(&request).expect("a sound request")[0]);
            });
        }
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .sample_size(30)
        .warm_up_time(std::time::Duration::from_millis(500))
        .measurement_time(std::time::Duration::from_secs(2));
    targets = sasrec, dlrm
}
criterion_main!(benches);
