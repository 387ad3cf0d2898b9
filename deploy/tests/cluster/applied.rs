//! What is applied, in which order, what is taken back, and how a rollout is waited for.

use crate::server::{Instead, Server};
use crate::variants::{all, rendered};
use axum::http::Method;
use modeldeploy_deploy::cluster::{Applied, Apply, apply};
use modeldeploy_deploy::{Kind, Problem, Rendering, Settings};
use modeldeploy_house::skipped;
use serde_json::{Value, json};
use std::process::Command;
use std::time::Duration;

/// Longer than any test takes.
pub(crate) const LONG: Duration = Duration::from_secs(60);

/// The variant of that name.
pub(crate) fn variant(name: &str) -> (Rendering, Settings) {
    let (_, target, settings) = all().into_iter().find(|(other, ..)| other == name).expect(name);
    (rendered(target, &settings), settings)
}

pub(crate) fn applied(server: &Server, name: &str, how: &Apply) -> Result<Applied, Vec<Problem>> {
    apply(&variant(name).0, &server.place(LONG), how, &mut |_| {})
}

/// What a Deployment of so many replicas says once all of them are new and ready.
pub(crate) fn done(replicas: u32, generation: i64) -> Value {
    json!({"observedGeneration": generation, "replicas": replicas, "updatedReplicas": replicas, "readyReplicas": replicas, "availableReplicas": replicas})
}

#[test]
fn every_variant_is_applied_as_it_is_rendered() {
    for (name, target, _) in all().into_iter().filter(|(_, target, _)| target.is_cluster()) {
        let server = Server::start();
        let found = applied(&server, &name, &Apply::default()).unwrap_or_else(|wrong| panic!("{name}: {wrong:#?}"));
        let rendering = variant(&name).0;
        let objects: Vec<&Value> = rendering.files.iter().flat_map(|file| &file.objects).collect();
        assert_eq!(found.objects.len(), objects.len(), "{name}");
        let mut names = server.names();
        let mut expected = found.objects.clone();
        names.sort();
        expected.sort();
        assert_eq!(names, expected, "{name}");
        for object in objects {
            let there = server
                .get(object["kind"].as_str().expect("a kind"), object["metadata"]["name"].as_str().expect("a name"));
            assert_eq!(there["spec"], object["spec"], "{name}");
        }
        assert!(
            server
                .changes()
                .iter()
                .all(|line| line.contains("fieldManager=modeldeploy") && line.contains("fieldValidation=Strict")),
            "{name}"
        );
        // Once more is no change.
        applied(&server, &name, &Apply::default()).unwrap_or_else(|wrong| panic!("{name}: {wrong:#?}"));
        if target == modeldeploy_deploy::Target::Kubernetes {
            assert_eq!(
                server.get("Service", found.objects[1].rsplit('/').next().expect("a name"))["metadata"]["generation"],
                1,
                "{name}"
            );
        }
    }
}

#[test]
fn a_trial_changes_nothing() {
    let server = Server::start();
    let found = applied(&server, "kubernetes-all", &Apply { dry_run: true, ..Apply::default() }).expect("a trial");
    assert_eq!((found.objects.len(), server.names().len(), server.changes().len()), (7, 0, 0));
}

#[test]
fn nothing_is_changed_unless_all_of_it_is_taken() {
    let server = Server::start();
    server.absent("ServiceMonitor");
    let wrong = applied(&server, "kubernetes-all", &Apply::default()).expect_err("a kind that is not there");
    assert_eq!(wrong.len(), 1, "{wrong:#?}");
    assert!(wrong[0].kind == Kind::Invalid && wrong[0].to_string().contains("metrics.monitor"), "{wrong:#?}");
    assert_eq!(server.changes(), Vec::<String>::new());
}

#[test]
fn what_an_earlier_rendering_left_is_told_and_deleted_where_that_is_asked_for() {
    let server = Server::start();
    applied(&server, "kubernetes-canary-gateway", &Apply::default()).expect("with a canary");
    let expected = [
        "HTTPRoute default/shop",
        "HorizontalPodAutoscaler default/shop",
        "Deployment default/shop-canary",
        "Service default/shop-canary",
    ];
    let left = applied(&server, "kubernetes-plain", &Apply::default()).expect("without").leftovers;
    for object in expected {
        assert!(left.iter().any(|left| left.object == object && !left.deleted), "{object}: {left:#?}");
    }
    assert!(server.names().contains(&"Deployment default/shop-canary".to_owned()));
    let gone =
        applied(&server, "kubernetes-plain", &Apply { prune: true, ..Apply::default() }).expect("without").leftovers;
    assert!(gone.iter().all(|left| left.deleted) && gone.len() == left.len(), "{gone:#?}");
    assert_eq!(server.names().len(), 4, "{:?}", server.names());

    // What is not ours stays, what a controller made of what is ours stays, and who may not look is told so.
    let made = json!({"metadata": {"namespace": "default", "name": "shop-predictor",
        "labels": {"app.kubernetes.io/instance": "shop", "app.kubernetes.io/managed-by": "modeldeploy"},
        "ownerReferences": [{"apiVersion": "serving.kserve.io/v1beta1", "kind": "InferenceService", "name": "shop", "uid": "u"}]}});
    server.put("apps/v1", "Deployment", made);
    let theirs = json!({"metadata": {"namespace": "default", "name": "other", "labels": {"app.kubernetes.io/instance": "shop"}}});
    server.put("v1", "Service", theirs);
    server.instead(Method::GET, "servicemonitors?", Instead::Refuse(403, "Forbidden"));
    let found = applied(&server, "kubernetes-plain", &Apply { prune: true, ..Apply::default() }).expect("applied");
    assert_eq!(found.leftovers, []);
    assert!(found.notes.iter().any(|note| note.contains("ServiceMonitor may not be listed")), "{found:?}");
    assert!(server.names().contains(&"Service default/other".to_owned()));
}

#[test]
fn a_rollout_is_waited_for_until_it_is_done_or_stands_still() {
    let wait = |statuses: Vec<Value>| {
        let server = Server::start();
        server.put("v1", "Pod", json!({
            "metadata": {"namespace": "default", "name": "shop-1", "labels": {"app.kubernetes.io/instance": "shop"}},
            "status": {"containerStatuses": [{"name": "service", "ready": false, "restartCount": 3, "image": "", "imageID": "",
                "state": {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 40s"}},
                "lastState": {"terminated": {"exitCode": 137, "reason": "OOMKilled"}}}]},
        }));
        server.statuses(statuses);
        let how = Apply { wait: Some((LONG, Duration::from_millis(1))), ..Apply::default() };
        let mut said = vec![];
        let outcome =
            apply(&variant("kubernetes-plain").0, &server.place(LONG), &how, &mut |line| said.push(line.to_owned()));
        (outcome.map(|_| ()), said)
    };
    let under = |updated, all, available| json!({"observedGeneration": 1, "updatedReplicas": updated, "replicas": all, "availableReplicas": available});
    let (outcome, said) = wait(vec![json!({}), under(1, 2, 1), under(2, 3, 2), under(2, 2, 1), done(2, 1)]);
    assert_eq!(outcome, Ok(()));
    assert_eq!(said.len(), 4, "{said:?}");
    for (line, part) in said.iter().zip([
        "has not looked",
        "1 of 2 replicas are new",
        "1 old replicas",
        "1 of 2 new replicas are ready",
    ]) {
        assert!(line.contains(part) && line.starts_with("Deployment default/shop"), "{line}");
    }
    let late = json!({"observedGeneration": 1, "conditions": [{"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded", "message": "has timed out"}]});
    let (outcome, _) = wait(vec![under(1, 2, 1), late]);
    let wrong = outcome.expect_err("it stands still");
    let said = wrong[0].to_string();
    assert!(wrong[0].kind == Kind::Rollout && said.contains("has timed out"), "{said}");
    assert!(
        said.contains("CrashLoopBackOff: it used more memory than it has")
            && said.contains("rollout undo deployment/shop"),
        "{said}"
    );
}

#[test]
fn a_rollout_that_takes_too_long_is_given_up() {
    let server = Server::start();
    let how = Apply { wait: Some((Duration::from_millis(20), Duration::from_millis(1))), ..Apply::default() };
    let wrong = applied(&server, "kubernetes-plain", &how).expect_err("there is no controller");
    assert!(wrong[0].kind == Kind::Rollout && wrong[0].message.contains("not done in time"), "{wrong:#?}");
}

#[test]
fn kserve_is_waited_for_by_its_condition() {
    let server = Server::start();
    applied(&server, "kserve-canary", &Apply::default()).expect("applied");
    server.edit("InferenceService", "shop", |value| {
        value["status"] = json!({"observedGeneration": 1, "conditions": [{"type": "Ready", "status": "True"}]});
    });
    let how = Apply { wait: Some((LONG, Duration::from_millis(1))), ..Apply::default() };
    applied(&server, "kserve-canary", &how).expect("it is ready");
}

/// kubectl is another's client of server-side apply: what it sets is not ours, and what it reads is what we have applied.
#[test]
fn kubectl_reads_what_was_applied_and_its_fields_are_its_own() {
    let server = Server::start();
    applied(&server, "kubernetes-plain", &Apply::default()).expect("applied");
    server.open();
    let kubectl = |args: &[&str]| {
        let mut command = Command::new("kubectl");
        command
            .env("KUBECONFIG", server.kubeconfig())
            .args(["--cache-dir", server.kubeconfig().with_file_name("cache").to_str().expect("UTF-8")]);
        command.args(args).output()
    };
    let Ok(read) = kubectl(&["get", "deployment", "shop", "-o", "json"]) else { return skipped("kubectl is not here") };
    assert!(read.status.success(), "{}", String::from_utf8_lossy(&read.stderr));
    let read: Value = serde_json::from_slice(&read.stdout).expect("JSON");
    let rendered = variant("kubernetes-plain").0;
    let deployment = rendered.files.iter().flat_map(|file| &file.objects).find(|object| object["kind"] == "Deployment");
    assert_eq!(read["spec"], deployment.expect("it is there")["spec"]);

    let theirs = server.kubeconfig().with_file_name("theirs.yaml");
    let text = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: shop, namespace: default}\nspec: {replicas: 7, selector: SELECTOR}\n";
    let selector = read["spec"]["selector"].to_string();
    std::fs::write(&theirs, text.replace("SELECTOR", &selector)).expect("written");
    let file = theirs.to_str().expect("UTF-8");
    let set = kubectl(&[
        "apply",
        "--server-side",
        "--force-conflicts",
        "--field-manager=hand",
        "--validate=false",
        "-f",
        file,
    ])
    .expect("it was here");
    assert!(set.status.success(), "{}", String::from_utf8_lossy(&set.stderr));
    assert_eq!(server.get("Deployment", "shop")["spec"]["replicas"], 7);

    let wrong = applied(&server, "kubernetes-plain", &Apply::default()).expect_err("it is theirs");
    let said = wrong[0].to_string();
    assert!(
        wrong[0].kind == Kind::Conflict
            && said.contains("conflict with \"hand\": .spec.replicas")
            && said.contains("--force-conflicts"),
        "{said}"
    );
    applied(&server, "kubernetes-plain", &Apply { force: true, ..Apply::default() }).expect("taken over");
    assert_eq!(server.get("Deployment", "shop")["spec"]["replicas"], 2);
}
