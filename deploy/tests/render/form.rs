//! The form of every variant, as a reader sees it. Whether it is right, the other tests and the validators of `.ci/deploy` say.

use crate::variants::{all, rendered};

#[test]
fn every_variant_looks_as_it_did() {
    for (name, target, settings) in all() {
        let rendering = rendered(target, &settings);
        let files: Vec<String> =
            rendering.files.iter().map(|file| format!("=== {}\n{}", file.name, file.text)).collect();
        let notes: Vec<String> = rendering.notes.iter().map(|note| format!("note: {note}\n")).collect();
        insta::assert_snapshot!(name, files.concat() + &notes.concat());
    }
}

#[test]
fn the_same_input_gives_the_same_bytes() {
    for (name, target, settings) in all() {
        assert_eq!(rendered(target, &settings), rendered(target, &settings), "{name}");
    }
}
