//! A ranker of embeddings over gRPC: the scores are those of the engine, to the bit, however tensors are written.

use super::client::shared;
use crate::candidates::of_nearby;
use crate::embeddings::{QUERY, bytes, candidates};
use modeldeploy_service::wire::inference::model_infer_request::InferInputTensor;
use modeldeploy_service::wire::inference::{InferTensorContents, ModelInferRequest, ModelInferResponse};
use modeldeploy_service::wire::tensorflow::serving::{ModelSpec, PredictRequest, PredictResponse};
use modeldeploy_service::wire::tensorflow::tensor_shape_proto::Dim;
use modeldeploy_service::wire::tensorflow::{DataType, TensorProto, TensorShapeProto};
use tonic::Code;

const INFER: &str = "/inference.GRPCInferenceService/ModelInfer";
const PREDICT: &str = "/tensorflow.serving.PredictionService/Predict";

#[tokio::test]
async fn grpc_gives_the_engines_scores_to_the_bit() {
    let (client, rows) = (shared().await, candidates(5));
    let expected = of_nearby(&QUERY, &rows);
    let titles: Vec<f32> = rows.iter().flat_map(|(title, _)| *title).collect();
    let boosts: Vec<f64> = rows.iter().map(|(_, boost)| *boost).collect();
    let input = |name: &str, datatype: &str, shape: &[i64], contents| InferInputTensor {
        name: name.to_owned(),
        datatype: datatype.to_owned(),
        shape: shape.to_vec(),
        contents,
        ..Default::default()
    };
    let floats = |values: &[f32]| InferTensorContents { fp32_contents: values.to_vec(), ..Default::default() };
    let request = |inputs, raw_input_contents| ModelInferRequest {
        model_name: "nearby".to_owned(),
        inputs,
        raw_input_contents,
        ..Default::default()
    };
    let numbers = InferTensorContents { fp64_contents: boosts.clone(), ..Default::default() };
    let listed = vec![
        input("query", "FP32", &[1, 3], Some(floats(&QUERY))),
        input("boost", "FP64", &[5], Some(numbers)),
        input("title", "FP32", &[5, 3], Some(floats(&titles))),
    ];
    let answer: ModelInferResponse = client.unary(INFER, request(listed, vec![])).await.expect("scores");
    assert_eq!(answer.outputs[0].contents.as_ref().expect("contents").fp64_contents, expected);
    let raw = vec![
        input("query", "FP32", &[3], None),
        input("boost", "FP64", &[5], None),
        input("title", "FP32", &[5, 3], None),
    ];
    let le: Vec<u8> = boosts.iter().flat_map(|boost| boost.to_le_bytes()).collect();
    let contents = vec![bytes(&QUERY).into(), le.into(), bytes(&titles).into()];
    let answer: ModelInferResponse = client.unary(INFER, request(raw, contents)).await.expect("scores");
    let read = |it: &[u8]| f64::from_le_bytes(it.try_into().expect("eight bytes"));
    assert_eq!(answer.raw_output_contents[0].chunks(8).map(read).collect::<Vec<_>>(), expected);

    let tensor = |dtype: DataType, sizes: &[i64]| {
        let dim = sizes.iter().map(|&size| Dim { size, name: String::new() }).collect();
        let tensor_shape = Some(TensorShapeProto { dim, unknown_rank: false });
        TensorProto { dtype: dtype.into(), tensor_shape, ..Default::default() }
    };
    let title = TensorProto { float_val: titles.clone(), ..tensor(DataType::DtFloat, &[5, 3]) };
    let packed = TensorProto { tensor_content: bytes(&titles).into(), ..tensor(DataType::DtFloat, &[5, 3]) };
    let predict = |title: TensorProto| PredictRequest {
        model_spec: Some(ModelSpec { name: "nearby".to_owned(), ..Default::default() }),
        inputs: [
            ("query", TensorProto { float_val: QUERY.to_vec(), ..tensor(DataType::DtFloat, &[3]) }),
            ("boost", TensorProto { double_val: boosts.clone(), ..tensor(DataType::DtDouble, &[5]) }),
            ("title", title),
        ]
        .map(|(name, tensor)| (name.to_owned(), tensor))
        .into(),
        output_filter: vec![],
    };
    for title in [title, packed] {
        let answer: PredictResponse = client.unary(PREDICT, predict(title)).await.expect("scores");
        assert_eq!(answer.outputs["scores"].double_val, expected);
    }
    for (title, said) in [
        (tensor(DataType::DtFloat, &[5]), "`shape` is [5], and must be [n, 3], an embedding for each candidate"),
        (tensor(DataType::DtFloat, &[1 << 40, 3]), "and at most 10000 values are taken"),
        (tensor(DataType::DtString, &[5, 3]), "`dtype` is DT_STRING, and must be DT_DOUBLE, DT_FLOAT"),
    ] {
        let error = client.unary::<_, PredictResponse>(PREDICT, predict(title)).await.expect_err(said);
        assert!(error.code() == Code::InvalidArgument && error.message().contains(said), "{error}");
    }
}
