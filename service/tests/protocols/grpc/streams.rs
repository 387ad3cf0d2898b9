//! `ModelStreamInfer`: many requests in a stream, answered in their order, each with the engine's bits.

use super::client::{Running, shared};
use super::oip::{floats, request};
use crate::client::{rows_of, same_bits};
use crate::models::Encoder2;
use modeldeploy_service::Limits;
use modeldeploy_service::wire::inference::{
    ModelInferRequest, ModelStatisticsRequest, ModelStatisticsResponse, ModelStreamInferResponse,
};
use std::time::Duration;
use tonic::Code;

const STREAM: &str = "/inference.GRPCInferenceService/ModelStreamInfer";

fn texts(at: usize) -> Vec<String> {
    (0..at % 5 + 1).map(|text| "abcdefgh手机"[..at % 9].to_owned() + &text.to_string()).collect()
}

#[tokio::test]
async fn answers_come_in_order_and_a_wrong_request_is_answered_in_its_turn() {
    let asked = |at: usize| {
        let texts = texts(at);
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let model = if at % 10 == 7 { "x" } else { "encoder" };
        ModelInferRequest { id: at.to_string(), ..request(model, &[texts.len() as i64], &texts, at.is_multiple_of(2)) }
    };
    let client = shared().await;
    let messages = (0..200).map(asked).collect();
    let mut answers = client.stream::<_, ModelStreamInferResponse>(STREAM, messages, false).await.expect("a stream");
    for at in 0..200 {
        let answer = answers.message().await.expect("an answer").expect("one more");
        let response = answer.infer_response.expect("a response");
        assert_eq!(response.id, at.to_string());
        if at % 10 == 7 {
            assert!(answer.error_message.contains("there is no model `x`"), "{}", answer.error_message);
            assert!(response.outputs.is_empty() && response.model_name == "x");
        } else {
            assert_eq!(answer.error_message, "");
            let texts = texts(at);
            let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
            same_bits(&floats(&response, 0), &rows_of::<Encoder2>(&texts).concat());
        }
    }
    assert!(answers.message().await.expect("the end").is_none());
}

#[tokio::test]
async fn each_message_is_counted_with_its_model() {
    let service = Running::with(Limits::default());
    let client = service.client().await;
    // The last one is a text, and that model takes pairs.
    let mut messages: Vec<_> = (0..5).map(|_| request("mood", &[2], &["ab", "c"], true)).collect();
    messages.push(request("ranker", &[1], &["a"], true));
    let mut answers = client.stream::<_, ModelStreamInferResponse>(STREAM, messages, false).await.expect("a stream");
    while answers.message().await.expect("an answer").is_some() {}
    let all: ModelStatisticsResponse = client
        .unary("/inference.GRPCInferenceService/ModelStatistics", ModelStatisticsRequest::default())
        .await
        .expect("statistics");
    let of = |name: &str| {
        let model = all.model_stats.iter().find(|model| model.name == name).expect("a model");
        let stats = model.inference_stats.expect("statistics");
        [stats.success, stats.fail].map(|lapse| lapse.expect("a duration").count)
    };
    assert_eq!((of("mood"), of("ranker"), of("encoder")), ([5, 0], [0, 1], [0, 0]));
}

#[tokio::test]
async fn a_stream_ends_with_the_service_and_does_not_hold_it_up() {
    let service = Running::with(Limits { grace: Duration::from_secs(3600), ..Limits::default() });
    let client = service.client().await;
    let messages = vec![request("mood", &[1], &["ab"], true)];
    let mut answers = client.stream::<_, ModelStreamInferResponse>(STREAM, messages, true).await.expect("a stream");
    assert_eq!(answers.message().await.expect("an answer").expect("one more").error_message, "");
    service.stop.notify_one();
    assert_eq!(answers.message().await.expect_err("the end").code(), Code::Unavailable);
    drop(client);
    service.ended.await.expect("it ends");
}

#[tokio::test]
async fn a_message_that_is_too_long_ends_the_stream() {
    let service = Running::with(Limits { body_bytes: 1000, ..Limits::default() });
    let long = "x".repeat(1000);
    let messages = vec![request("mood", &[1], &[long.as_str()], true)];
    let client = service.client().await;
    let mut answers = client.stream::<_, ModelStreamInferResponse>(STREAM, messages, true).await.expect("a stream");
    let error = answers.message().await.expect_err("too long");
    assert_eq!((error.code(), error.message()), (Code::ResourceExhausted, "a message is longer than 1000 bytes"));
}
