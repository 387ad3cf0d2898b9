//! Any bytes as an index: refused, or every row and id can be read.

#![no_main]

use libfuzzer_sys::fuzz_target;
use modeldeploy_format::index::Vectors;
use modeldeploy_format::pack::Aligned;

fuzz_target!(|bytes: &[u8]| {
    let bytes = Aligned::copy(bytes);
    let Ok(vectors) = Vectors::parse(&bytes) else { return };
    for row in 0..vectors.rows() {
        assert_eq!(vectors.vector(row).len(), vectors.width());
        vectors.id(row);
    }
});
