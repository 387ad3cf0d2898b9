//! Versions side by side over gRPC: what the message and the metadata ask for answers, and the metadata say which version that was.

use super::client::{Client, Running};
use super::oip::{floats, request as inference};
use super::tfserving::{examples, request as prediction, tensor};
use crate::client::{rows_of, same_bits};
use crate::versions::{Bf16, Int8, MoodF32, MoodInt8, three_to_one};
use modeldeploy_service::Version;
use modeldeploy_service::wire::inference::*;
use modeldeploy_service::wire::tensorflow::serving::model_spec::VersionChoice;
use modeldeploy_service::wire::tensorflow::serving::*;
use tonic::metadata::MetadataMap;
use tonic::{Code, Request, Response, Status};

/// The first text's vector, and the version that the metadata name.
type Answer = Result<(Vec<f32>, String), Status>;

const PREDICT: &str = "/tensorflow.serving.PredictionService/Predict";
const INFER: &str = "/inference.GRPCInferenceService/ModelInfer";

/// What a message says of the version.
#[derive(Clone, Copy, Debug)]
enum Choice {
    None,
    Label(&'static str),
    Number(i64),
    /// In the model's name.
    Named(&'static str),
    /// OIP's `model_version`.
    Either(&'static str),
}

use Choice::{Either, Label, Named, Number};

/// The service that all of these ask, and its labels beside the canary's.
async fn client() -> Client {
    let mood = [Version::stable::<MoodInt8>(), Version::of::<MoodF32>().label("next")];
    Running::new(three_to_one().versions("mood", mood)).client().await
}

#[track_caller]
fn version(metadata: &MetadataMap) -> String {
    metadata.get("x-model-version").expect("a version").to_str().expect("ASCII").to_owned()
}

fn with<M>(message: M, headers: &[(&'static str, &str)]) -> Request<M> {
    let mut request = Request::new(message);
    for (name, value) in headers {
        request.metadata_mut().insert(*name, value.parse().expect("ASCII"));
    }
    request
}

fn spec(name: &str, choice: Choice) -> Option<ModelSpec> {
    let (name, version_choice) = match choice {
        Label(label) => (name.to_owned(), Some(VersionChoice::VersionLabel(label.to_owned()))),
        Number(number) => (name.to_owned(), Some(VersionChoice::Version(number))),
        Named(suffix) => (format!("{name}{suffix}"), None),
        Choice::None | Either(_) => (name.to_owned(), None),
    };
    Some(ModelSpec { name, version_choice, ..Default::default() })
}

async fn predict(client: &Client, choice: Choice, headers: &[(&'static str, &str)]) -> Answer {
    let asked = with(prediction(spec("encoder", choice), tensor(&[1], &["phone"])), headers);
    let answer: Response<PredictResponse> = client.answer(PREDICT, asked).await?;
    Ok((answer.get_ref().outputs["embedding"].float_val.clone(), version(answer.metadata())))
}

async fn infer(client: &Client, choice: Choice, headers: &[(&'static str, &str)]) -> Answer {
    let mut asked = inference("encoder", &[1], &["phone"], true);
    match choice {
        Either(version) => version.clone_into(&mut asked.model_version),
        Named(suffix) => asked.model_name.push_str(suffix),
        _ => {}
    }
    let answer: Response<ModelInferResponse> = client.answer(INFER, with(asked, headers)).await?;
    assert_eq!(answer.get_ref().model_version, version(answer.metadata()));
    Ok((floats(answer.get_ref(), 0), version(answer.metadata())))
}

#[tokio::test]
async fn what_a_request_asks_for_answers_and_says_that_it_did() {
    let client = client().await;
    for (choice, headers, answers) in [
        (Label("stable"), &[][..], "1.2.0"),
        (Label("canary"), &[], "1.3.0"),
        // Both are 1 there: the stable one answers.
        (Number(1), &[], "1.2.0"),
        (Named("@canary"), &[], "1.3.0"),
        (Named(":1.2.0"), &[], "1.2.0"),
        (Either("canary"), &[], "1.3.0"),
        (Either("stable"), &[], "1.2.0"),
        (Either("1.3.0"), &[], "1.3.0"),
        (Choice::None, &[("x-model-label", "canary")], "1.3.0"),
        (Choice::None, &[("x-model-version", "1.2.0")], "1.2.0"),
        // What the message says goes before the metadata.
        (Label("canary"), &[("x-model-label", "stable")], "1.3.0"),
        (Either("1.2.0"), &[("x-model-version", "1.3.0")], "1.2.0"),
    ] {
        let expected = match answers {
            "1.2.0" => rows_of::<Int8>(&["phone"]).concat(),
            _ => rows_of::<Bf16>(&["phone"]).concat(),
        };
        let check = |answer: Answer| {
            let (values, version) = answer.unwrap_or_else(|error| panic!("{choice:?} {headers:?}: {error:?}"));
            assert_eq!(version, answers, "{choice:?} {headers:?}");
            same_bits(&values, &expected);
        };
        if !matches!(choice, Either(_)) {
            check(predict(&client, choice, headers).await);
        }
        if !matches!(choice, Label(_) | Number(_)) {
            check(infer(&client, choice, headers).await);
        }
    }
}

#[tokio::test]
async fn what_is_asked_for_and_not_there_is_not_found_and_says_what_is() {
    let client = client().await;
    let known = "; there is 1.3.0 (canary), 1.2.0 (stable)";
    for (choice, headers, message) in [
        (Label("next"), &[][..], "there is no label `next` of model `encoder`"),
        (Number(2), &[], "there is no version `2` of model `encoder`"),
        (Either("2.0.0"), &[], "there is no version `2.0.0` of model `encoder`"),
        (Choice::None, &[("x-model-label", "next")], "there is no label `next` of model `encoder`"),
        (Choice::None, &[("x-model-version", "2.0.0")], "there is no version `2.0.0` of model `encoder`"),
    ] {
        let refused = match choice {
            Either(_) => infer(&client, choice, headers).await,
            _ => predict(&client, choice, headers).await,
        };
        let error = refused.expect_err(message);
        assert_eq!((error.code(), error.message()), (Code::NotFound, &*format!("{message}{known}")));
        assert!(error.metadata().get("x-model-version").is_none(), "{error:?}");
    }
}

#[tokio::test]
async fn shares_are_kept_and_a_key_stays_with_its_version() {
    let client = client().await;
    for turn in 0..2 {
        let mut canary = 0;
        for _ in 0..100 {
            let (_, version) = match turn {
                0 => predict(&client, Choice::None, &[]).await,
                _ => infer(&client, Choice::None, &[]).await,
            }
            .expect("a vector");
            canary += u32::from(version == "1.3.0");
        }
        assert!((22..=28).contains(&canary), "{canary} of 100 are not a quarter");
    }
    // By sha256sum of `encoder`, a zero byte and the key, as over REST.
    for (user, answers) in [(0, "1.2.0"), (1, "1.3.0"), (8, "1.2.0"), (9, "1.3.0")] {
        let key = format!("user-{user}");
        let headers = [("x-routing-key", key.as_str())];
        let (_, of_predict) = predict(&client, Choice::None, &headers).await.expect("a vector");
        let (_, of_infer) = infer(&client, Choice::None, &headers).await.expect("a vector");
        assert_eq!((of_predict.as_str(), of_infer.as_str()), (answers, answers), "{key}");
    }
}

#[tokio::test]
async fn labels_of_examples_are_of_the_version_that_is_asked_for() {
    let client = client().await;
    let classify = "/tensorflow.serving.PredictionService/Classify";
    let multi = "/tensorflow.serving.PredictionService/MultiInference";
    let scores = |result: &ClassificationResult| -> Vec<f32> {
        result.classifications[0].classes.iter().map(|class| class.score).collect()
    };
    for (label, version_of, expected) in
        [("stable", "1.0.0", rows_of::<MoodInt8>(&["phone"])), ("next", "2.0.0", rows_of::<MoodF32>(&["phone"]))]
    {
        let model_spec = spec("mood", Label(label));
        let asked = ClassificationRequest { model_spec: model_spec.clone(), input: examples(&[&["phone"]]) };
        let answer: Response<ClassificationResponse> =
            client.answer(classify, Request::new(asked)).await.expect("labels");
        assert_eq!(version(answer.metadata()), version_of);
        same_bits(&scores(answer.get_ref().result.as_ref().expect("labels")), &expected[0]);

        let task = InferenceTask { model_spec, method_name: "tensorflow/serving/classify".to_owned() };
        let asked = MultiInferenceRequest { tasks: vec![task], input: examples(&[&["phone"]]) };
        let answer: Response<MultiInferenceResponse> = client.answer(multi, Request::new(asked)).await.expect("labels");
        assert_eq!(version(answer.metadata()), version_of);
    }
}

#[tokio::test]
async fn what_is_told_of_a_model_is_told_of_the_version_with_a_label() {
    let client = client().await;
    let asked = GetModelStatusRequest { model_spec: spec("mood", Label("next")) };
    let status: GetModelStatusResponse =
        client.unary("/tensorflow.serving.ModelService/GetModelStatus", asked).await.expect("a state");
    assert_eq!(status.model_version_status.iter().map(|state| state.version).collect::<Vec<_>>(), [2]);
    for (version, is_ready) in [("next", true), ("stable", true), ("2.0.0", true), ("canary", false)] {
        let asked = ModelReadyRequest { name: "mood".to_owned(), version: version.to_owned() };
        let ready: ModelReadyResponse =
            client.unary("/inference.GRPCInferenceService/ModelReady", asked).await.expect("an answer");
        assert_eq!(ready.ready, is_ready, "{version}");
    }
}
