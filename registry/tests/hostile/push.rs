//! Publishing to a registry that takes what the specification has it take, and to some that do not.

use crate::model::{FILES, Stored, facts, options};
use crate::server::{Reply, Request, Server};
use modeldeploy_format::Digest;
use modeldeploy_registry::remote::Remote;
use modeldeploy_registry::{Error, Kind, Publication, Registry, Shelf, Wish, fetch, publish, resolve};
use semver::VersionReq;
use std::sync::{Arc, Mutex};

/// Takes blobs whose digest is right, and manifests.
fn take(stored: &Mutex<Stored>, request: &Request) -> Reply {
    let mut stored = stored.lock().expect("no thread panics with it");
    let rest = request.path.strip_prefix("/v2/models/encoder/").unwrap_or_default();
    match (request.method.as_str(), rest) {
        ("POST", "blobs/uploads/") => {
            Reply::new(202, "").with("location", "/v2/models/encoder/blobs/uploads/1?state=a")
        }
        ("PUT", rest) if rest.starts_with("blobs/uploads/1?state=a&digest=") => {
            let digest = rest.rsplit('=').next().unwrap_or_default().replace("%3A", ":");
            if Digest::of(&request.body).to_string() != digest {
                return Reply::new(400, "");
            }
            stored.blobs.insert(digest, request.body.clone());
            Reply::new(201, "")
        }
        ("PUT", rest) => match rest.strip_prefix("manifests/") {
            Some(tag) => {
                stored.tags.insert(tag.to_owned(), request.body.clone());
                Reply::new(201, "")
            }
            None => Reply::new(405, ""),
        },
        ("GET", "tags/list?n=1000") if stored.tags.is_empty() => Reply::new(404, ""),
        _ => stored.answer(request),
    }
}

fn published(server: &Server) -> Result<Publication, Error> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (path, text) in FILES {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        std::fs::write(path, text).expect("a file");
    }
    publish(&registry(server), facts("1.0.0"), folder.path(), false, &|_| {})
}

fn registry(server: &Server) -> Registry {
    Registry::Remote(Box::new(Remote::with(&server.host, "models/encoder", options(), None)))
}

#[test]
fn what_is_pushed_is_fetched_again_and_yanked() {
    let stored = Arc::new(Mutex::new(Stored::default()));
    let server = Server::start(move |request| take(&stored, request));
    published(&server).expect("published");
    assert!(published(&server).expect("the same").known);
    let (registry, any) = (registry(&server), VersionReq::STAR);
    let resolved = resolve(&registry, &Wish::Newest(&any)).expect("a version");
    let store = tempfile::tempdir().expect("a temporary folder");
    fetch(&registry, &resolved.facts, &resolved.digest, &Shelf::new(store.path()), &options(), &|_, _| {})
        .expect("fetched");
    registry.yank(&resolved.facts.version, Some("it leaks")).expect("yanked");
    let error = resolve(&registry, &Wish::Newest(&any)).expect_err("yanked");
    assert!(error.kind == Kind::Yanked && error.message.contains("it leaks"), "{error}");
    registry.yank(&resolved.facts.version, None).expect("taken back");
    resolve(&registry, &Wish::Newest(&any)).expect("a version");
}

#[test]
fn files_are_not_sent_where_the_registry_should_not_want_them() {
    let other = Server::start(|_| Reply::new(201, ""));
    let to = format!("http://{}/take", other.host);
    let server = Server::start(move |request| match request.method.as_str() {
        "POST" => Reply::new(202, "").with("location", to.clone()),
        _ => Reply::new(404, ""),
    });
    let error = published(&server).expect_err("another host");
    assert!(error.kind == Kind::Lie && error.message.contains("sent to another host"), "{error}");
    assert!(other.seen().is_empty());
}

#[test]
fn a_registry_that_takes_no_artifacts_says_why() {
    let stored = Arc::new(Mutex::new(Stored::default()));
    let server = Server::start(move |request| match request.path.as_str() {
        "/v2/models/encoder/manifests/1.0.0" if request.method == "PUT" => {
            Reply::new(400, "{\"errors\": \"no\x1b such type\"}")
        }
        _ => take(&stored, request),
    });
    let error = published(&server).expect_err("not taken");
    assert!(error.kind == Kind::Unpublishable && error.message.contains("no such type"), "{error}");
    for (status, kind) in [(403, Kind::Credentials), (503, Kind::Unreachable)] {
        let server = Server::start(move |request| Reply::new(if request.method == "POST" { status } else { 404 }, ""));
        assert_eq!(published(&server).expect_err("not taken").kind, kind);
    }
}
