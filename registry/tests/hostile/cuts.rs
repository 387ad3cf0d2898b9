//! Transfers that are cut off at every byte, of the whole or of a part.

use crate::model::{FILES, Stored, options, remote, version};
use crate::server::Server;
use modeldeploy_format::Digest;
use modeldeploy_registry::{Error, Kind, Options, Pin, Shelf, fetch, tree_digest};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Mutex;

fn fetched(server: &Server, store: &Path, options: &Options) -> Result<Pin, Error> {
    let registry = remote(server, *options);
    let (facts, digest) = registry.facts(&version())?;
    fetch(&registry, &facts, &digest, &Shelf::new(store), options, &|_, _| {})
}

/// Whatever happened, nothing lies under a digest that it has not, and a model's folder is whole or not there.
#[track_caller]
fn nothing_is_corrupt(store: &Path) {
    let mut folders = vec![store.join("sha256"), store.join("sources")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).into_iter().flatten().map(|entry| entry.expect("an entry")) {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if let Some(hex) = path.file_name().and_then(|name| name.to_str()?.strip_suffix(".file")) {
                let bytes = std::fs::read(&path).expect("a file");
                assert_eq!(Digest::of(&bytes).hex(), hex, "{} is corrupt", path.display());
            }
        }
    }
    let tree = store.join("sources").join(tree_digest(&crate::model::facts("1.0.0").files).hex());
    if tree.exists() {
        for (path, text) in FILES {
            assert_eq!(std::fs::read_to_string(tree.join(path)).expect(path), text);
        }
    }
}

#[test]
fn a_model_comes_whole_from_a_registry_that_does_as_it_should() {
    let store = tempfile::tempdir().expect("a temporary folder");
    let server = Stored::versions(&["1.0.0"]).serve();
    let pin = fetched(&server, store.path(), &options()).expect("fetched");
    assert_eq!(pin.version.as_deref(), Some("1.0.0"));
    nothing_is_corrupt(store.path());
    let folder = Shelf::new(store.path()).folder(&pin.tree);
    assert!(folder.join("model.safetensors").is_file());
    // What is there is not fetched again.
    let before = server.seen().len();
    fetched(&server, store.path(), &options()).expect("fetched");
    assert_eq!(server.seen().len(), before + 1, "only the manifest");
}

#[test]
fn a_transfer_cut_at_any_byte_is_taken_up_again() {
    let longest = FILES.iter().map(|(_, text)| text.len()).max().expect("files");
    for ranges in [true, false] {
        for cut in 0..longest {
            let store = tempfile::tempdir().expect("a temporary folder");
            // The first two answers to each file break off.
            let asked: Mutex<BTreeMap<String, usize>> = Mutex::default();
            let server = Stored::versions(&["1.0.0"]).but(move |request, mut reply| {
                if request.path.contains("/blobs/") {
                    let mut asked = asked.lock().expect("no thread panics with it");
                    let count = asked.entry(request.path.clone()).or_default();
                    *count += 1;
                    if !ranges && reply.status == 206 {
                        let whole = crate::server::Request { headers: Default::default(), ..request.clone() };
                        reply = Stored::versions(&["1.0.0"]).answer(&whole);
                    }
                    if *count <= 2 {
                        reply.cut = Some(cut);
                    }
                }
                reply
            });
            let mut runs = 0;
            while let Err(error) = fetched(&server, store.path(), &Options { tries: 1, ..options() }) {
                assert_eq!(error.kind, Kind::Unreachable, "cut at {cut}: {error}");
                nothing_is_corrupt(store.path());
                runs += 1;
                assert!(runs < 20, "cut at {cut}: it does not get on");
            }
            nothing_is_corrupt(store.path());
            assert!(runs > 0, "nothing was cut at {cut}");
        }
    }
}

#[test]
fn a_manifest_cut_at_any_byte_is_no_manifest() {
    let length = Stored::versions(&["1.0.0"]).tags["1.0.0"].len();
    // Every byte would be a thousand connections; these meet each kind of token.
    for cut in (0..length).step_by(37) {
        let store = tempfile::tempdir().expect("a temporary folder");
        let server = Stored::versions(&["1.0.0"]).but(move |request, mut reply| {
            if request.path.contains("/manifests/") {
                reply.cut = Some(cut);
            }
            reply
        });
        let error = fetched(&server, store.path(), &options()).expect_err("a cut manifest");
        assert!(matches!(error.kind, Kind::Unreachable | Kind::Lie), "cut at {cut}: {error}");
        nothing_is_corrupt(store.path());
    }
}
