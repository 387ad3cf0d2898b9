//! The objects of Kubernetes and of KServe: which there are, of what, in the order in which they are applied.

use super::Part;
use crate::context::Context;
use crate::settings::{By, Settings};

/// Who may connect comes before whom to connect to, and routes after what they lead to.
pub(super) fn kubernetes(context: &Context, settings: &Settings) -> Vec<Part> {
    let mut parts = vec![("networkpolicy.yaml".to_owned(), "kubernetes/networkpolicy.yaml", context.clone())];
    let of_each = |kind: &str, template, parts: &mut Vec<Part>, wanted: &dyn Fn(&Context) -> bool| {
        for track in &context.tracks {
            let context = context.of(track);
            if wanted(&context) {
                parts.push((file(kind, &context), template, context));
            }
        }
    };
    // A gateway chooses between Services; without one, one Service has all pods.
    let is_routed = settings.canary.as_ref().is_some_and(|canary| canary.by == By::Gateway);
    if is_routed {
        of_each("service", "kubernetes/service.yaml", &mut parts, &|_| true);
    } else {
        parts.push(("service.yaml".to_owned(), "kubernetes/service.yaml", context.clone()));
    }
    of_each("poddisruptionbudget", "kubernetes/poddisruptionbudget.yaml", &mut parts, &|_| true);
    of_each("deployment", "kubernetes/deployment.yaml", &mut parts, &|_| true);
    let is_scaled = |context: &Context| context.track.as_ref().is_some_and(|track| track.max > track.min);
    of_each("horizontalpodautoscaler", "kubernetes/horizontalpodautoscaler.yaml", &mut parts, &is_scaled);
    if context.monitor {
        parts.push(("servicemonitor.yaml".to_owned(), "kubernetes/servicemonitor.yaml", context.clone()));
    }
    if context.gateway.is_some() {
        let mut route = context.clone();
        if !is_routed {
            // One Service, whatever is behind it.
            route.tracks.truncate(1);
            route.tracks[0].weight = 100;
        }
        parts.push(("httproute.yaml".to_owned(), "kubernetes/httproute.yaml", route));
    }
    parts
}

pub(super) fn kserve(context: &Context) -> Vec<Part> {
    vec![("inferenceservice.yaml".to_owned(), "kserve/inferenceservice.yaml", context.clone())]
}

/// `deployment.yaml`, `deployment-canary.yaml`.
fn file(kind: &str, context: &Context) -> String {
    match &context.track {
        Some(track) if track.name != "stable" => format!("{kind}-{}.yaml", track.name),
        _ => format!("{kind}.yaml"),
    }
}
