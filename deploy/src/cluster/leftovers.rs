//! What an earlier rendering of the service left: objects that are ours by their labels, and that are rendered no more.

use super::connect::Cluster;
use super::fault::problem;
use super::objects::{Kinds, Named};
use crate::MANAGER;
use crate::problem::{Kind, Problem};
use crate::render::Rendering;
use kube::ResourceExt;
use kube::api::{DeleteParams, ListParams};
use serde_json::Value;

/// The kinds that are rendered, in the order in which they can go.
const KINDS: [(&str, &str); 8] = [
    ("gateway.networking.k8s.io/v1", "HTTPRoute"),
    ("monitoring.coreos.com/v1", "ServiceMonitor"),
    ("autoscaling/v2", "HorizontalPodAutoscaler"),
    ("policy/v1", "PodDisruptionBudget"),
    ("apps/v1", "Deployment"),
    ("v1", "Service"),
    ("networking.k8s.io/v1", "NetworkPolicy"),
    ("serving.kserve.io/v1beta1", "InferenceService"),
];

/// An object that is rendered no more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leftover {
    /// What it is, as kubectl names it.
    pub object: String,
    /// Whether it was deleted.
    pub deleted: bool,
}

impl Leftover {
    pub(super) fn of(named: &Named, deleted: bool) -> Leftover {
        Leftover { object: named.shown(), deleted }
    }
}

/// Finds them. The second of the two are notes on kinds that may not be listed.
pub(super) async fn find(
    cluster: &Cluster,
    kinds: &mut Kinds,
    rendering: &Rendering,
    objects: &[(Named, Value)],
) -> Result<(Vec<Named>, Vec<String>), Problem> {
    let selector = format!("app.kubernetes.io/managed-by={MANAGER},app.kubernetes.io/instance={}", rendering.name);
    let params = ListParams::default().labels(&selector);
    let (mut left, mut notes) = (vec![], vec![]);
    for (version, kind) in KINDS {
        let of = |name: String| Named {
            version: version.to_owned(),
            kind: kind.to_owned(),
            namespace: cluster.namespace.clone(),
            name,
        };
        let api = match kinds.api(cluster, &of(String::new())).await {
            Ok(api) => api,
            // A kind that is not there has left nothing.
            Err(problem) if problem.kind == Kind::Invalid => continue,
            Err(problem) => return Err(problem),
        };
        match api.list(&params).await {
            Ok(list) => {
                // What a controller has made, KServe's among them, bears its labels and is the controller's.
                let applied = list.items.iter().filter(|object| object.owner_references().is_empty());
                let names = applied.map(|object| of(object.name_any()));
                left.extend(names.filter(|named| !objects.iter().any(|(other, _)| other == named)));
            }
            Err(kube::Error::Api(status)) if status.code == 403 => {
                notes.push(format!(
                    "objects of kind {kind} may not be listed, so that none of an earlier rendering is found"
                ));
            }
            Err(error) => return Err(problem(cluster, kind, &error)),
        }
    }
    Ok((left, notes))
}

/// Deletes them.
pub(super) async fn delete(cluster: &Cluster, kinds: &mut Kinds, left: &[Named]) -> Result<(), Vec<Problem>> {
    let mut wrong = vec![];
    for named in left {
        let deleted = match kinds.api(cluster, named).await {
            Ok(api) => match api.delete(&named.name, &DeleteParams::background()).await {
                Ok(_) => Ok(()),
                // It went by itself.
                Err(kube::Error::Api(status)) if status.code == 404 => Ok(()),
                Err(error) => Err(problem(cluster, &named.shown(), &error)),
            },
            Err(problem) => Err(problem),
        };
        wrong.extend(deleted.err());
    }
    if wrong.is_empty() { Ok(()) } else { Err(wrong) }
}
