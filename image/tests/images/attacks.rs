//! The fuzz target's attacks, each as an archive of an image and as a layer of one: none is believed that should not be, and none costs.

use crate::forge::{Forged, archive, gzip};
use modeldeploy_image::read::{Limits, open_archive};
use std::fs;
use std::io::Cursor;
use std::path::Path;

const LIMITS: Limits =
    Limits { document: 1 << 16, layers: 8, entries: 2000, names: 1 << 18, unpacked: 4 << 20, program: 1 << 20 };

/// Those in which a program is found all the same: the right one, as every unpacker leaves it.
const HARMLESS: [&str; 7] = [
    "deep_folders",
    "entrypoint_up",
    "long_name",
    "name_in_a_comment",
    "one_block_of_zeros",
    "opaque_root",
    "packs_in_the_root",
];

#[test]
fn no_attack_brings_another_program_in() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/attacks/image");
    let mut believed = vec![];
    for entry in fs::read_dir(folder).expect("attacks").map(|entry| entry.expect("an entry")) {
        let name = entry.file_name().to_string_lossy().into_owned();
        let bytes = fs::read(entry.path()).expect("an attack");
        let layer = Forged::of_archives(vec![bytes.clone()]);
        let mut packed = layer.clone();
        packed.layers[0] = gzip(&bytes);
        for archive in [bytes, archive(&layer.layout()), archive(&packed.docker())] {
            if let Ok(found) = open_archive(Cursor::new(archive), LIMITS) {
                assert_eq!((found.program.as_slice(), found.path.as_str()), (&b"good"[..], "/shop"), "{name}");
                believed.push(name.clone());
            }
        }
    }
    believed.sort();
    believed.dedup();
    assert_eq!(believed, HARMLESS);
}
