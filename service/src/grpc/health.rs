//! `grpc.health.v1.Health`: whether the service takes requests, as a whole and by the name of each gRPC service.
//!
//! All follow the service's own readiness, which only ends: who watches hears of it, and is let go with UNAVAILABLE.
//!
//! Specification: <https://github.com/grpc/grpc/blob/master/doc/health-checking.md>.

use super::call::Answers;
use super::wire::health::health_check_response::ServingStatus;
use super::wire::health::{HealthCheckRequest, HealthCheckResponse, HealthListRequest, HealthListResponse};
use super::{Call, server_streaming, unary};
use crate::protocols::Shared;
use axum::Router;
use futures_util::stream::{self, StreamExt};
use tonic::Status;

/// The services of which it tells; the first is all of them.
const SERVICES: [&str; 5] = [
    "",
    "grpc.health.v1.Health",
    "inference.GRPCInferenceService",
    "tensorflow.serving.ModelService",
    "tensorflow.serving.PredictionService",
];

pub(super) fn router() -> Router<Shared> {
    Router::new()
        .route("/grpc.health.v1.Health/Check", unary(check))
        .route("/grpc.health.v1.Health/List", unary(list))
        .route("/grpc.health.v1.Health/Watch", server_streaming(watch))
}

async fn check(call: Call<HealthCheckRequest>) -> Result<HealthCheckResponse, Status> {
    let name = &call.message.service;
    let known = SERVICES.contains(&name.as_str());
    known.then(|| now(&call.served)).ok_or_else(|| Status::not_found(format!("there is no service `{name}`")))
}

async fn list(call: Call<HealthListRequest>) -> Result<HealthListResponse, Status> {
    let statuses = SERVICES.map(|name| (name.to_owned(), now(&call.served)));
    Ok(HealthListResponse { statuses: statuses.into_iter().collect() })
}

fn watch(call: Call<HealthCheckRequest>) -> Answers<HealthCheckResponse> {
    let served = call.served;
    if !SERVICES.contains(&call.message.service.as_str()) {
        // It will not become known, which the client need not be told until the service ends.
        let unknown = stream::once(async { Ok(response(ServingStatus::ServiceUnknown)) });
        return Box::pin(unknown.chain(ended(served)));
    }
    let first = now(&served);
    let first = (first.status() == ServingStatus::Serving).then_some(Ok(first));
    let stopped = served.readiness.stopped();
    let last = stream::once(async {
        stopped.await;
        Ok(response(ServingStatus::NotServing))
    });
    Box::pin(stream::iter(first).chain(last).chain(ended(served)))
}

/// An end of a stream, once the service ends.
fn ended<T>(served: Shared) -> impl futures_util::Stream<Item = Result<T, Status>> {
    stream::once(async move {
        served.readiness.stopped().await;
        Err(Status::unavailable("the service is stopping"))
    })
}

fn now(served: &Shared) -> HealthCheckResponse {
    response(if served.is_ready() { ServingStatus::Serving } else { ServingStatus::NotServing })
}

fn response(status: ServingStatus) -> HealthCheckResponse {
    HealthCheckResponse { status: status.into() }
}
