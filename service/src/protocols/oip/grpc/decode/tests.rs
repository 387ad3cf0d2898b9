//! Every form of a message that is an inference, and what is wrong with those that are none.

use super::*;
use crate::inference::Text;
use crate::protocols::oip::decode::Wanted;
use std::time::Duration;

fn choice(choice: ParameterChoice) -> InferParameter {
    InferParameter { parameter_choice: Some(choice) }
}

fn contents(texts: &[&[u8]]) -> InferTensorContents {
    let bytes_contents = texts.iter().map(|text| Bytes::copy_from_slice(text)).collect();
    InferTensorContents { bytes_contents, ..Default::default() }
}

fn input(shape: &[i64], contents: Option<InferTensorContents>) -> InferInputTensor {
    let (name, datatype) = ("text".to_owned(), "BYTES".to_owned());
    InferInputTensor { name, datatype, shape: shape.to_vec(), contents, ..Default::default() }
}

fn of(inputs: Vec<InferInputTensor>, raw: &[&'static [u8]]) -> ModelInferRequest {
    let raw_input_contents = raw.iter().map(|&raw| Bytes::from_static(raw)).collect();
    ModelInferRequest { inputs, raw_input_contents, ..Default::default() }
}

#[test]
fn texts_and_pairs_come_in_both_forms() {
    let (one, pair) = (|text: &str| Text::One(text.to_owned()), Text::Pair("ab".to_owned(), "手".to_owned()));
    for (request, texts, is_binary) in [
        (of(vec![input(&[2], Some(contents(&[b"ab", b""])))], &[]), vec![one("ab"), one("")], false),
        (of(vec![input(&[2, 1], None)], &[b"\x02\0\0\0ab\0\0\0\0"]), vec![one("ab"), one("")], true),
        (of(vec![input(&[1, 2], Some(contents(&[b"ab", "手".as_bytes()])))], &[]), vec![pair.clone()], false),
        (of(vec![input(&[1, 2], None)], &[b"\x02\0\0\0ab\x03\0\0\0\xe6\x89\x8b"]), vec![pair], true),
        (of(vec![input(&[0], None)], &[]), vec![], false),
        (of(vec![input(&[0], None)], &[b""]), vec![], true),
    ] {
        let got = decode(request).expect("an inference");
        assert_eq!((got.asked, got.outputs, got.id), (texts, Outputs { wanted: None, is_binary }, None));
    }
}

#[test]
fn what_stands_beside_the_tensors_is_read() {
    let parameters = [
        ("prompt".to_owned(), choice(ParameterChoice::StringParam("query".to_owned()))),
        ("timeout".to_owned(), choice(ParameterChoice::Uint64Param(1500))),
        ("priority".to_owned(), InferParameter { parameter_choice: None }),
    ];
    let outputs = vec![InferRequestedOutputTensor { name: "label".to_owned(), ..Default::default() }];
    let request = of(vec![input(&[1], Some(contents(&[b"a"])))], &[]);
    let request = ModelInferRequest { id: "42".to_owned(), parameters: parameters.into(), outputs, ..request };
    let expected = Infer {
        id: Some("42".to_owned()),
        asked: vec![Text::One("a".to_owned())],
        prompt: Some("query".to_owned()),
        timeout: Some(Duration::from_micros(1500)),
        outputs: Outputs {
            wanted: Some(vec![Wanted { name: "label".to_owned(), is_binary: false }]),
            is_binary: false,
        },
    };
    assert_eq!(decode(request), Ok(expected));
}

#[test]
fn what_is_wrong_is_named_with_its_field() {
    let named = |name: &str, datatype: &str| InferInputTensor {
        name: name.to_owned(),
        datatype: datatype.to_owned(),
        ..input(&[1], Some(contents(&[b"a"])))
    };
    let floats = InferTensorContents { fp32_contents: vec![f32::NAN], ..Default::default() };
    let short = || Some(contents(&[b"a"]));
    for (request, message) in [
        (of(vec![], &[]), "`inputs` has 0 tensors, and the model takes one, `text`"),
        (of(vec![input(&[1], short()), input(&[1], short())], &[]), "`inputs` has 2 tensors, and the model takes one"),
        (of(vec![named("txt", "BYTES")], &[]), "there is no input `txt`; the model takes `text`"),
        (of(vec![named("text", "FP32")], &[]), "input `text`: `datatype` is `FP32`, and must be BYTES: texts in UTF-8"),
        (of(vec![named("text", "")], &[]), "input `text`: `datatype` is ``, and must be BYTES"),
        (of(vec![named("text", "TEXT")], &[]), "input `text`: `datatype` is `TEXT`, and must be BYTES"),
        (of(vec![input(&[1], short())], &[b"\x01\0\0\0a"]), "it has both `contents` and `raw_input_contents`"),
        (of(vec![input(&[1], None)], &[]), "input `text`: it has neither `contents` nor `raw_input_contents`"),
        (of(vec![input(&[1], None)], &[b"", b""]), "`raw_input_contents` has 2 elements, and `inputs` 1"),
        (of(vec![], &[b""]), "`raw_input_contents` has 1 elements, and `inputs` 0"),
        (of(vec![input(&[-1], short())], &[]), "input `text`: `shape` is [-1], and no size of a tensor that is sent"),
        (of(vec![input(&[2], short())], &[]), "input `text`: `bytes_contents` has 1 elements, and `shape` is [2]"),
        (
            of(vec![input(&[i64::MAX, i64::MAX], short())], &[]),
            "`bytes_contents` has 1 elements, and `shape` is [9223372036854775807, 9223372036854775807]",
        ),
        (of(vec![input(&[1, 1, 1], short())], &[]), "input `text`: `shape` is [1, 1, 1], and must be [n] for texts"),
        (of(vec![input(&[], short())], &[]), "input `text`: `shape` is [], and must be [n] for texts"),
        (
            of(vec![input(&[1], Some(floats))], &[]),
            "`contents` has `fp32_contents`, and BYTES stand in `bytes_contents`",
        ),
        (of(vec![input(&[1], Some(contents(&[b"\xff"])))], &[]), "input `text`: element 0 is not UTF-8"),
        (
            of(vec![input(&[1], None)], &[b"\x01"]),
            "input `text`: element 0 begins with 1 bytes, and its length alone has 4",
        ),
        (of(vec![input(&[1], None)], &[b"\x05\0\0\0ab"]), "element 0 is said to have 5 bytes, and 2 follow"),
        (
            of(vec![input(&[1], None)], &[b"\xff\xff\xff\xffab"]),
            "element 0 is said to have 4294967295 bytes, and 2 follow",
        ),
        (of(vec![input(&[2], None)], &[b"\x01\0\0\0a"]), "its bytes are 1 elements, and `shape` is [2]"),
        (of(vec![input(&[1], None)], &[b"\x01\0\0\0\xff"]), "input `text`: element 0 is not UTF-8"),
    ] {
        let error = decode(request).expect_err(message);
        assert!(error.contains(message), "{message}: {error}");
    }
    let prompt = [("prompt".to_owned(), choice(ParameterChoice::BoolParam(true)))].into();
    let request = ModelInferRequest { parameters: prompt, ..of(vec![input(&[1], short())], &[]) };
    assert_eq!(decode(request), Err("parameter `prompt` is true, and must be a string".to_owned()));
    let timeout = [("timeout".to_owned(), choice(ParameterChoice::Int64Param(-1)))].into();
    let request = ModelInferRequest { parameters: timeout, ..of(vec![input(&[1], short())], &[]) };
    assert_eq!(decode(request), Err("parameter `timeout` is -1, and must be a number of microseconds".to_owned()));
    let parameters = [("classification".to_owned(), choice(ParameterChoice::Int64Param(3)))].into();
    let outputs = vec![InferRequestedOutputTensor { name: "label".to_owned(), parameters }];
    let request = ModelInferRequest { outputs, ..of(vec![input(&[1], short())], &[]) };
    assert_eq!(decode(request), Err("output `label`: the extension `classification` is not supported".to_owned()));
}
