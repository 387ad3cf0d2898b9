//! The inputs of the target `protocols`: a first line says whose the body is, and what a header or the path would say beside it, as in
//! `oip 120`, `tei /rerank`, `mlflow text/csv`; `oip-ranked` and its like are for a ranker of the features of `feed`, `oip-matched` and its
//! like for one of those of `nearby` (`runtime/tests/packs/`).

use modeldeploy::format::features::{EmbeddingOf, Fact, Kind, Side};
use modeldeploy_service::decoders;

/// What a body decodes to; none if its first line names no protocol.
pub fn decode(input: &[u8]) -> Option<Result<(), String>> {
    let end = input.iter().position(|&byte| byte == b'\n')?;
    let (line, body) = (String::from_utf8_lossy(&input[..end]), &input[end + 1..]);
    let (protocol, beside) = line.split_once(' ').map_or((&*line, None), |(protocol, beside)| (protocol, Some(beside)));
    // A ranker of embeddings, where the line says so.
    let (protocol, features) = match protocol.strip_suffix("-matched") {
        Some(protocol) => (format!("{protocol}-ranked"), matched()),
        None => (protocol.to_owned(), features()),
    };
    Some(match &*protocol {
        "mlflow" => decoders::mlflow(body, beside),
        "mlflow-ranked" => decoders::mlflow_ranked(body, beside, &features),
        "oip" => decoders::oip(body, beside),
        "oip-ranked" => decoders::oip_ranked(body, beside, &features),
        "oip-grpc" => decoders::oip_grpc(body),
        "oip-grpc-ranked" => decoders::oip_grpc_ranked(body, &features),
        "openai" => decoders::openai(body),
        "tei" => decoders::tei(beside.unwrap_or_default(), body),
        "tfserving" => decoders::tfserving(beside.unwrap_or_default(), body),
        "tfserving-examples" => decoders::tfserving_examples(body),
        "tfserving-predict" => decoders::tfserving_predict(body),
        "tfserving-ranked" => decoders::tfserving_ranked(body, &features),
        "tfserving-predict-ranked" => decoders::tfserving_predict_ranked(body, &features),
        "torchserve" => decoders::torchserve(body, beside),
        "torchserve-ranked" => decoders::torchserve_ranked(body, beside, &features),
        _ => return None,
    })
}

/// Embeddings, as those of `nearby` (`runtime/tests/packs/`).
fn matched() -> Vec<Fact> {
    let of = || Kind::Embedding(EmbeddingOf { model: "encoder".to_owned(), space: EmbeddingOf::UNLOCKED, width: 3 });
    let fact = |name: &str, kind, side| Fact { name: name.to_owned(), kind, side };
    vec![
        fact("query", of(), Side::User),
        fact("boost", Kind::Number, Side::Candidate),
        fact("title", of(), Side::Candidate),
    ]
}

/// One of each side, of numbers and of texts.
fn features() -> Vec<Fact> {
    let fact = |name: &str, kind, side| Fact { name: name.to_owned(), kind, side };
    vec![
        fact("seen", Kind::Number, Side::Session),
        fact("country", Kind::Text, Side::User),
        fact("item", Kind::Number, Side::Candidate),
        fact("boost", Kind::Number, Side::Candidate),
    ]
}
