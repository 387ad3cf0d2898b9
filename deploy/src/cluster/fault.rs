//! What a cluster says when it does not do what it is asked, as a problem that says what next.

use super::connect::Cluster;
use crate::problem::{Kind, Problem};
use kube::Error;
use kube::core::Status;
use kube::error::DiscoveryError;

/// The problem of a request about `what`.
pub(super) fn problem(cluster: &Cluster, what: &str, error: &Error) -> Problem {
    match error {
        Error::Api(status) => refused(status).at(what),
        Error::Discovery(
            DiscoveryError::MissingKind(_) | DiscoveryError::MissingResource(_) | DiscoveryError::MissingApiGroup(_),
        ) => unknown_kind().at(what),
        Error::SerdeError(_) | Error::FromUtf8(_) => {
            Problem::new(Kind::Unreachable, format!("what answers is no API server: {}", causes(error)))
                .at(&cluster.address)
                .help("the address in the kubeconfig is another service's")
        }
        Error::Auth(_) => Problem::new(Kind::Forbidden, format!("there is no token to be had: {}", causes(error)))
            .at(&cluster.address)
            .help("log in again, as the cluster's users do"),
        _ => Problem::new(Kind::Unreachable, format!("the cluster does not answer: {}", causes(error)))
            .at(&cluster.address)
            .help("is it there, and may this machine reach it? `kubectl version` asks it, too"),
    }
}

/// What a server says of an object's kind when it has none such.
pub(super) fn unknown_kind() -> Problem {
    Problem::new(Kind::Invalid, "the cluster knows no such kind").help(
        "ServiceMonitor is Prometheus' operator's (`metrics.monitor`), HTTPRoute the Gateway API's (`[gateway]`), InferenceService KServe's: \
         install them, or leave that setting out",
    )
}

fn refused(status: &Status) -> Problem {
    let Status { code, message, reason, .. } = status;
    let said = if message.is_empty() { reason } else { message };
    let said = format!("{code}: {}", said.split_whitespace().collect::<Vec<_>>().join(" "));
    match code {
        401 => Problem::new(Kind::Forbidden, format!("the cluster does not know who asks, {said}"))
            .help("log in again, as the cluster's users do; `--context NAME` chooses another user"),
        403 => Problem::new(Kind::Forbidden, format!("the cluster does not allow it, {said}"))
            .help("who administers it grants `get`, `list` and `patch` on these kinds, in this namespace"),
        409 => Problem::new(Kind::Conflict, format!("somebody else has set this, {said}")).help(
            "`--force-conflicts` takes it over; or leave it to them: a template of one's own can leave the field out",
        ),
        404 => Problem::new(Kind::Invalid, format!("it is not there, {said}"))
            .help("`kubectl create namespace NAME` makes a namespace; `--namespace` names another"),
        400 | 413 | 415 | 422 => Problem::new(Kind::Invalid, format!("the cluster does not take it, {said}"))
            .help("change the setting or the template that it names"),
        429 | 500..=599 => Problem::new(Kind::Unreachable, format!("the cluster cannot do it now, {said}"))
            .help("try again; if it stays so, the cluster's own logs say why"),
        _ => Problem::new(Kind::Invalid, format!("the cluster answers {said}")),
    }
}

/// An error with those that it came of, each once.
fn causes(error: &dyn std::error::Error) -> String {
    let mut said = error.to_string();
    let mut next = error.source();
    while let Some(error) = next {
        let more = error.to_string();
        if !said.contains(&more) {
            said = format!("{said}: {more}");
        }
        next = error.source();
    }
    said
}
