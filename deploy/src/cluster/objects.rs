//! Objects by their kinds, which a cluster is asked for once each.

use super::connect::Cluster;
use super::fault::problem;
use crate::problem::{Kind, Problem};
use kube::api::{Api, ApiResource, DynamicObject};
use kube::core::GroupVersionKind;
use kube::discovery;
use serde_json::Value;
use std::collections::BTreeMap;

/// What a cluster has said of kinds.
#[derive(Default)]
pub(super) struct Kinds(BTreeMap<(String, String), ApiResource>);

/// An object as it is called.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Named {
    pub(super) version: String,
    pub(super) kind: String,
    pub(super) namespace: String,
    pub(super) name: String,
}

impl Named {
    /// That of an object; where it says no namespace, it is the one that is meant.
    pub(super) fn of(object: &Value, namespace: &str) -> Result<Named, Problem> {
        let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
        let named = || {
            Some(Named {
                version: text("/apiVersion")?,
                kind: text("/kind")?,
                namespace: text("/metadata/namespace").unwrap_or_else(|| namespace.to_owned()),
                name: text("/metadata/name")?,
            })
        };
        named().ok_or_else(|| Problem::new(Kind::Invalid, "an object has no `apiVersion`, no `kind` or no name"))
    }

    /// As errors and results name it.
    pub(super) fn shown(&self) -> String {
        format!("{} {}/{}", self.kind, self.namespace, self.name)
    }
}

impl Kinds {
    /// The objects of a kind in a namespace.
    pub(super) async fn api(&mut self, cluster: &Cluster, named: &Named) -> Result<Api<DynamicObject>, Problem> {
        let key = (named.version.clone(), named.kind.clone());
        if !self.0.contains_key(&key) {
            let (group, version) = named.version.split_once('/').unwrap_or(("", &named.version));
            let gvk = GroupVersionKind::gvk(group, version, &named.kind);
            let found = discovery::pinned_kind(&cluster.client, &gvk).await.map_err(|error| match error {
                // The list of a group's kinds is not there where the group is not.
                kube::Error::Api(status) if status.code == 404 => super::fault::unknown_kind().at(named.shown()),
                error => problem(cluster, &named.shown(), &error),
            })?;
            self.0.insert(key.clone(), found.0);
        }
        Ok(Api::namespaced_with(cluster.client.clone(), &named.namespace, &self.0[&key]))
    }
}
