//! Statistics, by gRPC and by REST: the same counts.

use super::client::Running;
use super::oip::request;
use crate::client::send;
use crate::models::service;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use modeldeploy_service::wire::inference::*;
use serde_json::{Value, json};

const STATISTICS: &str = "/inference.GRPCInferenceService/ModelStatistics";

fn of(name: &str, version: &str) -> ModelStatisticsRequest {
    ModelStatisticsRequest { name: name.to_owned(), version: version.to_owned() }
}

#[tokio::test]
async fn requests_and_batches_are_counted_by_model() {
    let running = Running::new(service());
    let client = running.client().await;
    let infer = |model: &'static str, texts: &'static [&'static str]| {
        let asked = request(model, &[texts.len() as i64], texts, true);
        client.unary::<_, ModelInferResponse>("/inference.GRPCInferenceService/ModelInfer", asked)
    };
    for texts in [&["a"][..], &["a", "b"], &["a", "b", "c"], &["a"]] {
        infer("mood", texts).await.expect("labels");
    }
    // A model that scores takes pairs.
    infer("ranker", &["a"]).await.expect_err("no pair");
    let mut all = ModelStatisticsResponse::default();
    // A batch is counted a moment after its rows are there.
    for _ in 0..1000 {
        all = client.unary(STATISTICS, of("", "")).await.expect("statistics");
        if all.model_stats[3].inference_count == 7 {
            break;
        }
    }
    let names: Vec<_> = all.model_stats.iter().map(|it| (it.name.as_str(), it.version.as_str())).collect();
    let expected = [("encoder", "2.1.0"), ("encoder", "1.0.0"), ("feed", "1.0.0"), ("mood", "1.0.0")];
    assert_eq!(names, [&expected[..], &[("nearby", "1.0.0"), ("ranker", "1.0.0"), ("shelf", "1.0.0")]].concat());
    let [newest, _, _, mood, _, ranker, _] = &all.model_stats[..] else { panic!("{all:?}") };

    let stats = mood.inference_stats.expect("statistics");
    let count = |lapse: Option<StatisticDuration>| lapse.expect("a duration").count;
    let nanos = |lapse: Option<StatisticDuration>| lapse.expect("a duration").ns;
    assert_eq!(mood.inference_count, 7);
    assert!((4..=7).contains(&mood.execution_count) && mood.last_inference > 0, "{mood:?}");
    assert_eq!((count(stats.success), count(stats.fail)), (4, 0));
    for part in [stats.queue, stats.compute_input, stats.compute_infer, stats.compute_output] {
        assert_eq!(count(part), 4);
    }
    let parts = [stats.queue, stats.compute_input, stats.compute_infer, stats.compute_output].map(nanos);
    assert_eq!(parts.iter().sum::<u64>(), nanos(stats.success));
    let batches: u64 = mood.batch_stats.iter().map(|of| of.batch_size * count(of.compute_infer)).sum();
    assert_eq!(batches, 7);
    assert!(mood.batch_stats.iter().all(|of| nanos(of.compute_infer) > 0), "{mood:?}");

    let failed = ranker.inference_stats.expect("statistics");
    assert_eq!((count(failed.success), count(failed.fail), ranker.execution_count), (0, 1, 0));
    assert_eq!((newest.last_inference, newest.inference_count, newest.batch_stats.len()), (0, 0, 0));

    let one: ModelStatisticsResponse = client.unary(STATISTICS, of("encoder", "1.0.0")).await.expect("statistics");
    assert_eq!((one.model_stats.len(), one.model_stats[0].version.as_str()), (1, "1.0.0"));
    for (name, version) in [("x", ""), ("encoder", "3")] {
        let error = client.unary::<_, ModelStatisticsResponse>(STATISTICS, of(name, version)).await;
        assert_eq!(error.expect_err("no such model").code(), tonic::Code::NotFound);
    }
}

#[tokio::test]
async fn rest_has_the_same_in_tritons_json() {
    let router = service().into_router().expect("a router");
    let get = async |path: &str| send(&router, Request::get(path).body(Body::empty()).expect("a request")).await;
    let body = json!({"inputs": [{"name": "text", "shape": [2], "datatype": "BYTES", "data": ["a", "b"]}]});
    let asked = Request::post("/v2/models/mood/infer").body(Body::from(body.to_string())).expect("a request");
    assert_eq!(send(&router, asked).await.status, StatusCode::OK);
    let all = get("/v2/models/stats").await.json();
    assert_eq!(all["model_stats"].as_array().map(Vec::len), Some(7));
    for path in ["/v2/models/mood/stats", "/v2/models/mood/versions/1.0.0/stats"] {
        let stats = get(path).await.json();
        let [stats] = &stats["model_stats"].as_array().expect("a list")[..] else { panic!("{stats}") };
        assert_eq!(*stats, all["model_stats"][3]);
        assert_eq!(
            (&stats["name"], &stats["version"], &stats["inference_count"]),
            (&json!("mood"), &json!("1.0.0"), &json!(2))
        );
        assert_eq!(stats["inference_stats"]["success"]["count"], 1);
        assert_eq!(stats["inference_stats"]["cache_hit"], json!({"count": 0, "ns": 0}));
        let batches = stats["batch_stats"].as_array().expect("a list").iter();
        let texts: u64 = batches.map(|of| number(&of["batch_size"]) * number(&of["compute_infer"]["count"])).sum();
        assert_eq!(texts, 2);
    }
    let config = get("/v2/models/mood/config").await.json();
    assert_eq!(
        config["input"],
        json!([{"name": "text", "data_type": "TYPE_STRING", "format": "FORMAT_NONE", "dims": [-1]}])
    );
    assert_eq!(config["output"][0], json!({"name": "probabilities", "data_type": "TYPE_FP32", "dims": [-1, 3]}));
    assert_eq!((&config["name"], &config["max_batch_size"]), (&json!("mood"), &json!(0)));
    assert_eq!(get("/v2/models/x/stats").await.status, StatusCode::NOT_FOUND);
    assert_eq!(get("/v2/models/x/config").await.status, StatusCode::NOT_FOUND);
}

fn number(value: &Value) -> u64 {
    value.as_u64().expect("a number")
}
