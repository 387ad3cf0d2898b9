//! Registries that do not answer, or so slowly that nobody would wait. The limits are short; no test depends on how short.

use crate::model::{Stored, options, remote, version};
use crate::server::{Reply, Server};
use modeldeploy_registry::{Kind, Options, Shelf, fetch};
use std::net::TcpListener;
use std::time::Duration;

fn hasty() -> Options {
    let short = Duration::from_millis(150);
    Options { answer: short, pause: short, connect: Duration::from_secs(5), slowest: 1 << 20, ..options() }
}

#[test]
fn a_registry_that_says_nothing_is_given_up() {
    // It takes connections and never reads them.
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let host = listener.local_addr().expect("an address").to_string();
    let registry = modeldeploy_registry::Registry::Remote(Box::new(modeldeploy_registry::remote::Remote::with(
        &host,
        "models/encoder",
        hasty(),
        None,
    )));
    let error = registry.versions().expect_err("no answer");
    assert!(error.kind == Kind::Unreachable && error.message.contains("in time"), "{error}");
    drop(listener);
    let error = registry.versions().expect_err("no one there");
    assert!(error.kind == Kind::Unreachable && error.message.contains("cannot be reached"), "{error}");
}

#[test]
fn a_manifest_and_a_file_that_stop_in_the_middle_are_given_up() {
    for part in ["/manifests/", "/blobs/"] {
        let server = Stored::versions(&["1.0.0"]).but(move |request, mut reply| {
            if request.path.contains(part) {
                reply.stall = Some(1);
            }
            reply
        });
        let registry = remote(&server, hasty());
        let store = tempfile::tempdir().expect("a temporary folder");
        let fetched = registry.facts(&version()).and_then(|(facts, digest)| {
            fetch(&registry, &facts, &digest, &Shelf::new(store.path()), &hasty(), &|_, _| {})
        });
        let error = fetched.expect_err("no more comes");
        assert_eq!(error.kind, Kind::Unreachable, "{part}: {error}");
    }
}

#[test]
fn a_registry_that_is_busy_says_so() {
    for status in [429, 500, 503] {
        let server = Server::start(move |_| Reply::new(status, ""));
        let error = remote(&server, options()).versions().expect_err("busy");
        assert!(error.kind == Kind::Unreachable && error.message.contains(&status.to_string()), "{error}");
    }
}
