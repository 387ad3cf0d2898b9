//! Health, reflection, and what there is not.

use super::client::{Running, shared};
use modeldeploy_service::Limits;
use modeldeploy_service::wire::health::health_check_response::ServingStatus;
use modeldeploy_service::wire::health::*;
use std::collections::BTreeSet;
use std::time::Duration;
use tonic::Code;
use tonic_reflection::pb;

const SERVICES: [&str; 4] = [
    "grpc.health.v1.Health",
    "inference.GRPCInferenceService",
    "tensorflow.serving.ModelService",
    "tensorflow.serving.PredictionService",
];

fn of(service: &str) -> HealthCheckRequest {
    HealthCheckRequest { service: service.to_owned() }
}

#[tokio::test]
async fn each_service_is_known_and_no_other() {
    let client = shared().await;
    for service in SERVICES.into_iter().chain([""]) {
        let health: HealthCheckResponse =
            client.unary("/grpc.health.v1.Health/Check", of(service)).await.expect("an answer");
        assert_eq!(health.status(), ServingStatus::Serving, "{service}");
    }
    let health = client.unary::<_, HealthCheckResponse>("/grpc.health.v1.Health/Check", of("x")).await;
    let error = health.expect_err("no such service");
    assert_eq!((error.code(), error.message()), (Code::NotFound, "there is no service `x`"));
    let list: HealthListResponse =
        client.unary("/grpc.health.v1.Health/List", HealthListRequest {}).await.expect("a list");
    let names: BTreeSet<&str> = list.statuses.keys().map(String::as_str).collect();
    assert_eq!(names, SERVICES.into_iter().chain([""]).collect());
}

#[tokio::test]
async fn who_watches_hears_that_the_service_stops_and_does_not_hold_it_up() {
    let service = Running::with(Limits { grace: Duration::from_secs(3600), ..Limits::default() });
    let client = service.client().await;
    let path = "/grpc.health.v1.Health/Watch";
    let mut known = client.watch::<_, HealthCheckResponse>(path, of("")).await.expect("a stream");
    let mut unknown = client.watch::<_, HealthCheckResponse>(path, of("x")).await.expect("a stream");
    let next = known.message().await.expect("a status").expect("one more");
    assert_eq!(next.status(), ServingStatus::Serving);
    let next = unknown.message().await.expect("a status").expect("one more");
    assert_eq!(next.status(), ServingStatus::ServiceUnknown);
    service.stop.notify_one();
    let next = known.message().await.expect("a status").expect("one more");
    assert_eq!(next.status(), ServingStatus::NotServing);
    for mut ended in [known, unknown] {
        assert_eq!(ended.message().await.expect_err("the end").code(), Code::Unavailable);
    }
    drop(client);
    service.ended.await.expect("it ends");
}

#[tokio::test]
async fn reflection_lists_every_service_with_its_methods() {
    let client = shared().await;
    let ask = |message_request| pb::v1::ServerReflectionRequest {
        host: String::new(),
        message_request: Some(message_request),
    };
    use pb::v1::server_reflection_request::MessageRequest;
    use pb::v1::server_reflection_response::MessageResponse;
    let messages = vec![
        ask(MessageRequest::ListServices(String::new())),
        ask(MessageRequest::FileContainingSymbol("inference.GRPCInferenceService".to_owned())),
        ask(MessageRequest::FileByFilename("tensorflow/core/framework/tensor.proto".to_owned())),
    ];
    let path = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo";
    let mut answers =
        client.stream::<_, pb::v1::ServerReflectionResponse>(path, messages, false).await.expect("a stream");
    let mut next = async || answers.message().await.expect("an answer").expect("one more").message_response;
    let Some(MessageResponse::ListServicesResponse(list)) = next().await else { panic!("no list") };
    let names: BTreeSet<String> = list.service.into_iter().map(|service| service.name).collect();
    let expected = SERVICES.into_iter().chain(["grpc.reflection.v1.ServerReflection"]).map(str::to_owned);
    assert_eq!(names, expected.collect());
    for text in ["ModelStreamInfer", "TensorProto"] {
        let Some(MessageResponse::FileDescriptorResponse(file)) = next().await else { panic!("no file") };
        let bytes = &file.file_descriptor_proto[0];
        assert!(bytes.windows(text.len()).any(|window| window == text.as_bytes()), "{text}");
    }

    let older = pb::v1alpha::ServerReflectionRequest {
        host: String::new(),
        message_request: Some(pb::v1alpha::server_reflection_request::MessageRequest::ListServices(String::new())),
    };
    let path = "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo";
    let mut answers =
        client.stream::<_, pb::v1alpha::ServerReflectionResponse>(path, vec![older], false).await.expect("it");
    assert!(answers.message().await.expect("an answer").is_some());
}

#[tokio::test]
async fn what_is_not_there_is_unimplemented() {
    let client = shared().await;
    for path in ["/inference.GRPCInferenceService/CudaSharedMemoryStatus", "/shop.Search/Find"] {
        let error = client.unary::<_, HealthCheckResponse>(path, of("")).await.expect_err("no such method");
        assert_eq!(error.code(), Code::Unimplemented);
        assert!(error.message().contains(&format!("there is no method `{path}`")), "{error:?}");
    }
}
