//! Rankers over gRPC: the scores are those of the handle, to the bit, however tensors are written.

use super::client::shared;
use crate::candidates::{FeedRow, FeedUser, ShelfRow, of_feed, of_shelf};
use modeldeploy_service::wire::inference::model_infer_request::InferInputTensor;
use modeldeploy_service::wire::inference::{InferTensorContents, ModelInferRequest, ModelInferResponse};
use modeldeploy_service::wire::tensorflow::serving::{ModelSpec, PredictRequest, PredictResponse};
use modeldeploy_service::wire::tensorflow::tensor_shape_proto::Dim;
use modeldeploy_service::wire::tensorflow::{DataType, TensorProto, TensorShapeProto};
use tonic::Code;

const INFER: &str = "/inference.GRPCInferenceService/ModelInfer";
const PREDICT: &str = "/tensorflow.serving.PredictionService/Predict";

const ROWS: [ShelfRow<'static>; 4] = [
    ShelfRow { price: 0.1 + 0.2, brand: "acme" },
    ShelfRow { price: f64::NAN, brand: "globex" },
    ShelfRow { price: 10.000_000_000_000_002, brand: "initech" },
    ShelfRow { price: f64::INFINITY, brand: "acme" },
];

fn input(name: &str, datatype: &str, contents: Option<InferTensorContents>, size: usize) -> InferInputTensor {
    let (name, datatype, shape) = (name.to_owned(), datatype.to_owned(), vec![size as i64]);
    InferInputTensor { name, datatype, shape, contents, ..Default::default() }
}

fn bits(values: &[f64]) -> Vec<u64> {
    values.iter().map(|value| value.to_bits()).collect()
}

#[tokio::test]
async fn tensors_come_in_contents_and_raw() {
    let client = shared().await;
    let prices: Vec<f64> = ROWS.iter().map(|row| row.price).collect();
    let brands: Vec<_> = ROWS.iter().map(|row| row.brand.as_bytes().to_vec().into()).collect();
    let contents = [
        InferTensorContents { fp64_contents: prices.clone(), ..Default::default() },
        InferTensorContents { bytes_contents: brands, ..Default::default() },
    ];
    let [price, brand] = contents.map(Some);
    let request = ModelInferRequest {
        model_name: "shelf".to_owned(),
        inputs: vec![input("price", "FP64", price, 4), input("brand", "BYTES", brand, 4)],
        ..Default::default()
    };
    let answer: ModelInferResponse = client.unary(INFER, request.clone()).await.expect("scores");
    let output = &answer.outputs[0];
    assert_eq!((output.name.as_str(), output.datatype.as_str(), &output.shape), ("scores", "FP64", &vec![4]));
    assert_eq!(bits(&output.contents.as_ref().expect("contents").fp64_contents), bits(&of_shelf(&ROWS)));

    let raw: Vec<u8> = prices.iter().flat_map(|price| price.to_le_bytes()).collect();
    let text = |row: &ShelfRow<'_>| [&(row.brand.len() as u32).to_le_bytes()[..], row.brand.as_bytes()].concat();
    let texts: Vec<u8> = ROWS.iter().flat_map(text).collect();
    let inputs = vec![input("price", "FP64", None, 4), input("brand", "BYTES", None, 4)];
    let raw = ModelInferRequest { inputs, raw_input_contents: vec![raw.into(), texts.into()], ..request.clone() };
    let answer: ModelInferResponse = client.unary(INFER, raw).await.expect("scores");
    let got: Vec<f64> =
        answer.raw_output_contents[0].chunks(8).map(|it| f64::from_le_bytes(it.try_into().expect("eight"))).collect();
    assert_eq!(bits(&got), bits(&of_shelf(&ROWS)));

    for (inputs, message) in [
        (request.inputs[..1].to_vec(), "the feature `brand` is missing"),
        (vec![input("price", "INT64", None, 4)], "input `price`: it has neither `contents` nor `raw_input_contents`"),
        (
            vec![input("price", "FP32", Some(InferTensorContents { fp64_contents: prices, ..Default::default() }), 4)],
            "`contents` has `fp64_contents`, and FP32 stand in `fp32_contents`",
        ),
        (
            vec![input(
                "price",
                "INT8",
                Some(InferTensorContents { int_contents: vec![300], ..Default::default() }),
                1,
            )],
            "`int_contents` has 300, and `datatype` is `INT8`",
        ),
        (vec![input("price", "BYTES", None, 4)], "input `price`: `datatype` is `BYTES`"),
        (vec![input("size", "FP64", None, 4)], "there is no feature `size`"),
    ] {
        let wrong = ModelInferRequest { inputs, ..request.clone() };
        let error = client.unary::<_, ModelInferResponse>(INFER, wrong).await.expect_err(message);
        assert!(error.code() == Code::InvalidArgument && error.message().contains(message), "{error}");
    }
}

fn tensor(dtype: DataType, sizes: &[i64]) -> TensorProto {
    let dim = sizes.iter().map(|&size| Dim { size, name: String::new() }).collect();
    let tensor_shape = Some(TensorShapeProto { dim, unknown_rank: false });
    TensorProto { dtype: dtype.into(), tensor_shape, ..Default::default() }
}

#[tokio::test]
async fn tensors_of_tensorflow_come_in_lists_and_in_bytes() {
    let client = shared().await;
    let rows: Vec<FeedRow> = (0..5u8).map(|at| FeedRow { item: f64::from(at), boost: f64::from(at).sqrt() }).collect();
    let user = FeedUser { seen: &[4.0, 4.0, 1.0], country: "fr" };
    let boosts: Vec<f64> = rows.iter().map(|row| row.boost).collect();
    let items: Vec<i64> = rows.iter().map(|row| row.item as i64).collect();
    let country = TensorProto { string_val: vec![b"fr".to_vec().into()], ..tensor(DataType::DtString, &[]) };
    let inputs = |seen: TensorProto, boost: TensorProto, item: TensorProto| {
        let named = [("seen", seen), ("country", country.clone()), ("boost", boost), ("item", item)];
        named.map(|(name, tensor)| (name.to_owned(), tensor)).into()
    };
    let request = |inputs| PredictRequest {
        model_spec: Some(ModelSpec { name: "feed".to_owned(), ..Default::default() }),
        inputs,
        output_filter: vec![],
    };
    let le = |values: &[f64]| -> Vec<u8> { values.iter().flat_map(|value| value.to_le_bytes()).collect() };
    let lists = inputs(
        // A list that ends early goes on with its last element.
        TensorProto { int_val: vec![4, 4, 1], ..tensor(DataType::DtInt32, &[1, 3]) },
        TensorProto { double_val: boosts.clone(), ..tensor(DataType::DtDouble, &[5]) },
        TensorProto { int64_val: items.clone(), ..tensor(DataType::DtInt64, &[5, 1]) },
    );
    let bytes = inputs(
        TensorProto { tensor_content: vec![4, 4, 1].into(), ..tensor(DataType::DtUint8, &[3]) },
        TensorProto { tensor_content: le(&boosts).into(), ..tensor(DataType::DtDouble, &[5]) },
        TensorProto {
            tensor_content: items.iter().flat_map(|item| item.to_le_bytes()).collect(),
            ..tensor(DataType::DtInt64, &[5])
        },
    );
    for inputs in [lists, bytes] {
        let answer: PredictResponse = client.unary(PREDICT, request(inputs)).await.expect("scores");
        let scores = &answer.outputs["scores"];
        assert_eq!(scores.dtype(), DataType::DtDouble);
        let shape: Vec<i64> = scores.tensor_shape.as_ref().expect("a shape").dim.iter().map(|dim| dim.size).collect();
        assert_eq!(shape, [5, 2]);
        assert_eq!(bits(&scores.double_val), bits(&of_feed(&user, &rows)));
    }
    let good = || {
        inputs(
            TensorProto { int_val: vec![1], ..tensor(DataType::DtInt32, &[3]) },
            TensorProto { double_val: vec![1.0], ..tensor(DataType::DtDouble, &[2]) },
            TensorProto { int_val: vec![1, 2], ..tensor(DataType::DtInt32, &[2]) },
        )
    };
    let with = |name: &str, tensor: TensorProto| {
        let mut inputs: std::collections::BTreeMap<String, TensorProto> = good();
        inputs.insert(name.to_owned(), tensor);
        inputs
    };
    for (inputs, message) in [
        (
            with("boost", tensor(DataType::DtBool, &[2])),
            "input `boost`: `dtype` is DT_BOOL, and must be DT_DOUBLE, DT_FLOAT",
        ),
        (
            with("country", tensor(DataType::DtDouble, &[1])),
            "input `country`: `dtype` is DT_DOUBLE, and must be DT_STRING",
        ),
        (with("boost", tensor(DataType::DtDouble, &[2, 2])), "input `boost`: `shape` is [2, 2], and must be [n]"),
        (with("boost", tensor(DataType::DtDouble, &[1 << 40])), "and at most 10000 values are taken"),
        (with("boost", tensor(DataType::DtDouble, &[2])), "`double_val` has 0 elements, and `tensor_shape` is [2]"),
        (
            with("boost", TensorProto { tensor_content: vec![0; 9].into(), ..tensor(DataType::DtDouble, &[2]) }),
            "`tensor_content` has 9 bytes, and `tensor_shape` is [2], of 8 each",
        ),
        (with("text", tensor(DataType::DtString, &[1])), "there is no feature `text`"),
    ] {
        let error = client.unary::<_, PredictResponse>(PREDICT, request(inputs)).await.expect_err(message);
        assert!(error.code() == Code::InvalidArgument && error.message().contains(message), "{error}");
    }
}
