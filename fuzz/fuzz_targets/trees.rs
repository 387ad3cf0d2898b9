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

/// Rows that are walked one by one, that are a block of each size but for some, and that are more than a block.
const COUNTS: [usize; 4] = [5, 7, 33, 130];

fuzz_target!(|bytes: &[u8]| {
    let aligned = Aligned::copy(bytes);
    if let Ok(packed) = Forest::parse(&aligned)
        && packed.features() + packed.outputs() + packed.columns() < MOST
    {
        let mut out = vec![0.0; packed.outputs()];
        forest(Isa::SCALAR, &packed, &vec![f64::NAN; packed.features()], &mut out, &mut ForestScratch::new(&packed));
    }
    let read = trees::read("a model", bytes).or_else(|_| trees::read_onnx("a model", bytes.to_vec()));
    let Ok(ensemble) = read else { return };
    if ensemble.features.len() + ensemble.outputs() > MOST {
        return;
    }
    let ensemble = Ensemble { link: Link::Identity, ..ensemble };
    let packed = trees::pack(&ensemble, "a model").expect("small trees");
    let packed = Forest::parse(&packed).expect("what the compiler writes can be read");
    let rows = trees::probes(&ensemble, COUNTS[COUNTS.len() - 1]);
    let expected: Vec<f64> = rows.iter().flat_map(|row| ensemble.raw(row)).collect();
    let mut scratch = ForestScratch::new(&packed);
    for isa in [Isa::SCALAR, Isa::detect()] {
        for count in COUNTS {
            let mut out = vec![0.0; count * packed.outputs()];
            forest(isa, &packed, &rows[..count].concat(), &mut out, &mut scratch);
            let same = |(got, expected): (&f64, &f64)| {
                got.to_bits() == expected.to_bits() || got.is_nan() && expected.is_nan()
            };
            assert!(out.iter().zip(&expected).all(same), "{count} rows on {isa}");
        }
    }
});
