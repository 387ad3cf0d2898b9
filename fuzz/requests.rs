//! The inputs of the target `protocols`: a first line says whose the body is, and what a header or the path would say beside it, as in
//! `oip 120`, `tei /rerank`, `mlflow text/csv`.

use modeldeploy_service::decoders;

/// What a body decodes to; none if its first line names no protocol.
pub fn decode(input: &[u8]) -> Option<Result<(), String>> {
    let end = input.iter().position(|&byte| byte == b'\n')?;
    let (line, body) = (String::from_utf8_lossy(&input[..end]), &input[end + 1..]);
    let (protocol, beside) = line.split_once(' ').map_or((&*line, None), |(protocol, beside)| (protocol, Some(beside)));
    Some(match protocol {
        "mlflow" => decoders::mlflow(body, beside),
        "oip" => decoders::oip(body, beside),
        "oip-grpc" => decoders::oip_grpc(body),
        "openai" => decoders::openai(body),
        "tei" => decoders::tei(beside.unwrap_or_default(), body),
        "tfserving" => decoders::tfserving(beside.unwrap_or_default(), body),
        "tfserving-examples" => decoders::tfserving_examples(body),
        "tfserving-predict" => decoders::tfserving_predict(body),
        "torchserve" => decoders::torchserve(body, beside),
        _ => return None,
    })
}
