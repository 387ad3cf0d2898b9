//! Server-side apply: first all objects as a trial, then in earnest, so that nothing is changed unless the cluster takes all of it.

use super::connect::{Cluster, Where, block};
use super::fault::problem;
use super::leftovers::{self, Leftover};
use super::objects::{Kinds, Named};
use super::rollout;
use crate::MANAGER;
use crate::problem::{Kind, Problem};
use crate::render::Rendering;
use kube::api::{Patch, PatchParams, ValidationDirective};
use serde_json::Value;
use std::time::Duration;

/// How it is applied.
#[derive(Clone, Debug, Default)]
pub struct Apply {
    /// Only the trial.
    pub dry_run: bool,
    /// Fields that others have set are taken over.
    pub force: bool,
    /// What an earlier rendering left is deleted.
    pub prune: bool,
    /// How long to wait for the rollout, and how often to look.
    pub wait: Option<(Duration, Duration)>,
}

/// What was done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Applied {
    /// The cluster's address.
    pub cluster: String,
    /// The objects, as `Kind namespace/name`, in their order.
    pub objects: Vec<String>,
    /// What an earlier rendering left, and is deleted where that was asked for.
    pub leftovers: Vec<Leftover>,
    /// What is worth knowing.
    pub notes: Vec<String>,
}

/// Applies a rendering. `say` hears what happens while it is waited for.
///
/// # Errors
///
/// Everything that the cluster does not take; then nothing was changed, unless it changed its mind after the trial: the error says so.
pub fn apply(
    rendering: &Rendering,
    place: &Where,
    how: &Apply,
    say: &mut dyn FnMut(&str),
) -> Result<Applied, Vec<Problem>> {
    let place = Where { namespace: place.namespace.clone().or_else(|| rendering.namespace.clone()), ..place.clone() };
    block(async {
        let cluster = Cluster::connect(&place).await.map_err(|problem| vec![problem])?;
        let mut kinds = Kinds::default();
        let objects = named(rendering, &cluster)?;
        patch_all(&cluster, &mut kinds, &objects, how, true).await?;
        let left = leftovers::find(&cluster, &mut kinds, rendering, &objects).await;
        let (left, notes) = left.unwrap_or_else(|problem| (vec![], vec![unlisted(&problem)]));
        if !how.dry_run {
            patch_all(&cluster, &mut kinds, &objects, how, false).await?;
            if how.prune {
                leftovers::delete(&cluster, &mut kinds, &left).await?;
            }
            if let Some((limit, every)) = how.wait {
                rollout::wait(&cluster, &mut kinds, &objects, limit, every, say).await?;
            }
        }
        let objects = objects.iter().map(|(named, _)| named.shown()).collect();
        let leftovers = left.into_iter().map(|named| Leftover::of(&named, how.prune && !how.dry_run)).collect();
        Ok(Applied { cluster: cluster.address, objects, leftovers, notes })
    })
}

fn unlisted(problem: &Problem) -> String {
    format!("what an earlier rendering may have left cannot be listed: {}", problem.message)
}

/// The objects with their names, all in one namespace.
fn named(rendering: &Rendering, cluster: &Cluster) -> Result<Vec<(Named, Value)>, Vec<Problem>> {
    let mut named = vec![];
    for object in rendering.files.iter().flat_map(|file| &file.objects) {
        let of = Named::of(object, &cluster.namespace).map_err(|problem| vec![problem])?;
        if of.namespace != cluster.namespace {
            let message = format!("it is to be in `{}`, and the others in `{}`", of.namespace, cluster.namespace);
            let problem = Problem::new(Kind::Settings, message).at(of.shown());
            return Err(vec![problem.help("`--namespace` and the setting `namespace` must be the same")]);
        }
        named.push((of, object.clone()));
    }
    Ok(named)
}

async fn patch_all(
    cluster: &Cluster,
    kinds: &mut Kinds,
    objects: &[(Named, Value)],
    how: &Apply,
    is_trial: bool,
) -> Result<(), Vec<Problem>> {
    let params = PatchParams {
        dry_run: is_trial,
        force: how.force,
        field_manager: Some(MANAGER.to_owned()),
        field_validation: Some(ValidationDirective::Strict),
    };
    let mut wrong = vec![];
    for (at, (named, object)) in objects.iter().enumerate() {
        let patched = match kinds.api(cluster, named).await {
            Ok(api) => {
                let patched = api.patch(&named.name, &params, &Patch::Apply(object)).await;
                patched.map(drop).map_err(|error| problem(cluster, &named.shown(), &error))
            }
            Err(problem) => Err(problem),
        };
        let Err(mut problem) = patched else { continue };
        if !is_trial {
            problem.message = format!(
                "{} (after a trial that went well; {at} of {} objects are applied)",
                problem.message,
                objects.len()
            );
        }
        // Who does not answer will not answer the next either.
        let is_end = !is_trial || problem.kind == Kind::Unreachable;
        wrong.push(problem);
        if is_end {
            break;
        }
    }
    if wrong.is_empty() { Ok(()) } else { Err(wrong) }
}
