//! TensorFlow Serving: predictions, labels and scores of its own messages.

use super::client::shared;
use crate::client::{rows_of, same_bits};
use crate::models::{Encoder1, Encoder2, Mood, Ranker, rows};
use modeldeploy::model::Input as Text;
use modeldeploy_service::wire::tensorflow::serving::inference_result::Result as Outcome;
use modeldeploy_service::wire::tensorflow::serving::model_spec::VersionChoice;
use modeldeploy_service::wire::tensorflow::serving::*;
use modeldeploy_service::wire::tensorflow::tensor_shape_proto::Dim;
use modeldeploy_service::wire::tensorflow::*;
use prost::Message;
use tonic::{Code, Status};

macro_rules! predictions {
    ($name:literal) => {
        concat!("/tensorflow.serving.PredictionService/", $name)
    };
}

macro_rules! models {
    ($name:literal) => {
        concat!("/tensorflow.serving.ModelService/", $name)
    };
}

fn spec(name: &str, version: Option<i64>) -> Option<ModelSpec> {
    let version_choice = version.map(VersionChoice::Version);
    Some(ModelSpec { name: name.to_owned(), version_choice, ..Default::default() })
}

pub(super) fn tensor(sizes: &[i64], texts: &[&str]) -> TensorProto {
    let dim = sizes.iter().map(|&size| Dim { size, name: String::new() }).collect();
    TensorProto {
        dtype: DataType::DtString.into(),
        tensor_shape: Some(TensorShapeProto { dim, unknown_rank: false }),
        string_val: texts.iter().map(|text| text.as_bytes().to_vec().into()).collect(),
        ..Default::default()
    }
}

pub(super) fn request(model_spec: Option<ModelSpec>, tensor: TensorProto) -> PredictRequest {
    PredictRequest { model_spec, inputs: [("text".to_owned(), tensor)].into(), output_filter: vec![] }
}

async fn predict(request: PredictRequest) -> Result<PredictResponse, Status> {
    shared().await.unary(predictions!("Predict"), request).await
}

/// Examples with the feature `text`.
pub(super) fn examples(all: &[&[&str]]) -> Option<Input> {
    let example = |texts: &&[&str]| {
        let value = texts.iter().map(|text| text.as_bytes().to_vec().into()).collect();
        let feature = Feature { kind: Some(feature::Kind::BytesList(BytesList { value })) };
        Example { features: Some(Features { feature: [("text".to_owned(), feature)].into() }) }
    };
    let list = ExampleList { examples: all.iter().map(example).collect() };
    Some(Input { kind: Some(input::Kind::ExampleList(list)) })
}

fn sizes(tensor: &TensorProto) -> Vec<i64> {
    tensor.tensor_shape.as_ref().expect("a shape").dim.iter().map(|dim| dim.size).collect()
}

#[tokio::test]
async fn tensors_are_predicted_with_the_engines_bits() {
    let texts = ["phone", "", "手机"];
    let answer = predict(request(spec("encoder", None), tensor(&[3], &texts))).await.expect("vectors");
    let got = &answer.outputs["embedding"];
    same_bits(&got.float_val, &rows_of::<Encoder2>(&texts).concat());
    assert_eq!((got.dtype(), sizes(got)), (DataType::DtFloat, vec![3, 20]));
    let given = ModelSpec { signature_name: "serving_default".to_owned(), ..spec("encoder", Some(2)).expect("one") };
    assert_eq!(answer.model_spec, Some(given));

    let answer = predict(request(spec("encoder", Some(1)), tensor(&[1], &["ab"]))).await.expect("a vector");
    same_bits(
        &answer.outputs["embedding"].float_val,
        &rows::<Encoder1>([Text { prompt: "d: ", text: "ab", pair: None }])[0],
    );

    let answer = predict(request(spec("ranker", None), tensor(&[1, 2], &["ab", "cde"]))).await.expect("a score");
    let score = rows::<Ranker>([Text { text: "ab", pair: Some("cde"), ..Text::default() }]).concat();
    same_bits(&answer.outputs["score"].float_val, &score);
    assert_eq!(sizes(&answer.outputs["score"]), [1]);

    let mut asked = request(spec("mood", None), tensor(&[1], &["ab"]));
    let answer = predict(asked.clone()).await.expect("labels");
    same_bits(&answer.outputs["probabilities"].float_val, &rows_of::<Mood>(&["ab"])[0]);
    assert_eq!(answer.outputs["label"].string_val[0], b"high"[..]);
    asked.output_filter = vec!["label".to_owned()];
    let answer = predict(asked).await.expect("a label");
    assert_eq!(answer.outputs.keys().collect::<Vec<_>>(), ["label"]);
}

#[tokio::test]
async fn large_tensors_are_bytes_and_small_ones_lists() {
    // 20 values a text: at 4,096 values and at more.
    for (count, is_large) in [(1, false), (204, false), (205, true), (1000, true)] {
        let texts: Vec<String> = (0..count).map(|at| format!("phone {at}")).collect();
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let asked = request(spec("encoder", None), tensor(&[count], &texts));
        let answer = predict(asked).await.expect("vectors");
        let got = &answer.outputs["embedding"];
        assert_eq!((got.tensor_content.is_empty(), got.float_val.is_empty()), (!is_large, is_large), "{count}");
        assert_eq!((got.dtype(), sizes(got)), (DataType::DtFloat, vec![count, 20]));
        let bytes = got.tensor_content.chunks_exact(4).map(|four| f32::from_le_bytes(four.try_into().expect("four")));
        let values = if is_large { bytes.collect() } else { got.float_val.clone() };
        same_bits(&values, &rows_of::<Encoder2>(&texts).concat());
    }
}

#[tokio::test]
async fn strings_may_be_packed() {
    let packed =
        TensorProto { tensor_content: b"\x05\x06phone\xe6\x89\x8b\xe6\x9c\xba".to_vec().into(), ..tensor(&[2], &[]) };
    let answer = predict(request(spec("encoder", None), packed)).await.expect("vectors");
    same_bits(&answer.outputs["embedding"].float_val, &rows_of::<Encoder2>(&["phone", "手机"]).concat());
}

#[tokio::test]
async fn examples_are_classified_and_regressed() {
    let client = shared().await;
    let probabilities = rows_of::<Mood>(&["ab", "手机"]);
    let classify =
        ClassificationRequest { model_spec: spec("mood", Some(1)), input: examples(&[&["ab"], &["手机"]]) };
    let answer: ClassificationResponse = client.unary(predictions!("Classify"), classify).await.expect("labels");
    let check = |result: &ClassificationResult| {
        for (of, row) in result.classifications.iter().zip(&probabilities) {
            let (labels, scores): (Vec<_>, Vec<_>) = of.classes.iter().map(|it| (it.label.as_str(), it.score)).unzip();
            assert_eq!(labels, crate::packs::means::LABELS);
            same_bits(&scores, row);
        }
        assert_eq!(result.classifications.len(), 2);
    };
    check(&answer.result.expect("labels"));

    let pair = Text { text: "ab", pair: Some("cde"), ..Text::default() };
    let regress = RegressionRequest { model_spec: spec("ranker", None), input: examples(&[&["ab", "cde"]]) };
    let answer: RegressionResponse = client.unary(predictions!("Regress"), regress).await.expect("a score");
    let scores: Vec<f32> = answer.result.expect("a score").regressions.iter().map(|it| it.value).collect();
    same_bits(&scores, &rows::<Ranker>([pair])[0]);

    let task =
        |name: &str, method: &str| InferenceTask { model_spec: spec(name, None), method_name: method.to_owned() };
    let (classify, regress) = ("tensorflow/serving/classify", "tensorflow/serving/regress");
    let multi = |tasks: Vec<InferenceTask>| MultiInferenceRequest { tasks, input: examples(&[&["ab"], &["手机"]]) };
    let answer: MultiInferenceResponse =
        client.unary(predictions!("MultiInference"), multi(vec![task("mood", classify)])).await.expect("labels");
    match &answer.results[0].result {
        Some(Outcome::ClassificationResult(result)) => check(result),
        other => panic!("{other:?}"),
    }
    for (tasks, message) in [
        (vec![], "`tasks` is empty"),
        (vec![task("mood", classify), task("mood", classify)], "`tasks[1]` is asked for twice"),
        (
            vec![task("mood", classify), task("ranker", regress)],
            "`tasks[1]` names another model than the tasks before it",
        ),
        (vec![task("mood", "predict")], "`tasks[0]` has the method `predict`"),
        (vec![task("mood", regress)], "model `mood` is for the task `classify`"),
    ] {
        let refused = client.unary::<_, MultiInferenceResponse>(predictions!("MultiInference"), multi(tasks)).await;
        let error = refused.expect_err(message);
        assert!(error.code() == Code::InvalidArgument && error.message().contains(message), "{message}: {error:?}");
    }
}

#[tokio::test]
async fn states_and_signatures_are_those_of_rest() {
    let client = shared().await;
    let request = GetModelStatusRequest { model_spec: spec("encoder", None) };
    let status: GetModelStatusResponse = client.unary(models!("GetModelStatus"), request).await.expect("states");
    let states: Vec<_> = status.model_version_status.iter().map(|it| (it.version, it.state())).collect();
    assert_eq!(states, [2, 1].map(|version| (version, model_version_status::State::Available)));
    let request = GetModelStatusRequest { model_spec: spec("encoder", Some(1)) };
    let status: GetModelStatusResponse = client.unary(models!("GetModelStatus"), request).await.expect("a state");
    assert_eq!(status.model_version_status.iter().map(|it| it.version).collect::<Vec<_>>(), [1]);

    let asked = |field: &[&str]| GetModelMetadataRequest {
        model_spec: spec("mood", None),
        metadata_field: field.iter().map(ToString::to_string).collect(),
    };
    let answer: GetModelMetadataResponse =
        client.unary(predictions!("GetModelMetadata"), asked(&["signature_def"])).await.expect("metadata");
    let any = &answer.metadata["signature_def"];
    assert_eq!(any.type_url, "type.googleapis.com/tensorflow.serving.SignatureDefMap");
    let signatures = SignatureDefMap::decode(&any.value[..]).expect("signatures");
    let signature = &signatures.signature_def["serving_default"];
    let of = |info: &TensorInfo| {
        let dims = info.tensor_shape.as_ref().expect("a shape").dim.iter().map(|dim| dim.size).collect::<Vec<_>>();
        (info.dtype(), dims)
    };
    assert_eq!(of(&signature.inputs["text"]), (DataType::DtString, vec![-1]));
    assert_eq!(of(&signature.outputs["probabilities"]), (DataType::DtFloat, vec![-1, 3]));
    assert_eq!(of(&signature.outputs["label"]), (DataType::DtString, vec![-1]));
    for (fields, message) in
        [(&[][..], "`metadata_field` is empty"), (&["x"], "there is no `x`; there is `signature_def`")]
    {
        let refused =
            client.unary::<_, GetModelMetadataResponse>(predictions!("GetModelMetadata"), asked(fields)).await;
        let error = refused.expect_err(message);
        assert!(error.code() == Code::InvalidArgument && error.message().contains(message), "{error:?}");
    }

    let reload = ReloadConfigRequest::default();
    let error = client.unary::<_, ReloadConfigResponse>(models!("HandleReloadConfigRequest"), reload).await;
    let error = error.expect_err("compiled in");
    assert_eq!(error.code(), Code::Unimplemented);
    assert!(error.message().contains("`encoder` 2.1.0 (sha256:00), `encoder` 1.0.0 (sha256:00)"), "{error:?}");
}

#[tokio::test]
async fn what_is_wrong_has_a_code_and_its_field() {
    let a = || tensor(&[1], &["a"]);
    let label = VersionChoice::VersionLabel("next".to_owned());
    let labelled = ModelSpec { version_choice: Some(label), ..spec("encoder", None).expect("one") };
    let signed = ModelSpec { signature_name: "x".to_owned(), ..spec("encoder", None).expect("one") };
    let named = PredictRequest { inputs: [("txt".to_owned(), a())].into(), ..request(spec("encoder", None), a()) };
    let filtered = PredictRequest { output_filter: vec!["x".to_owned()], ..request(spec("mood", None), a()) };
    let floats = TensorProto { dtype: DataType::DtFloat.into(), ..a() };
    for (asked, code, message) in [
        (request(None, a()), Code::InvalidArgument, "`model_spec` names no model"),
        (request(spec("x", None), a()), Code::NotFound, "there is no model `x`"),
        (request(spec("encoder", Some(3)), a()), Code::NotFound, "there is no version `3` of model `encoder`"),
        (request(Some(labelled), a()), Code::NotFound, "there is no label `next` of model `encoder`"),
        (request(Some(signed), a()), Code::InvalidArgument, "there is no signature `x`; there is `serving_default`"),
        (named, Code::InvalidArgument, "`inputs` has the inputs {`txt`}, and the model takes `text`"),
        (filtered, Code::InvalidArgument, "there is no output `x`; the model gives `label` and `probabilities`"),
        (request(spec("encoder", None), floats), Code::InvalidArgument, "input `text`: `dtype` is DT_FLOAT"),
        (request(spec("encoder", None), tensor(&[-1], &["a"])), Code::InvalidArgument, "input `text`: `shape` is [-1]"),
        (
            request(spec("encoder", None), tensor(&[1 << 40], &["a"])),
            Code::InvalidArgument,
            "`tensor_shape` is [1099511627776], and at most 2048 texts are taken",
        ),
        (
            request(spec("ranker", None), a()),
            Code::InvalidArgument,
            "input `text`: element 0: the model scores a query and a document",
        ),
    ] {
        let error = predict(asked).await.expect_err(message);
        assert!(error.code() == code && error.message().contains(message), "{message}: {error:?}");
    }
}
