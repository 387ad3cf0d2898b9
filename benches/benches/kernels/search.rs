//! Exact search: all vectors of an index read for one query, beside the reading of as many bytes.

use modeldeploy::index::search;
use modeldeploy::isa::Isa;
use modeldeploy::kernels::{Hit, topk};
use modeldeploy_benches::machine::Work;
use modeldeploy_benches::part::Parts;
use modeldeploy_format::Digest;
use modeldeploy_format::index::{Codes, Values, Vectors, write};
use modeldeploy_format::pack::Aligned;

use crate::{noise, noise_i8};

const WIDTH: usize = 384;
const BEST: usize = 100;

/// On one instruction set.
pub(crate) fn all(parts: &mut Parts, isa: Isa) {
    let query = noise(WIDTH);
    // The reference takes long, and the larger index says no more of it.
    let sizes: &[usize] = if isa == Isa::SCALAR { &[1_024] } else { &[1_024, 10_000, 100_000] };
    for &rows in sizes {
        let scores = noise(rows);
        let mut best = vec![Hit::default(); BEST];
        parts.bench("search", isa, &format!("topk/{rows}"), Work::Read(4 * rows as u64), || topk(&scores, &mut best));

        let ids: Vec<String> = (0..rows).map(|row| row.to_string()).collect();
        let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
        let index = |values| Aligned::copy(&write(&Digest::from_bytes([0; 32]), WIDTH as u32, &ids, values));
        let (codes, values) = (noise_i8(rows * WIDTH), noise(rows * WIDTH));
        let (scales, sums) = (vec![0.001; rows], vec![0; rows]);
        let int8 = index(Values::Int8(Codes { panels: &codes, scales: &scales, sums: &sums }));
        let float = index(Values::F32(&values));
        for (kind, bytes, index) in [("int8", 1, int8), ("f32", 4, float)] {
            let vectors = Vectors::parse(&index).expect("an index");
            let work = Work::Read((bytes * rows * WIDTH) as u64);
            parts.bench("search", isa, &format!("{kind}/{rows}x{WIDTH}"), work, || {
                search(isa, &vectors, &query, &mut best)
            });
        }
    }
}
