//! Open Inference Protocol: what it says of models, and what it infers.

use super::client::shared;
use crate::client::{rows_of, same_bits};
use crate::models::{Encoder1, Encoder2, Mood, Ranker, rows};
use modeldeploy::model::Input;
use modeldeploy_service::wire::inference::infer_parameter::ParameterChoice;
use modeldeploy_service::wire::inference::model_infer_request::{InferInputTensor, InferRequestedOutputTensor};
use modeldeploy_service::wire::inference::*;
use prost::Message;
use std::collections::BTreeMap;
use tonic::{Code, Status};

macro_rules! method {
    ($name:literal) => {
        concat!("/inference.GRPCInferenceService/", $name)
    };
}

/// A request whose texts come in `contents`, or raw.
pub(super) fn request(model: &str, shape: &[i64], texts: &[&str], is_raw: bool) -> ModelInferRequest {
    let bytes_contents = texts.iter().map(|text| text.as_bytes().to_vec().into()).collect();
    let contents = (!is_raw).then(|| InferTensorContents { bytes_contents, ..Default::default() });
    let raw: Vec<u8> =
        texts.iter().flat_map(|text| [&(text.len() as u32).to_le_bytes(), text.as_bytes()].concat()).collect();
    let (name, datatype) = ("text".to_owned(), "BYTES".to_owned());
    let input = InferInputTensor { name, datatype, shape: shape.to_vec(), contents, ..Default::default() };
    let raw_input_contents = if is_raw { vec![raw.into()] } else { vec![] };
    ModelInferRequest { model_name: model.to_owned(), inputs: vec![input], raw_input_contents, ..Default::default() }
}

pub(super) async fn infer(request: ModelInferRequest) -> Result<ModelInferResponse, Status> {
    shared().await.unary(method!("ModelInfer"), request).await
}

/// The floats of an output, raw or not.
#[track_caller]
pub(super) fn floats(response: &ModelInferResponse, at: usize) -> Vec<f32> {
    match &response.outputs[at].contents {
        Some(contents) => contents.fp32_contents.clone(),
        None => response.raw_output_contents[at]
            .chunks_exact(4)
            .map(|bytes| f32::from_le_bytes(bytes.try_into().expect("four bytes")))
            .collect(),
    }
}

/// The metadata's field 6, as KServe has it.
#[derive(Clone, PartialEq, prost::Message)]
struct Properties {
    #[prost(btree_map = "string, string", tag = "6")]
    properties: BTreeMap<String, String>,
}

#[tokio::test]
async fn the_service_and_its_models_are_described() {
    let client = shared().await;
    let live: ServerLiveResponse = client.unary(method!("ServerLive"), ServerLiveRequest {}).await.expect("live");
    let ready: ServerReadyResponse = client.unary(method!("ServerReady"), ServerReadyRequest {}).await.expect("ready");
    assert!(live.live && ready.ready);
    let server: ServerMetadataResponse =
        client.unary(method!("ServerMetadata"), ServerMetadataRequest {}).await.expect("it");
    assert_eq!((server.name.as_str(), server.version.as_str()), ("shop", "1.2.3"));
    for (name, version, expected) in
        [("mood", "", true), ("encoder", "1.0.0", true), ("encoder", "3.0.0", false), ("x", "", false)]
    {
        let request = ModelReadyRequest { name: name.to_owned(), version: version.to_owned() };
        let ready: ModelReadyResponse = client.unary(method!("ModelReady"), request).await.expect("an answer");
        assert_eq!(ready.ready, expected, "{name} {version}");
    }
    let request = ModelMetadataRequest { name: "mood".to_owned(), version: String::new() };
    let mood: ModelMetadataResponse = client.unary(method!("ModelMetadata"), request).await.expect("metadata");
    let tensors = |tensors: &[model_metadata_response::TensorMetadata]| {
        tensors
            .iter()
            .map(|tensor| format!("{} {} {:?}", tensor.name, tensor.datatype, tensor.shape))
            .collect::<Vec<_>>()
    };
    assert_eq!((mood.name.as_str(), &mood.versions[..]), ("mood", &["1.0.0".to_owned()][..]));
    assert_eq!(tensors(&mood.inputs), ["text BYTES [-1]"]);
    assert_eq!(tensors(&mood.outputs), ["probabilities FP32 [-1, 3]", "label BYTES [-1]"]);
    // Field 6 has not the same type in all servers: some clients could not read ours.
    let properties = Properties::decode(&mood.encode_to_vec()[..]).expect("a message");
    assert!(properties.properties.is_empty(), "{properties:?}");
}

#[tokio::test]
async fn a_configuration_has_the_shapes_of_the_metadata() {
    let request = ModelConfigRequest { name: "ranker".to_owned(), version: String::new() };
    let response: ModelConfigResponse = shared().await.unary(method!("ModelConfig"), request).await.expect("it");
    let config = response.config.expect("a configuration");
    assert_eq!((config.name.as_str(), config.max_batch_size), ("ranker", 0));
    assert_eq!((config.input[0].data_type(), &config.input[0].dims[..]), (DataType::TypeString, &[-1, 2][..]));
    assert_eq!((config.output[0].data_type(), &config.output[0].dims[..]), (DataType::TypeFp32, &[-1][..]));
    assert_eq!(config.parameters["digest"].string_value, "sha256:00");
}

#[tokio::test]
async fn tensors_are_answered_as_they_came_with_the_engines_bits() {
    let texts = ["phone", "", "手机"];
    for is_raw in [false, true] {
        let answer = infer(ModelInferRequest { id: "42".to_owned(), ..request("encoder", &[3], &texts, is_raw) }).await;
        let answer = answer.expect("vectors");
        assert_eq!(
            (answer.model_name.as_str(), answer.model_version.as_str(), answer.id.as_str()),
            ("encoder", "2.1.0", "42")
        );
        let output = &answer.outputs[0];
        assert_eq!(
            (output.name.as_str(), output.datatype.as_str(), &output.shape[..]),
            ("embedding", "FP32", &[3, 20][..])
        );
        assert_eq!((output.contents.is_none(), answer.raw_output_contents.len()), (is_raw, usize::from(is_raw)));
        same_bits(&floats(&answer, 0), &rows_of::<Encoder2>(&texts).concat());

        let answer = infer(request("ranker", &[1, 2], &["ab", "cde"], is_raw)).await.expect("a score");
        same_bits(
            &floats(&answer, 0),
            &rows::<Ranker>([Input { text: "ab", pair: Some("cde"), ..Input::default() }])[0],
        );
        assert_eq!(answer.outputs[0].shape, [1]);

        let answer = infer(request("mood", &[1], &["ab"], is_raw)).await.expect("labels");
        same_bits(&floats(&answer, 0), &rows_of::<Mood>(&["ab"])[0]);
        let label = match &answer.outputs[1].contents {
            Some(contents) => contents.bytes_contents[0].to_vec(),
            None => answer.raw_output_contents[1].to_vec(),
        };
        assert_eq!(label, if is_raw { b"\x04\0\0\0high".to_vec() } else { b"high".to_vec() });
    }
    let none = infer(request("encoder", &[0], &[], true)).await.expect("nothing");
    assert_eq!((&none.outputs[0].shape[..], none.raw_output_contents[0].len()), (&[0, 20][..], 0));
}

#[tokio::test]
async fn a_version_a_prompt_and_outputs_are_those_that_are_named() {
    let prompt = InferParameter { parameter_choice: Some(ParameterChoice::StringParam("query".to_owned())) };
    for (parameters, prompt) in [([].into(), "d: "), ([("prompt".to_owned(), prompt)].into(), "q: ")] {
        let model_version = "1.0.0".to_owned();
        let asked = ModelInferRequest { parameters, model_version, ..request("encoder", &[1], &["ab"], true) };
        let answer = infer(asked).await.expect("a vector");
        same_bits(&floats(&answer, 0), &rows::<Encoder1>([Input { prompt, text: "ab", pair: None }])[0]);
    }
    let wanted = |names: &[&str]| {
        let output = |name: &&str| InferRequestedOutputTensor { name: (*name).to_owned(), ..Default::default() };
        ModelInferRequest { outputs: names.iter().map(output).collect(), ..request("mood", &[1], &["ab"], true) }
    };
    let answer = infer(wanted(&["label", "probabilities"])).await.expect("labels");
    assert_eq!(
        answer.outputs.iter().map(|output| output.name.as_str()).collect::<Vec<_>>(),
        ["label", "probabilities"]
    );
    assert_eq!(answer.raw_output_contents[0], b"\x04\0\0\0high"[..]);
    let error = infer(wanted(&["lable"])).await.expect_err("no such output");
    let message = "there is no output `lable`; the model gives `probabilities` and `label`";
    assert_eq!((error.code(), error.message()), (Code::InvalidArgument, message));
}

#[tokio::test]
async fn what_is_wrong_has_a_code_and_the_words_of_rest() {
    let version = |version: &str| ModelInferRequest {
        model_version: version.to_owned(),
        ..request("encoder", &[1], &["a"], false)
    };
    for (asked, code, message) in [
        (request("x", &[1], &["a"], true), Code::NotFound, "there is no model `x`"),
        (ModelInferRequest::default(), Code::NotFound, "there is no model ``"),
        (
            version("3"),
            Code::NotFound,
            "there is no version `3` of model `encoder`; there is 2.1.0 (stable), 1.0.0 (previous)",
        ),
        (request("encoder", &[2], &["a"], true), Code::InvalidArgument, "input `text`: its bytes are 1 elements, and"),
        (request("encoder", &[-1], &["a"], true), Code::InvalidArgument, "input `text`: `shape` is [-1]"),
        (
            request("encoder", &[1, 2], &["a", "b"], true),
            Code::InvalidArgument,
            "input `text`: element 0: the model embeds one text, and this is a pair",
        ),
        (
            request("ranker", &[1], &["a"], false),
            Code::InvalidArgument,
            "input `text`: element 0: the model scores a query and a document",
        ),
        (
            request("encoder", &[2049], &["a"; 2049], true),
            Code::InvalidArgument,
            "there are 2049 texts, and at most 2048 are taken",
        ),
    ] {
        let error = infer(asked).await.expect_err(message);
        assert!(error.code() == code && error.message().contains(message), "{message}: {error:?}");
    }
}

#[tokio::test]
async fn models_are_listed_and_neither_loaded_nor_unloaded() {
    let client = shared().await;
    let index: RepositoryIndexResponse =
        client.unary(method!("RepositoryIndex"), RepositoryIndexRequest::default()).await.expect("an index");
    let models: Vec<_> =
        index.models.iter().map(|it| (it.name.as_str(), it.version.as_str(), it.state.as_str())).collect();
    let expected = [
        ("encoder", "2.1.0"),
        ("encoder", "1.0.0"),
        ("feed", "1.0.0"),
        ("mood", "1.0.0"),
        ("nearby", "1.0.0"),
        ("ranker", "1.0.0"),
        ("shelf", "1.0.0"),
    ];
    assert_eq!(models, expected.map(|(name, version)| (name, version, "READY")));
    // Triton's clients name the model in field 2, KServe's in field 1.
    for (first, second, code, message) in [
        ("", "mood", Code::Unimplemented, "(sha256:00) is compiled into this service"),
        ("mood", "", Code::Unimplemented, "model `mood` 1.0.0"),
        ("", "x", Code::NotFound, "there is no model `x`"),
    ] {
        let (repository_name, model_name) = (first.to_owned(), second.to_owned());
        let load =
            RepositoryModelLoadRequest { repository_name: repository_name.clone(), model_name: model_name.clone() };
        let loaded = client.unary::<_, RepositoryModelLoadResponse>(method!("RepositoryModelLoad"), load).await;
        let unload = RepositoryModelUnloadRequest { repository_name, model_name };
        let unloaded = client.unary::<_, RepositoryModelUnloadResponse>(method!("RepositoryModelUnload"), unload).await;
        for error in [loaded.expect_err("compiled in"), unloaded.expect_err("compiled in")] {
            assert!(error.code() == code && error.message().contains(message), "{error:?}");
        }
    }
}
