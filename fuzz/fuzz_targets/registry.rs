//! Any bytes as what a registry or a hub may send, or a user may write: references, manifests, indexes of folders, challenges,
//! descriptions of revisions. The first byte says which.

#![no_main]

use libfuzzer_sys::fuzz_target;
use modeldeploy_registry::artifact::{Artifact, Facts, parse};
use modeldeploy_registry::{Source, check_index, hub, remote};
use semver::Version;
use std::path::{Component, Path};

fuzz_target!(|bytes: &[u8]| {
    let Some((&kind, rest)) = bytes.split_first() else { return };
    let text = std::str::from_utf8(rest);
    match kind {
        b'm' => {
            let version = Version::new(1, 2, 0);
            if let Ok(facts) = parse(rest, "encoder", &version) {
                for file in &facts.files {
                    let inside = |part| matches!(part, Component::Normal(_));
                    assert!(Path::new(&file.path).components().all(inside), "{:?} leads out of a folder", file.path);
                }
                assert!(facts.files.windows(2).all(|pair| pair[0].path < pair[1].path));
                // What was believed is what is written again.
                let again: Facts = parse(&Artifact::of(&facts).manifest, "encoder", &version).expect("our own manifest");
                assert_eq!(again, facts);
            }
        }
        b'i' => drop(check_index(rest)),
        b'h' => drop(hub::check_info(rest)),
        b'c' => drop(text.map(remote::challenge)),
        _ => {
            if let Ok(text) = text
                && let Ok(Source::Registry(reference)) = Source::parse(text, Path::new("/shop"), "oci://example.com/models")
            {
                // What is shown of it means the same.
                let shown = format!("{}@{}", reference.home, reference.range);
                let again = Source::parse(&shown, Path::new("/shop"), "oci://example.com/models");
                assert_eq!(again.map_err(|error| error.to_string()), Ok(Source::Registry(reference)), "{shown}");
            }
        }
    }
});
