//! Digests, sizes, types and addresses that are not what they must be.

use crate::model::{FILES, Stored, facts, options, remote, version};
use crate::server::{Reply, Request, Server};
use modeldeploy_format::Digest;
use modeldeploy_registry::artifact::Artifact;
use modeldeploy_registry::credentials::Credentials;
use modeldeploy_registry::remote::Remote;
use modeldeploy_registry::{Error, Kind, Registry, Shelf, Wish, fetch, fetch_listed, resolve};
use semver::VersionReq;

fn fetched(registry: &Registry) -> Result<(), Error> {
    let store = tempfile::tempdir().expect("a temporary folder");
    let shelf = Shelf::new(store.path());
    let done = registry
        .facts(&version())
        .and_then(|(facts, digest)| fetch(registry, &facts, &digest, &shelf, &options(), &|_, _| {}).map(drop));
    if done.is_err() {
        for (_, text) in FILES {
            let path = shelf.file(&Digest::of(text.as_bytes()));
            assert!(!path.exists() || std::fs::read_to_string(path).expect("a file") == text);
        }
        let folders = std::fs::read_dir(store.path().join("sources")).map_or(0, Iterator::count);
        assert_eq!(folders, 0, "a folder is there of a model that could not be fetched");
    }
    done
}

#[track_caller]
fn check(what: &str, kind: Kind, said: &str, change: impl Fn(&Request, Reply) -> Reply + Send + Sync + 'static) {
    let server = Stored::versions(&["1.0.0"]).but(change);
    let error = fetched(&remote(&server, options())).expect_err(what);
    assert!(error.kind == kind && error.message.contains(said), "{what}: {error:?}");
    assert!(error.place.is_some(), "{what}: it does not say where: {error:?}");
}

fn is_blob(request: &Request) -> bool {
    request.path.contains("/blobs/")
}

fn is_manifest(request: &Request) -> bool {
    request.path.contains("/manifests/")
}

#[test]
fn bytes_that_are_not_those_of_the_digest_are_refused() {
    check("other bytes of the same length", Kind::Lie, "not those that its digest promises", |request, mut reply| {
        if is_blob(request) {
            reply.body.reverse();
            reply.body.iter_mut().for_each(|byte| *byte ^= 1);
        }
        reply
    });
    check(
        "another manifest than its header says",
        Kind::Lie,
        "not those that its digest promises",
        |request, reply| {
            if is_manifest(request) {
                return Reply::new(200, reply.body).with("docker-content-digest", Digest::of(b"other").to_string());
            }
            reply
        },
    );
}

#[test]
fn a_manifest_by_its_digest_is_proved_whatever_the_header_says() {
    let other = Artifact::of(&facts("1.0.1")).manifest;
    let server = Stored::versions(&["1.0.0"]).but(move |request, reply| {
        if request.path.contains("/manifests/sha256:") {
            let asked = request.path.rsplit('/').next().expect("a digest").to_owned();
            return Reply::new(200, other.clone()).with("docker-content-digest", asked);
        }
        reply
    });
    let registry = remote(&server, options());
    let store = tempfile::tempdir().expect("a temporary folder");
    let shelf = Shelf::new(store.path());
    let (facts, digest) = registry.facts(&version()).expect("facts");
    let pin = fetch(&registry, &facts, &digest, &shelf, &options(), &|_, _| {}).expect("fetched");
    let error = fetch_listed(&registry, &pin, &shelf, &options(), &|_, _| {}).expect_err("another manifest");
    assert_eq!(error.kind, Kind::Lie, "{error}");
}

#[test]
fn sizes_that_are_not_true_are_refused() {
    check("a length that is not the manifest's", Kind::Lie, "is said to have", |request, mut reply| {
        if is_blob(request) {
            reply.body.push(b' ');
        }
        reply
    });
    check("more bytes than any length says", Kind::Lie, "more bytes than", |request, mut reply| {
        if is_blob(request) {
            reply.body.extend([b' '; 100]);
            let chunk = format!("{:x}\r\n", reply.body.len());
            reply.body = [chunk.as_bytes(), &reply.body, b"\r\n0\r\n\r\n"].concat();
            // No length at all.
            return Reply::new(200, reply.body).with("transfer-encoding", "chunked");
        }
        reply
    });
    check("a manifest without an end", Kind::Lie, "more than 65536 bytes", |request, reply| {
        if is_manifest(request) { Reply::new(200, vec![b' '; 1 << 20]) } else { reply }
    });
    check("a part that was not asked for", Kind::Lie, "another part of the file", |request, reply| {
        if is_blob(request) {
            return Reply::new(206, reply.body).with("content-range", "bytes 7-9/10");
        }
        reply
    });
}

#[test]
fn types_that_are_not_a_models_are_refused() {
    for (old, new, said) in [
        ("application/vnd.cncf.model.config.v1+json", "application/vnd.oci.image.config.v1+json", "it is no model"),
        ("image.manifest.v1+json", "image.index.v1+json", "no OCI manifest"),
        ("model.weight.v1.raw", "model.weight.v1.tar+gzip", "only files as they are"),
        ("filepath\":\"model.safetensors", "filepath\":\"../../.bashrc", "not within a model's folder"),
    ] {
        check(new, Kind::Lie, said, move |request, reply| {
            if !is_manifest(request) {
                return reply;
            }
            let text = String::from_utf8(reply.body).expect("JSON");
            assert!(text.contains(old), "{old} is not in {text}");
            Reply::new(200, text.replacen(old, new, 1))
        });
    }
}

#[test]
fn what_decides_is_not_redirected_to_another_host_and_files_are_without_credentials() {
    let other = Stored::versions(&["1.0.0"]).serve();
    let elsewhere = other.host.clone();
    let to = elsewhere.clone();
    check("a manifest elsewhere", Kind::Lie, "redirects to another host", move |request, reply| {
        if is_manifest(request) { Reply::redirect(format!("http://{to}{}", request.path)) } else { reply }
    });
    assert!(other.seen().is_empty(), "the other host was asked");
    check("a file elsewhere, not by HTTPS", Kind::Lie, "which is not HTTPS", |request, reply| {
        let to = "http://registry.invalid/file";
        if is_blob(request) { Reply::redirect(to) } else { reply }
    });
    check("a redirect to nowhere", Kind::Lie, "no address that can be read", |request, reply| {
        if is_blob(request) { Reply::redirect("file:///etc/passwd") } else { reply }
    });
    check("a redirect in circles", Kind::Lie, "in circles", |request, reply| {
        if is_blob(request) { Reply::redirect(request.path.clone()) } else { reply }
    });

    // On this machine, where the registry is too, files may come from another port; whoever asks is not shown there.
    let to = elsewhere.clone();
    let server = Stored::versions(&["1.0.0"]).but(move |request, reply| {
        if !request.headers.contains_key("authorization") {
            return Reply::new(401, "").with("www-authenticate", "Basic realm=\"r\"");
        }
        if is_blob(request) { Reply::redirect(format!("http://{to}{}", request.path)) } else { reply }
    });
    let ada = Credentials::Password { user: "ada".into(), password: "secret".into() };
    let registry = Registry::Remote(Box::new(Remote::with(&server.host, "models/encoder", options(), Some(ada))));
    fetched(&registry).expect("fetched");
    assert_eq!(other.seen().len(), FILES.len());
    assert!(other.seen().iter().all(|request| !request.headers.contains_key("authorization")), "{:?}", other.seen());
    assert!(
        server
            .seen()
            .iter()
            .any(|request| request.headers.get("authorization").is_some_and(|it| it == "Basic YWRhOnNlY3JldA=="))
    );
}

#[test]
fn credentials_are_not_sent_to_a_token_server_over_plain_http() {
    let server =
        Server::start(|_| Reply::new(401, "").with("www-authenticate", "Bearer realm=\"http://tokens.invalid/\""));
    let ada = Credentials::Password { user: "ada".into(), password: "secret".into() };
    let registry = Registry::Remote(Box::new(Remote::with(&server.host, "models/encoder", options(), Some(ada))));
    let error = registry.versions().expect_err("no token");
    assert!(error.kind == Kind::Lie && error.message.contains("not HTTPS"), "{error}");
}

#[test]
fn lists_end_and_stay_on_their_host() {
    for (link, said) in [
        ("</v2/models/encoder/tags/list?again>; rel=\"next\"", "does not end"),
        ("<http://registry.invalid/v2/models/encoder/tags/list>; rel=\"next\"", "goes on at another host"),
    ] {
        let server = Stored::versions(&["1.0.0"]).but(move |request, reply| {
            if request.path.contains("tags/list") { reply.with("link", link) } else { reply }
        });
        let error = remote(&server, options()).versions().expect_err(link);
        assert!(error.kind == Kind::Lie && error.message.contains(said), "{link}: {error}");
    }
    let server = Server::start(|_| Reply::new(200, "{\"tags\": 7}"));
    assert_eq!(remote(&server, options()).versions().expect_err("no list").kind, Kind::Lie);
    let server = Server::start(|_| Reply::new(200, "{\"tags\": null}"));
    assert_eq!(remote(&server, options()).versions().expect("no tags").len(), 0);
}

#[test]
fn a_version_is_what_it_was_asked_for_as() {
    let server = Stored::versions(&["1.0.0"]).but(|request, reply| {
        if request.path.ends_with("/manifests/1.0.0") {
            return Reply::new(200, Artifact::of(&facts("0.9.0")).manifest);
        }
        reply
    });
    let any = VersionReq::STAR;
    let error = resolve(&remote(&server, options()), &Wish::Newest(&any)).expect_err("another version");
    assert!(error.message.contains("it says that it is version `0.9.0`"), "{error}");
}
