//! Text Embeddings Inference.

use crate::client::{Answer, floats, get, number, post, rows_of, same_bits};
use crate::models::{Encoder2, Mood, Ranker, rows};
use axum::http::StatusCode;
use modeldeploy::model::{Input, Model};
use modeldeploy::session::{Batch, Capacity, Session, Stage};
use modeldeploy::tokenizer::Encoding;
use serde_json::{Value, json};

async fn ask(path: &str, body: Value) -> Answer {
    post(path, &[("content-type", "application/json")], body.to_string()).await
}

#[tokio::test]
async fn vectors_are_the_engines_and_their_time_is_in_the_headers() {
    let expected = rows_of::<Encoder2>(&["phone", "手机"]);
    let answer = ask("/embed", json!({"inputs": ["phone", "手机"]})).await;
    for (name, value) in [("x-compute-characters", "7"), ("x-compute-tokens", "15"), ("x-compute-type", "cpu")] {
        assert_eq!(answer.headers[name], value, "{name}");
    }
    for name in ["x-compute-time", "x-total-time", "x-tokenization-time", "x-queue-time", "x-inference-time"] {
        assert!(answer.headers[name].to_str().expect("ASCII").parse::<u64>().is_ok(), "{name}");
    }
    let vectors = answer.json();
    expected.iter().enumerate().for_each(|(at, row)| same_bits(&floats(&vectors[at]), row));

    let one = ask("/embed", json!({"inputs": "phone", "truncate": true})).await.json();
    same_bits(&floats(&one[0]), &expected[0]);
    assert_eq!(one.as_array().map(Vec::len), Some(1));

    // The first values of a vector, at unit length again.
    let cut = floats(&ask("/embed", json!({"inputs": "phone", "dimensions": 5})).await.json()[0]);
    let length = expected[0][..5].iter().map(|value| value * value).sum::<f32>().sqrt();
    cut.iter().zip(&expected[0]).for_each(|(cut, whole)| assert!((cut - whole / length).abs() < 1e-6, "{cut} {whole}"));
    assert_eq!(cut.len(), 5);
}

/// What the engine computes of texts up to a stage, each alone.
fn stage_of<M: Model>(stage: Stage, texts: &[&str]) -> Vec<Vec<f32>> {
    let engine = M::engine().expect("an engine");
    let mut session = Session::new(engine.artifact(), Capacity::new(64, 1)).expect("a session");
    let mut run = |text: &&str| {
        let mut encoding = Encoding::new();
        engine.tokenizer().encode_into(text, None, engine.truncation(), &mut encoding).expect("tokens");
        let types: Vec<u32> = encoding.type_ids().iter().map(|&id| id.into()).collect();
        let ids = encoding.ids();
        let batch = Batch { ids, types: &types, starts: &[0, ids.len() as u32] };
        session.run_to(stage, &batch).expect("rows").to_vec()
    };
    texts.iter().map(&mut run).collect()
}

#[tokio::test]
async fn rows_of_tokens_are_those_that_a_vector_is_pooled_from() {
    let texts = ["phone", "ab"];
    let all = ask("/embed_all", json!({"inputs": texts})).await;
    assert_eq!(all.headers["x-compute-tokens"], "11", "seven and four, with two special ones each");
    let (all, expected) = (all.json(), stage_of::<Encoder2>(Stage::Tokens, &texts));
    for (at, vector) in rows_of::<Encoder2>(&texts).iter().enumerate() {
        let rows: Vec<Vec<f32>> = all[at].as_array().expect("rows").iter().map(floats).collect();
        assert_eq!(rows.len(), texts[at].len() + 2);
        same_bits(&rows.concat(), &expected[at]);
        // Their mean has the vector's direction.
        let mean = |at: usize| rows.iter().map(|row| f64::from(row[at])).sum::<f64>();
        let means: Vec<f64> = (0..vector.len()).map(mean).collect();
        let length = means.iter().map(|value| value * value).sum::<f64>().sqrt();
        for (mean, value) in means.iter().zip(vector) {
            assert!((mean / length - f64::from(*value)).abs() < 1e-6, "{mean} {length} {value}");
        }
    }
    let one = ask("/embed_all", json!({"inputs": "ab", "truncate": true})).await.json();
    assert_eq!(one, json!([all[1]]));
}

#[tokio::test]
async fn a_vector_is_given_before_it_is_brought_to_unit_length_and_labels_before_they_are_probabilities() {
    let texts = ["phone", "ab"];
    let vectors = ask("/embed", json!({"inputs": texts, "normalize": false})).await.json();
    let expected = stage_of::<Encoder2>(Stage::Unscaled, &texts);
    assert_ne!(expected, rows_of::<Encoder2>(&texts));
    expected.iter().enumerate().for_each(|(at, row)| same_bits(&floats(&vectors[at]), row));
    let cut = ask("/embed", json!({"inputs": "ab", "normalize": false, "dimensions": 3})).await.json();
    same_bits(&floats(&cut[0]), &expected[1][..3]);

    let raw = stage_of::<Mood>(Stage::Raw, &["ab"]).concat();
    let probabilities = rows_of::<Mood>(&["ab"]).concat();
    let sum: f64 = raw.iter().map(|value| f64::from(*value).exp()).sum();
    for (raw, probability) in raw.iter().zip(&probabilities) {
        assert!((f64::from(*raw).exp() / sum - f64::from(*probability)).abs() < 1e-6, "{raw} {probability}");
    }
    let mut labels: Vec<_> = raw.iter().zip(crate::packs::means::LABELS).collect();
    labels.sort_by(|a, b| b.0.total_cmp(a.0));
    let expected: Vec<_> =
        labels.iter().map(|(score, label)| json!({"score": number(**score), "label": label})).collect();
    assert_eq!(ask("/predict", json!({"inputs": "ab", "raw_scores": true})).await.json(), json!(expected));
}

#[tokio::test]
async fn a_long_text_is_cut_on_the_side_that_is_asked_for_or_refused() {
    let long = "abcdefghijklmnop";
    for (direction, kept) in [("Right", "abcdefg"), ("Left", "jklmnop")] {
        let body = json!({"inputs": long, "truncate": true, "truncation_direction": direction});
        same_bits(&floats(&ask("/embed", body).await.json()[0]), &rows_of::<Encoder2>(&[kept])[0]);
    }
    let answer = ask("/embed", json!({"inputs": ["a", long]})).await;
    let error = "`inputs[1]`: it has more tokens than the model takes, which is 9";
    assert_eq!((answer.status.as_u16(), answer.json()), (422, json!({"error": error, "error_type": "Validation"})));
}

#[tokio::test]
async fn texts_are_ranked_best_first() {
    let texts = ["a", "cde", "jk"];
    let pairs = texts.map(|pair| Input { text: "ab", pair: Some(pair), ..Input::default() });
    let raw: Vec<f32> = rows::<Ranker>(pairs).concat();
    let mut order = [0, 1, 2];
    order.sort_by(|&a, &b| raw[b].total_cmp(&raw[a]));
    let ranks =
        ask("/rerank", json!({"query": "ab", "texts": texts, "raw_scores": true, "return_text": true})).await.json();
    let expected = order.map(|index| json!({"index": index, "text": texts[index], "score": number(raw[index])}));
    assert_eq!(ranks, json!(expected));
    let ranks = ask("/rerank", json!({"query": "ab", "texts": texts})).await.json();
    let expected = order.map(|index| json!({"index": index, "score": number(1.0 / (1.0 + (-raw[index]).exp()))}));
    assert_eq!(ranks, json!(expected));
}

#[tokio::test]
async fn labels_come_likeliest_first_for_texts_pairs_and_lists_of_them() {
    let of = |input: Input<'_>| {
        let row = rows::<Mood>([input]).concat();
        let mut labels: Vec<_> = row.iter().zip(crate::packs::means::LABELS).collect();
        labels.sort_by(|a, b| b.0.total_cmp(a.0));
        json!(labels.iter().map(|(score, label)| json!({"score": number(**score), "label": label})).collect::<Vec<_>>())
    };
    let one = of(Input { text: "ab", ..Input::default() });
    let pair = of(Input { text: "ab", pair: Some("cd"), ..Input::default() });
    for (inputs, expected) in [
        (json!("ab"), one.clone()),
        (json!(["ab", "cd"]), pair.clone()),
        (json!([["ab"]]), json!([one])),
        (json!([["ab"], ["ab", "cd"]]), json!([one, pair])),
    ] {
        assert_eq!(ask("/predict", json!({ "inputs": inputs })).await.json(), expected, "{inputs}");
    }
}

#[tokio::test]
async fn similarity_is_the_cosine() {
    let rows = rows_of::<Encoder2>(&["phone", "phone", "abc"]);
    let body = json!({"inputs": {"source_sentence": "phone", "sentences": ["phone", "abc"]}, "parameters": {"truncate": true}});
    let cosines = floats(&ask("/similarity", body).await.json());
    let dot: f32 = rows[0].iter().zip(&rows[2]).map(|(a, b)| a * b).sum();
    assert!((cosines[0] - 1.0).abs() < 1e-6 && (cosines[1] - dot).abs() < 1e-5, "{cosines:?} {dot}");
}

#[tokio::test]
async fn tokens_are_told_with_their_places_in_characters() {
    let token = |id: u32, text: &str, start: usize| json!({"id": id, "text": text, "special": false, "start": start, "stop": start + 1});
    let special =
        |id: u32| json!({"id": id, "text": format!("piece {id}"), "special": true, "start": null, "stop": null});
    let tokens = ask("/tokenize", json!({"inputs": "ab"})).await.json();
    let [a, b] = [b'a', b'b'].map(crate::packs::token_of);
    assert_eq!(tokens, json!([[special(0), token(a, "a", 0), token(b, "b", 1), special(1)]]));
    let bare = ask("/tokenize", json!({"inputs": ["b", "a"], "add_special_tokens": false})).await.json();
    assert_eq!(bare, json!([[token(b, "b", 0)], [token(a, "a", 0)]]));
    // A text that is long enough to be tokenized aside.
    let long = ask("/tokenize", json!({"inputs": "a".repeat(10_000), "add_special_tokens": false})).await.json();
    assert_eq!(long[0].as_array().map(Vec::len), Some(10_000));
    assert_eq!(long[0][9_999], token(a, "a", 9_999));

    let decoded = ask("/decode", json!({"ids": [0, 2, 1]})).await.json();
    assert_eq!(decoded.as_array().map(Vec::len), Some(1));
    assert_eq!(decoded, ask("/decode", json!({"ids": [[2]], "skip_special_tokens": false})).await.json());
}

#[tokio::test]
async fn the_first_model_is_described() {
    let info = get("/info").await.json();
    assert_eq!((&info["model_id"], &info["model_sha"]), (&json!("encoder"), &json!("sha256:00")));
    assert_eq!(
        (&info["max_input_length"], &info["model_type"]),
        (&json!(9), &json!({"embedding": {"pooling": "mean"}}))
    );
    assert_eq!(get("/health").await.status, StatusCode::OK);
}

#[tokio::test]
async fn errors_have_their_form_and_type() {
    for (path, body, status, kind, message) in [
        ("/embed", json!({"inputs": 1}), 422, "Validation", "the body cannot be read: `inputs`: invalid type"),
        ("/embed", json!({"inputs": ""}), 400, "Empty", "`inputs` cannot be empty"),
        ("/embed", json!({"inputs": []}), 400, "Empty", "`inputs` cannot be empty"),
        (
            "/embed",
            json!({"inputs": "a", "dimensions": 21}),
            422,
            "Validation",
            "`dimensions` is 21, and must be 1 to 20",
        ),
        ("/embed", json!({"inputs": "a", "prompt_name": "x"}), 422, "Validation", "no prompt `x`; there is `query`"),
        ("/embed", json!({"inputs": [13]}), 422, "Validation", "`inputs[0]`: there is no token 13"),
        ("/embed_all", json!({"inputs": []}), 400, "Empty", "`inputs` cannot be empty"),
        ("/embed_all", json!({"inputs": "a", "normalize": true}), 422, "Validation", "unknown field `normalize`"),
        ("/rerank", json!({"query": "", "texts": ["a"]}), 400, "Empty", "`query` cannot be empty"),
        ("/rerank", json!({"query": "a", "texts": []}), 400, "Empty", "`texts` cannot be empty"),
        (
            "/similarity",
            json!({"inputs": ["a", ["b"]]}),
            422,
            "Validation",
            "`inputs`: invalid type: sequence, expected",
        ),
        ("/similarity", json!({"inputs": {"source_sentence": "a", "sentences": []}}), 400, "Empty", "cannot be empty"),
        ("/decode", json!({"ids": [13]}), 422, "Validation", "there is no token 13: the model's are below 13"),
    ] {
        let answer = ask(path, body).await;
        let error = answer.json();
        assert_eq!((answer.status.as_u16(), &error["error_type"]), (status, &json!(kind)), "{path} {error}");
        assert!(error["error"].as_str().is_some_and(|error| error.contains(message)), "{message}: {error}");
    }
    let answer = post("/embed", &[("x-request-timeout-ms", "0")], r#"{"inputs": "a"}"#).await;
    assert_eq!((answer.status.as_u16(), &answer.json()["error_type"]), (429, &json!("Overloaded")));
    assert_eq!(answer.headers["retry-after"], "1");
}
