//! `GET /info`: the facts of the first model.

use super::error::Error;
use crate::models::Served;
use crate::protocols::Shared;
use axum::Json;
use axum::extract::State;
use modeldeploy::format::Task;
use modeldeploy::format::program::{Pooling, Step};
use serde_json::{Map, Value, json};

pub(super) async fn info(State(served): State<Shared>) -> Result<Json<Value>, Error> {
    let first = served.inference.models().first_of_texts();
    let first = first.ok_or_else(|| Error::backend(served.inference.models().lacks("reads texts")))?;
    let model = served.inference.served(first);
    let limits = served.inference.limits();
    let workers = crate::processors::processors();
    Ok(Json(json!({
        "model_id": model.card.name,
        "model_sha": model.card.digest,
        "model_dtype": "modeldeploy",
        "model_type": kind(model),
        "max_concurrent_requests": limits.connections,
        "max_input_length": model.facts.max_tokens,
        "max_batch_tokens": crate::batch::BATCH_TOKENS.max(model.facts.max_tokens),
        "max_batch_requests": null,
        "max_client_batch_size": limits.texts,
        "auto_truncate": false,
        "tokenization_workers": workers,
        "version": served.service.1,
        "sha": null,
        "docker_label": null,
    })))
}

fn kind(model: &Served) -> Value {
    let ids = |labels: &[&str]| -> (Map<String, Value>, Map<String, Value>) {
        let by_id = labels.iter().enumerate().map(|(id, label)| (id.to_string(), json!(label)));
        let by_label = labels.iter().enumerate().map(|(id, label)| ((*label).to_owned(), json!(id)));
        (by_id.collect(), by_label.collect())
    };
    match model.facts.task {
        Task::Embed => json!({ "embedding": { "pooling": pooling(model) } }),
        Task::Score => {
            let (id2label, label2id) = ids(&["LABEL_0"]);
            json!({ "reranker": { "id2label": id2label, "label2id": label2id } })
        }
        _ => {
            let (id2label, label2id) = ids(model.facts.labels);
            json!({ "classifier": { "id2label": id2label, "label2id": label2id } })
        }
    }
}

/// The way from the rows of tokens to that of a text.
fn pooling(model: &Served) -> &'static str {
    let steps = model.texts().into_iter().flat_map(|engine| engine.artifact().program().steps.iter());
    let mut pooling =
        steps.filter_map(|step| if let Step::Pool { pooling, .. } = step { Some(*pooling) } else { None });
    match pooling.next_back() {
        Some(Pooling::Mean) => "mean",
        Some(Pooling::Max) => "max",
        Some(Pooling::MeanSqrtLen) => "mean_sqrt_len",
        Some(Pooling::Sum) => "sum",
        Some(Pooling::Last) => "last_token",
        Some(Pooling::Cls) | None => "cls",
    }
}
