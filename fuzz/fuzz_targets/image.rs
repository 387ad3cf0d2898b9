//! Any bytes as an archive of an image, and as the only layer of one whose digests are right: refused, or a program is found.

#![no_main]

#[allow(dead_code, reason = "the tests put together more than a layer")]
#[path = "../../image/tests/images/forge.rs"]
mod forge;

use forge::{Forged, archive};
use libfuzzer_sys::fuzz_target;
use modeldeploy_image::read::{Limits, open_archive};
use std::io::Cursor;

const LIMITS: Limits =
    Limits { document: 1 << 16, layers: 8, entries: 2000, names: 1 << 18, unpacked: 4 << 20, program: 1 << 20 };

fn check(bytes: Vec<u8>) {
    if let Ok(found) = open_archive(Cursor::new(bytes), LIMITS) {
        assert!(found.program.len() as u64 <= LIMITS.program && found.layers <= LIMITS.layers);
        let paths = found.packs.iter().map(|pack| &pack.path).chain([&found.path]);
        assert!(paths.clone().all(|path| path.starts_with('/') && path.split('/').all(|part| part != "..")));
    }
}

fuzz_target!(|bytes: &[u8]| {
    check(bytes.to_vec());
    check(archive(&Forged::of_archives(vec![bytes.to_vec()]).layout()));
    let mut packed = Forged::of_archives(vec![bytes.to_vec()]);
    packed.layers[0] = forge::gzip(bytes);
    check(archive(&packed.docker()));
});
