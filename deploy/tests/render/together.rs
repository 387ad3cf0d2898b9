//! What must hold between the objects of a rendering, and between them and the service that they run.

use crate::variants::{all, rendered};
use modeldeploy_deploy::Rendering;
use serde_json::Value;

/// The paths that the service answers without a token, and those of its metrics.
const GATE: &str = include_str!("../../../service/src/auth/gate.rs");

fn clusters() -> impl Iterator<Item = (String, Rendering)> {
    let on_clusters = all().into_iter().filter(|(_, target, _)| target.is_cluster());
    on_clusters.map(|(name, target, settings)| (name, rendered(target, &settings)))
}

fn of<'a>(rendering: &'a Rendering, kind: &str) -> Vec<&'a Value> {
    rendering.files.iter().flat_map(|file| &file.objects).filter(|object| object["kind"] == kind).collect()
}

fn at<'a>(object: &'a Value, pointer: &str) -> &'a Value {
    object.pointer(pointer).unwrap_or_else(|| panic!("{pointer} is not in {object:#}"))
}

/// Whether all of these labels are among those.
fn selects(selector: &Value, labels: &Value) -> bool {
    let selector = selector.as_object().expect("labels");
    assert!(!selector.is_empty(), "an empty selector takes every pod");
    selector.iter().all(|(key, value)| labels.get(key) == Some(value))
}

#[test]
fn selectors_find_their_pods_and_no_others() {
    for (name, rendering) in clusters() {
        let deployments = of(&rendering, "Deployment");
        let pods: Vec<&Value> = deployments.iter().map(|one| at(one, "/spec/template/metadata/labels")).collect();
        for deployment in &deployments {
            let selector = at(deployment, "/spec/selector/matchLabels");
            assert_eq!(pods.iter().filter(|pod| selects(selector, pod)).count(), 1, "{name}");
        }
        for budget in of(&rendering, "PodDisruptionBudget") {
            let selector = at(budget, "/spec/selector/matchLabels");
            assert_eq!(pods.iter().filter(|pod| selects(selector, pod)).count(), 1, "{name}");
        }
        for policy in of(&rendering, "NetworkPolicy") {
            let selector = at(policy, "/spec/podSelector/matchLabels");
            assert!(pods.iter().all(|pod| selects(selector, pod)), "{name}");
        }
        for service in of(&rendering, "Service") {
            let selector = at(service, "/spec/selector");
            assert!(pods.iter().any(|pod| selects(selector, pod)), "{name}");
        }
        for monitor in of(&rendering, "ServiceMonitor") {
            let services = of(&rendering, "Service");
            let selector = at(monitor, "/spec/selector/matchLabels");
            assert!(services.iter().all(|service| selects(selector, at(service, "/metadata/labels"))), "{name}");
            let port = at(monitor, "/spec/endpoints/0/port");
            assert!(services.iter().all(|service| at(service, "/spec/ports/0/name") == port), "{name}");
        }
    }
}

#[test]
fn what_is_referred_to_is_there() {
    for (name, rendering) in clusters() {
        let names =
            |kind: &str| -> Vec<&Value> { of(&rendering, kind).iter().map(|one| at(one, "/metadata/name")).collect() };
        for scaler in of(&rendering, "HorizontalPodAutoscaler") {
            assert!(names("Deployment").contains(&at(scaler, "/spec/scaleTargetRef/name")), "{name}");
            // What a scaler sets, nobody else does.
            let target = at(scaler, "/spec/scaleTargetRef/name");
            let deployments = of(&rendering, "Deployment");
            let scaled = deployments.iter().find(|one| at(one, "/metadata/name") == target).expect("it is there");
            assert_eq!(scaled.pointer("/spec/replicas"), None, "{name}");
            let [least, most] = ["/spec/minReplicas", "/spec/maxReplicas"].map(|pointer| at(scaler, pointer).as_u64());
            assert!(least >= Some(1) && most > least, "{name}");
        }
        for route in of(&rendering, "HTTPRoute") {
            let backends = at(route, "/spec/rules/0/backendRefs").as_array().expect("backends");
            let weights: u64 = backends.iter().map(|one| at(one, "/weight").as_u64().expect("a weight")).sum();
            assert_eq!(weights, 100, "{name}");
            for backend in backends {
                assert!(names("Service").contains(&at(backend, "/name")), "{name}");
                assert_eq!(at(backend, "/port"), at(of(&rendering, "Service")[0], "/spec/ports/0/port"), "{name}");
            }
        }
        for deployment in of(&rendering, "Deployment") {
            let pod = at(deployment, "/spec/template/spec");
            let volumes: Vec<&Value> =
                pod["volumes"].as_array().into_iter().flatten().map(|one| at(one, "/name")).collect();
            let mounts = pod["containers"][0]["volumeMounts"].as_array().into_iter().flatten();
            let mounts: Vec<&Value> = mounts.map(|one| at(one, "/name")).collect();
            assert_eq!(volumes, mounts, "{name}");
        }
    }
}

/// The containers of the service, wherever they stand.
fn containers(rendering: &Rendering) -> Vec<&Value> {
    let deployed = of(rendering, "Deployment").into_iter().map(|one| at(one, "/spec/template/spec/containers/0"));
    let inferring = of(rendering, "InferenceService").into_iter().map(|one| at(one, "/spec/predictor/containers/0"));
    deployed.chain(inferring).collect()
}

#[test]
fn probes_ask_what_the_service_answers_without_a_token() {
    for (name, rendering) in clusters() {
        for container in containers(&rendering) {
            let port = at(container, "/ports/0/containerPort");
            let listens =
                container["env"].as_array().expect("variables").iter().find(|one| one["name"] == "MODELDEPLOY_LISTEN");
            assert_eq!(listens.expect("it says where")["value"], format!("0.0.0.0:{port}"), "{name}");
            for probe in ["startupProbe", "livenessProbe", "readinessProbe"] {
                let probe = at(container, &format!("/{probe}"));
                let (asked, path) = match probe.get("httpGet") {
                    Some(get) => (at(get, "/port"), get["path"].as_str()),
                    None => (at(probe, "/tcpSocket/port"), None),
                };
                assert_eq!(asked, port, "{name}");
                assert!(path.is_none_or(|path| GATE.contains(&format!("    \"{path}\",\n"))), "{name}: {path:?}");
            }
        }
        for monitor in of(&rendering, "ServiceMonitor") {
            let path = at(monitor, "/spec/endpoints/0/path").as_str().expect("a path");
            assert!(GATE.contains(&format!("METRICS: [&str; 2] = [\"{path}\"")), "{name}");
        }
    }
}

#[test]
fn a_service_has_the_time_to_stop_that_it_takes() {
    for (name, target, settings) in all().into_iter().filter(|(_, target, _)| target.is_cluster()) {
        let rendering = rendered(target, &settings);
        let takes = (settings.drain_delay.0 + settings.grace.0).as_secs_f64();
        let given = of(&rendering, "Deployment")
            .into_iter()
            .map(|one| at(one, "/spec/template/spec/terminationGracePeriodSeconds"));
        let inferring = of(&rendering, "InferenceService").into_iter();
        let inferring = inferring.map(|one| {
            one.pointer("/spec/predictor/timeout")
                .unwrap_or_else(|| at(one, "/spec/predictor/terminationGracePeriodSeconds"))
        });
        for seconds in given.chain(inferring) {
            assert!(seconds.as_f64().expect("seconds") >= takes + 1.0, "{name}: {seconds} for {takes}");
        }
    }
}

#[test]
fn a_container_has_no_right_and_as_much_as_it_asks_for() {
    for (name, rendering) in clusters() {
        for container in containers(&rendering) {
            let security = at(container, "/securityContext");
            assert_eq!(
                (&security["allowPrivilegeEscalation"], &security["readOnlyRootFilesystem"]),
                (&false.into(), &true.into()),
                "{name}"
            );
            assert_eq!(at(security, "/capabilities"), &serde_json::json!({"drop": ["ALL"]}), "{name}");
            let resources = at(container, "/resources");
            assert_eq!(resources["requests"], resources["limits"], "{name}");
            // std counts the processors of a quota in whole ones.
            assert!(at(resources, "/limits/cpu").as_str().and_then(|cpu| cpu.parse::<u32>().ok()).is_some(), "{name}");
            let image = at(container, "/image").as_str().expect("an image");
            assert!(modeldeploy_deploy::Pinned::parse(image).is_ok(), "{name}: {image}");
        }
        for deployment in of(&rendering, "Deployment") {
            let pod = at(deployment, "/spec/template/spec");
            assert_eq!(
                (&pod["automountServiceAccountToken"], &pod["enableServiceLinks"]),
                (&false.into(), &false.into()),
                "{name}"
            );
            assert_eq!(
                (&pod["securityContext"]["runAsNonRoot"], &pod["securityContext"]["runAsUser"]),
                (&true.into(), &65534.into()),
                "{name}"
            );
            assert_eq!(at(pod, "/securityContext/seccompProfile/type"), "RuntimeDefault", "{name}");
        }
    }
}

#[test]
fn a_canary_changes_nothing_of_the_pods_before_it() {
    for (name, target, mut settings) in all().into_iter().filter(|(name, ..)| name.starts_with("kubernetes-canary")) {
        let with = rendered(target, &settings);
        settings.canary = None;
        let without = rendered(target, &settings);
        let pods = |rendering: &Rendering| at(of(rendering, "Deployment")[0], "/spec/template").clone();
        // Other pods would be started, and those that answer would go.
        assert_eq!(pods(&with), pods(&without), "{name}");
        let selector = |rendering: &Rendering| at(of(rendering, "Deployment")[0], "/spec/selector").clone();
        assert_eq!(selector(&with), selector(&without), "{name}");
        assert_eq!(of(&with, "Deployment").len(), 2, "{name}");
    }
}
