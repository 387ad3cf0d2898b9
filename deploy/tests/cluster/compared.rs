//! Whether what runs is what is stated and locked.

use crate::applied::{LONG, applied, done, variant};
use crate::server::{Instead, Server};
use crate::variants::facts;
use axum::http::Method;
use modeldeploy_deploy::cluster::{Apply, Expected, Status, status};
use modeldeploy_deploy::facts::Model;
use modeldeploy_deploy::{Kind, Pinned, Problem, Target};
use modeldeploy_format::Digest;
use serde_json::json;

fn pinned(text: Option<&String>) -> Option<Pinned> {
    text.map(|text| Pinned::parse(text).expect("it is pinned"))
}

fn expected(name: &str, target: Target, models: Vec<Model>) -> Expected {
    let settings = variant(name).1;
    let canary = settings.canary.as_ref().and_then(|canary| canary.image.as_ref());
    Expected { name: "shop".into(), target, image: pinned(settings.image.as_ref()), canary: pinned(canary), models }
}

/// A server to which that was applied, and whose rollouts are done.
fn running(name: &str) -> Server {
    let server = Server::start();
    applied(&server, name, &Apply::default()).unwrap_or_else(|wrong| panic!("{wrong:#?}"));
    for object in
        variant(name).0.files.iter().flat_map(|file| &file.objects).filter(|object| object["kind"] == "Deployment")
    {
        let replicas = object["spec"]["replicas"].as_u64().unwrap_or(1);
        let status = done(u32::try_from(replicas).expect("few"), 1);
        server
            .edit("Deployment", object["metadata"]["name"].as_str().expect("a name"), |value| value["status"] = status);
    }
    server
}

fn ask(server: &Server, expected: &Expected) -> Result<Status, Vec<Problem>> {
    status(expected, &server.place(LONG))
}

#[test]
fn what_was_applied_agrees() {
    for (name, target, objects) in
        [("kubernetes-plain", Target::Kubernetes, 1), ("kubernetes-canary-replicas", Target::Kubernetes, 2)]
    {
        let found = ask(&running(name), &expected(name, target, facts().models)).expect("an answer");
        assert!(found.agrees() && found.done() && found.running.len() == objects, "{name}: {found:#?}");
        let newest = found.running.last().expect("one");
        assert_eq!((newest.models.len(), newest.models[0].name.as_str()), (2, "query-encoder"));
    }
    let server = running("kserve-plain");
    let mut of = expected("kserve-plain", Target::Kserve, facts().models);
    of.image = pinned(variant("kserve-plain").1.image.as_ref());
    let place = modeldeploy_deploy::cluster::Where { namespace: Some("search".into()), ..server.place(LONG) };
    let found = status(&of, &place).expect("an answer");
    assert!(found.agrees() && !found.done(), "{found:#?}");
}

#[test]
fn each_difference_is_told() {
    let models = |change: fn(&mut Vec<Model>)| {
        let mut models = facts().models;
        change(&mut models);
        expected("kubernetes-plain", Target::Kubernetes, models)
    };
    let image = |text: &str| Expected { image: Some(Pinned::parse(text).expect("pinned")), ..models(|_| {}) };
    let other = format!("registry.example/shop@{}", Digest::of(b"other"));
    let server = running("kubernetes-plain");
    for (of, said) in [
        (models(|models| models[0].digest = Digest::of(b"new")), "the model `query-encoder` inside is 1.2.0 sha256:"),
        (models(|models| models[0].name = "other".into()), "the model `other` 1.2.0 is locked, and not inside"),
        (models(|models| drop(models.pop())), "the model `re-ranker` 0.3.0 is inside, and not locked"),
        (image(&other), "runs, and sha256:"),
    ] {
        let found = ask(&server, &of).expect("an answer");
        assert!(
            !found.agrees() && found.running[0].differs.iter().any(|line| line.contains(said)),
            "{said}: {found:#?}"
        );
    }
    let container = "/spec/template/spec/containers/0/image";
    server
        .edit("Deployment", "shop", |value| *value.pointer_mut(container).expect("it is there") = "shop:latest".into());
    let found = ask(&server, &models(|_| {})).expect("an answer");
    assert!(found.running[0].differs[0].contains("`shop:latest` runs, which is not pinned"), "{found:#?}");
    for annotation in [Some("not JSON"), Some("[1]"), None] {
        server.edit("Deployment", "shop", |value| {
            let annotations = value["metadata"]["annotations"].as_object_mut().expect("annotations");
            annotations.remove("modeldeploy/models");
            annotations.extend(annotation.map(|text| ("modeldeploy/models".to_owned(), text.into())));
        });
        let differs = ask(&server, &models(|_| {})).map(|found| found.running[0].differs.clone());
        assert!(differs.is_ok_and(|lines| lines.iter().any(|line| line.contains("nothing says which models"))));
    }
}

#[test]
fn one_that_is_not_deployed_is_none() {
    let found = ask(&Server::start(), &expected("kubernetes-plain", Target::Kubernetes, vec![])).expect("an answer");
    assert_eq!(found.running, []);
}

#[test]
fn the_image_before_is_that_of_the_newest_other_revision() {
    let server = running("kubernetes-plain");
    let now = variant("kubernetes-plain").1.image.expect("an image");
    let set = |name: &str, revision: &str, image: &str, owner: &str| {
        json!({
            "metadata": {
                "namespace": "default", "name": name,
                "labels": {"app.kubernetes.io/instance": "shop"},
                "annotations": {"deployment.kubernetes.io/revision": revision},
                "ownerReferences": [{"apiVersion": "apps/v1", "kind": "Deployment", "name": "shop", "uid": owner}],
            },
            "spec": {"selector": {}, "template": {"spec": {"containers": [{"name": "service", "image": image}]}}},
        })
    };
    for (name, revision, image, owner) in [
        ("a", "2", "old@2", "uid-1"),
        ("b", "10", "old@10", "uid-1"),
        ("c", "11", now.as_str(), "uid-1"),
        ("d", "12", "other", "uid-2"),
        ("e", "x", "odd", "uid-1"),
    ] {
        server.put("apps/v1", "ReplicaSet", set(name, revision, image, owner));
    }
    let of = expected("kubernetes-plain", Target::Kubernetes, facts().models);
    let found = ask(&server, &of).expect("an answer");
    assert_eq!(found.running[0].previous.as_deref(), Some("old@10"));
    server.instead(Method::GET, "replicasets", Instead::Refuse(403, "Forbidden"));
    assert_eq!(ask(&server, &of).expect("an answer").running[0].previous, None);
    server.instead(Method::GET, "deployments", Instead::Refuse(403, "Forbidden"));
    assert_eq!(ask(&server, &of).expect_err("refused")[0].kind, Kind::Forbidden);
}
