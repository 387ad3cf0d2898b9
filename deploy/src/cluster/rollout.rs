//! Waiting for a rollout: until each Deployment, or each InferenceService, is what was applied, or will not be.

use super::connect::Cluster;
use super::fault::problem;
use super::objects::{Kinds, Named};
use super::status::instance;
use crate::problem::{Kind, Problem};
use k8s_openapi::api::apps::v1::{Deployment, DeploymentStatus};
use k8s_openapi::api::core::v1::Pod;
use kube::api::{Api, DynamicObject, ListParams};
use serde_json::Value;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// How far a rollout is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Progress {
    /// All replicas are the new ones, and ready.
    Done,
    /// Not yet: in words.
    Under(String),
    /// It will not be: why.
    Failed(String),
}

/// Waits for all of them, and looks again after `every`.
pub(super) async fn wait(
    cluster: &Cluster,
    kinds: &mut Kinds,
    objects: &[(Named, Value)],
    limit: Duration,
    every: Duration,
    say: &mut dyn FnMut(&str),
) -> Result<(), Vec<Problem>> {
    let end = Instant::now() + limit;
    let mut wrong = vec![];
    for (named, _) in objects.iter().filter(|(named, _)| matches!(&*named.kind, "Deployment" | "InferenceService")) {
        wrong.extend(one(cluster, kinds, named, end, every, say).await.err());
    }
    if wrong.is_empty() { Ok(()) } else { Err(wrong) }
}

async fn one(
    cluster: &Cluster,
    kinds: &mut Kinds,
    named: &Named,
    end: Instant,
    every: Duration,
    say: &mut dyn FnMut(&str),
) -> Result<(), Problem> {
    let api = kinds.api(cluster, named).await?;
    let mut said = String::new();
    loop {
        let object = api.get(&named.name).await.map_err(|error| problem(cluster, &named.shown(), &error))?;
        let service = instance(&object).unwrap_or(&named.name).to_owned();
        let why = match progress(named, object) {
            Progress::Done => return Ok(()),
            Progress::Failed(why) => why,
            Progress::Under(how_far) if Instant::now() + every < end => {
                if how_far != said {
                    say(&format!("{}: {how_far}", named.shown()));
                    said = how_far;
                }
                sleep(every).await;
                continue;
            }
            Progress::Under(how_far) => format!("it is not done in time: {how_far}"),
        };
        let pods = held_up(cluster, named, &service).await;
        let why = if pods.is_empty() { why } else { format!("{why}; {}", pods.join("; ")) };
        let more = format!("`kubectl -n {} logs` and `describe` say more", named.namespace);
        let help = match named.kind.as_str() {
            "Deployment" => {
                let undo = format!("`kubectl -n {} rollout undo deployment/{}`", named.namespace, named.name);
                format!("{undo} goes back to what ran before; {more}")
            }
            _ => format!("{more}; KServe goes on with the revision before"),
        };
        return Err(Problem::new(Kind::Rollout, why).at(named.shown()).help(help));
    }
}

fn progress(named: &Named, object: DynamicObject) -> Progress {
    if named.kind != "Deployment" {
        return of_inference(&object);
    }
    match object.try_parse::<Deployment>() {
        Ok(deployment) => of_deployment(&deployment),
        Err(error) => Progress::Failed(format!("what the cluster says of it is no Deployment: {error}")),
    }
}

/// As `kubectl rollout status` has it.
pub(super) fn of_deployment(deployment: &Deployment) -> Progress {
    let wanted = deployment.spec.as_ref().and_then(|spec| spec.replicas).unwrap_or(1);
    let status = deployment.status.clone().unwrap_or_default();
    if status.observed_generation.unwrap_or(0) < deployment.metadata.generation.unwrap_or(0) {
        return Progress::Under("the cluster has not looked at it yet".to_owned());
    }
    let DeploymentStatus { updated_replicas, replicas, available_replicas, conditions, .. } = status;
    let late = conditions.iter().flatten().find(|condition| {
        condition.type_ == "Progressing" && condition.reason.as_deref() == Some("ProgressDeadlineExceeded")
    });
    if let Some(late) = late {
        let message = late.message.clone().unwrap_or_default();
        return Progress::Failed(format!("the rollout stands still: {message}"));
    }
    let [updated, all, available] = [updated_replicas, replicas, available_replicas].map(|count| count.unwrap_or(0));
    if updated < wanted {
        return Progress::Under(format!("{updated} of {wanted} replicas are new"));
    }
    if all > updated {
        return Progress::Under(format!("{} old replicas are still there", all - updated));
    }
    if available < updated {
        return Progress::Under(format!("{available} of {updated} new replicas are ready"));
    }
    Progress::Done
}

/// By its condition `Ready`, of the generation that is meant.
pub(super) fn of_inference(object: &DynamicObject) -> Progress {
    let observed = object.data.pointer("/status/observedGeneration").and_then(Value::as_i64);
    if observed.unwrap_or(0) < object.metadata.generation.unwrap_or(0) {
        return Progress::Under("KServe has not looked at it yet".to_owned());
    }
    let conditions = object.data.pointer("/status/conditions").and_then(Value::as_array);
    let ready = conditions.into_iter().flatten().find(|condition| condition["type"] == "Ready");
    match ready {
        Some(ready) if ready["status"] == "True" => Progress::Done,
        Some(ready) => {
            let text = |key: &str| ready[key].as_str().unwrap_or_default().to_owned();
            Progress::Under(format!("not ready: {} {}", text("reason"), text("message")).trim_end().to_owned())
        }
        None => Progress::Under("KServe has not said how it is".to_owned()),
    }
}

/// What containers of the service's pods wait for, once each. Who may not see pods is told less.
async fn held_up(cluster: &Cluster, named: &Named, service: &str) -> Vec<String> {
    let api: Api<Pod> = Api::namespaced(cluster.client.clone(), &named.namespace);
    let params = ListParams::default().labels(&format!("app.kubernetes.io/instance={service}"));
    let pods = api.list(&params).await.map(|list| list.items).unwrap_or_default();
    let statuses = pods.iter().filter_map(|pod| pod.status.as_ref()?.container_statuses.as_ref()).flatten();
    let mut found: Vec<String> = statuses
        .filter_map(|status| {
            let state = status.state.as_ref()?;
            let last = status.last_state.as_ref().and_then(|state| state.terminated.as_ref());
            let (reason, message) = match (&state.waiting, &state.terminated) {
                (Some(waiting), _) => (waiting.reason.clone()?, waiting.message.clone()),
                (None, Some(ended)) => (ended.reason.clone()?, ended.message.clone()),
                _ => return None,
            };
            let killed = last
                .filter(|last| last.reason.as_deref() == Some("OOMKilled"))
                .map(|_| "it used more memory than it has".to_owned());
            let more = killed.or(message).map(|more| format!(": {more}")).unwrap_or_default();
            Some(format!("a container is in {reason}{more}"))
        })
        .collect();
    found.sort();
    found.dedup();
    found
}
