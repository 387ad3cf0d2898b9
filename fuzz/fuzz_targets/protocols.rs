//! Any bytes as the body of a request: an error that says something, or a request.
//!
//! The first line says whose it is, and what a header or the path would say beside it: `oip 120`, `tei /rerank`, `mlflow text/csv`.

#![no_main]

use libfuzzer_sys::fuzz_target;
use modeldeploy_service::decoders;

fuzz_target!(|input: &[u8]| {
    let Some(end) = input.iter().position(|&byte| byte == b'\n') else { return };
    let (line, body) = (String::from_utf8_lossy(&input[..end]), &input[end + 1..]);
    let (protocol, beside) = line.split_once(' ').map_or((&*line, None), |(protocol, beside)| (protocol, Some(beside)));
    let decoded = match protocol {
        "mlflow" => decoders::mlflow(body, beside),
        "oip" => decoders::oip(body, beside),
        "oip-grpc" => decoders::oip_grpc(body),
        "openai" => decoders::openai(body),
        "tei" => decoders::tei(beside.unwrap_or_default(), body),
        "tfserving" => decoders::tfserving(beside.unwrap_or_default(), body),
        "tfserving-examples" => decoders::tfserving_examples(body),
        "tfserving-predict" => decoders::tfserving_predict(body),
        "torchserve" => decoders::torchserve(body, beside),
        _ => return,
    };
    assert_ne!(decoded, Err(String::new()));
});
