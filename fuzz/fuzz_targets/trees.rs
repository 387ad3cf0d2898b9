//! Any bytes as a file of trees, of whatever format, and as a forest: an error, or trees that give the same bits packed and walked.

#![no_main]

use libfuzzer_sys::fuzz_target;
use modeldeploy::isa::Isa;
use modeldeploy::kernels::{ForestScratch, forest};
use modeldeploy_compiler::trees::{self, Ensemble, Link};
use modeldeploy_format::forest::Forest;
use modeldeploy_format::pack::Aligned;

/// Rows and outputs of this many values together are enough to find a difference, and quick.
const MOST: usize = 1 << 12;

fuzz_target!(|bytes: &[u8]| {
    let aligned = Aligned::copy(bytes);
    if let Ok(packed) = Forest::parse(&aligned)
        && packed.features() + packed.outputs() + packed.columns() < MOST
    {
        let mut out = vec![0.0; packed.outputs()];
        forest(Isa::SCALAR, &packed, &vec![f64::NAN; packed.features()], &mut out, &mut ForestScratch::new(&packed));
    }
    let Ok(ensemble) = trees::read("a model", bytes) else { return };
    if ensemble.features.len() + ensemble.outputs() > MOST {
        return;
    }
    let ensemble = Ensemble { link: Link::Identity, ..ensemble };
    let packed = trees::pack(&ensemble, "a model").expect("small trees");
    let packed = Forest::parse(&packed).expect("what the compiler writes can be read");
    let rows = trees::probes(&ensemble, 5);
    let expected: Vec<u64> = rows.iter().flat_map(|row| ensemble.raw(row)).map(f64::to_bits).collect();
    let mut out = vec![0.0; expected.len()];
    forest(Isa::detect(), &packed, &rows.concat(), &mut out, &mut ForestScratch::new(&packed));
    assert!(out.iter().zip(&expected).all(|(got, &expected)| got.to_bits() == expected || got.is_nan()));
});
