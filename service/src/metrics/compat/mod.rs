//! The names of other servers' metrics, so that their dashboards and alerts go on: `GET /metrics?compat=…`.
//!
//! A name stands here where this service has what it counts. Those names break Prometheus' conventions, and OpenMetrics cannot write
//! them, so that they come in Prometheus' own text alone.

mod tei;
mod tfs;
mod triton;

use super::Inner;
use super::exposition::Exposition;
use super::of_model::OfModel;

/// Writes the metrics by another server's names.
pub(super) type Write = fn(&Inner, &mut Exposition);

/// Each server by what `compat` calls it.
pub(super) const ALL: [(&str, Write); 3] = [("tfs", tfs::write), ("triton", triton::write), ("tei", tei::write)];

/// Whether a route is a gRPC method: `/package.Service/Method`.
fn is_grpc(route: &str) -> bool {
    route.split('/').nth(1).is_some_and(|service| service.contains('.'))
}
