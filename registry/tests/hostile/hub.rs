//! The Hub as it answers: a description of a revision, small files at once, large ones from another host.

use crate::model::{options, part};
use crate::server::{Reply, Request, Server};
use modeldeploy_format::Digest;
use modeldeploy_registry::hub::Hub;
use modeldeploy_registry::{Error, Kind, Pin, Shelf};
use serde_json::json;

const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";
const WEIGHTS: &[u8] = b"these are the weights";
/// `printf '{}' | git hash-object --stdin`
const CONFIG_ID: &str = "9e26dfeeb6e641a33dae4961196235bdb965b21b";

fn info() -> Reply {
    let sha256 = Digest::of(WEIGHTS).hex();
    let body = json!({"id": "a/b", "sha": COMMIT, "siblings": [
        {"rfilename": ".gitattributes", "size": 7, "blobId": CONFIG_ID},
        {"rfilename": "1_Pooling/config.json", "size": 2, "blobId": CONFIG_ID},
        {"rfilename": "config.json", "size": 2, "blobId": CONFIG_ID},
        {"rfilename": "model.safetensors", "size": WEIGHTS.len(), "blobId": CONFIG_ID,
         "lfs": {"sha256": sha256, "size": WEIGHTS.len(), "pointerSize": 134}},
        {"rfilename": "pytorch_model.bin", "size": 99, "blobId": CONFIG_ID},
    ]});
    Reply::new(200, body.to_string())
}

/// Both hosts in one: files of Git LFS come by a redirect.
fn answer(request: &Request) -> Reply {
    let path = request.path.as_str();
    match path {
        "/api/models/a/b/revision/main?blobs=true" | "/api/models/a/b/revision/refs%2Fpr%2F1?blobs=true" => info(),
        "/bytes" => part(request, WEIGHTS),
        _ => match path.strip_prefix(&format!("/a/b/resolve/{COMMIT}/")) {
            Some("model.safetensors") => Reply::redirect("/bytes"),
            Some("config.json" | "1_Pooling/config.json") => part(request, b"{}"),
            _ => Reply::new(404, ""),
        },
    }
}

fn fetched(hub: &Hub, revision: &str, store: &std::path::Path) -> Result<Pin, Error> {
    hub.fetch("a/b", revision, &Shelf::new(store), &options(), &|_, _| {})
}

#[test]
fn a_revision_becomes_a_commit_and_its_files_are_proved() {
    let server = Server::start(answer);
    let hub = Hub::new(&format!("http://{}/", server.host), Some("secret".into()));
    for revision in ["main", "refs/pr/1"] {
        let store = tempfile::tempdir().expect("a temporary folder");
        let pin = fetched(&hub, revision, store.path()).expect(revision);
        assert_eq!((pin.revision.as_str(), pin.version), (COMMIT, None));
        let folder = Shelf::new(store.path()).folder(&pin.tree);
        assert_eq!(std::fs::read(folder.join("model.safetensors")).expect("weights"), WEIGHTS);
        assert_eq!(std::fs::read(folder.join("1_Pooling/config.json")).expect("a file"), b"{}");
        assert!(!folder.join("pytorch_model.bin").exists() && !folder.join(".gitattributes").exists());
    }
    let with_token = |request: &Request| request.headers.get("authorization").is_some_and(|it| it == "Bearer secret");
    assert!(server.seen().iter().all(with_token), "{:?}", server.seen());
}

#[test]
fn large_files_from_another_host_come_without_the_token() {
    let store = tempfile::tempdir().expect("a temporary folder");
    let other = Server::start(|request| part(request, WEIGHTS));
    let to = format!("http://{}/bytes", other.host);
    let server = Server::start(move |request| {
        if request.path.ends_with("model.safetensors") { Reply::redirect(to.clone()) } else { answer(request) }
    });
    let hub = Hub::new(&format!("http://{}", server.host), Some("secret".into()));
    fetched(&hub, "main", store.path()).expect("fetched");
    assert!(
        !other.seen().is_empty() && other.seen().iter().all(|request| !request.headers.contains_key("authorization"))
    );
}

#[test]
fn files_that_are_others_than_the_hub_says_are_refused() {
    for (path, bytes) in
        [("config.json", &b"[]"[..]), ("model.safetensors", b"these are the Weights"), ("config.json", b"{ }")]
    {
        let store = tempfile::tempdir().expect("a temporary folder");
        let server = Server::start(
            move |request| {
                if request.path.ends_with(path) { part(request, bytes) } else { answer(request) }
            },
        );
        let error = fetched(&Hub::new(&format!("http://{}", server.host), None), "main", store.path());
        let error = error.expect_err("another file");
        assert!(error.kind == Kind::Lie && error.place.is_some(), "{error:?}");
        assert_eq!(std::fs::read_dir(store.path().join("sources")).map_or(0, Iterator::count), 0);
    }
}

#[test]
fn what_is_not_there_or_not_open_says_so() {
    for (status, kind) in [(401, Kind::Credentials), (404, Kind::Absent), (503, Kind::Unreachable), (307, Kind::Lie)] {
        let store = tempfile::tempdir().expect("a temporary folder");
        let server = Server::start(move |_| Reply::new(status, "").with("location", "/elsewhere"));
        let error =
            fetched(&Hub::new(&format!("http://{}", server.host), None), "main", store.path()).expect_err("none");
        assert_eq!(error.kind, kind, "{status}: {error}");
    }
    let store = tempfile::tempdir().expect("a temporary folder");
    let error = fetched(&Hub::new("http://hub.invalid", Some("secret".into())), "main", store.path());
    assert_eq!(error.expect_err("a token over plain HTTP").kind, Kind::Credentials);
}

#[test]
fn a_description_without_an_end_is_refused() {
    let store = tempfile::tempdir().expect("a temporary folder");
    let server = Server::start(|_| Reply::new(200, vec![b' '; 1 << 20]));
    let error =
        fetched(&Hub::new(&format!("http://{}", server.host), None), "main", store.path()).expect_err("too long");
    assert!(error.kind == Kind::Lie && error.message.contains("more than a description"), "{error}");
}
