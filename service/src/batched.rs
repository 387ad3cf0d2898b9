//! A model for the service's own routes, through the queue that all protocols share.

use crate::Refusal;
use crate::inference::{self, Ask, Fault, Overlong, Text};
use crate::models::{Inside, ModelCard, Models, Served};
use crate::protocols::Shared;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use modeldeploy::model::{Classification, ClassifyModel, EmbedModel, Embedding, Model, ScoreModel};
use modeldeploy::session::Stage;
use std::fmt;
use std::marker::PhantomData;
use std::time::Instant;

/// A model, as a handler of a service's own route takes it: what is asked of it waits in the queue of all requests and is run by the
/// workers, so that the threads that answer sockets compute nothing and a route takes no more cores than there are.
///
/// ```
/// use axum::Json;
/// use modeldeploy::model::ScoreModel;
/// use modeldeploy_service::{Batched, JsonBody, Refusal};
///
/// async fn rank<M: ScoreModel>(ranker: Batched<M>, JsonBody(texts): JsonBody<Vec<String>>) -> Result<Json<Vec<f32>>, Refusal> {
///     Ok(Json(ranker.score_batch("running shoes", texts).await?))
/// }
/// ```
///
/// The numbers are those of [`Handle`](modeldeploy::model::Handle), to the bit. The time that its client gives a request, by the header
/// `x-request-timeout-ms` or else [`Limits::deadline`](crate::Limits::deadline), begins as the handler does and holds for all that is asked while it runs, of
/// any model: what cannot be answered by then is refused at once with 429 and `Retry-After`, what was not answered in time with 504. If
/// the client goes, what has not begun is not run. No call may have more texts than [`Limits::texts`](crate::Limits::texts).
///
/// A route whose service lacks the model answers 500 and names it.
pub struct Batched<M> {
    served: Shared,
    /// The model's place.
    place: usize,
    deadline: Instant,
    model: PhantomData<fn() -> M>,
}

/// What own routes find in their requests.
#[derive(Clone, Debug)]
pub(crate) struct Asked(pub(crate) Shared);

/// When the handler of a request began: for all the models that it takes.
#[derive(Clone, Copy, Debug)]
struct Deadline(Instant);

impl<M: Model> Batched<M> {
    async fn rows(&self, texts: Vec<Text>) -> Result<Vec<f32>, Refusal> {
        let left = self.deadline.checked_duration_since(Instant::now()).ok_or(Fault::Late)?;
        let ask = Ask {
            model: self.place,
            prompt: None,
            texts,
            overlong: Overlong::Cut,
            stage: Stage::Output,
            timeout: Some(left),
        };
        Ok(self.served.inference.answer(ask).await?.values)
    }

    async fn rows_of_each(&self, texts: impl IntoIterator<Item = impl Into<String>>) -> Result<Vec<f32>, Refusal> {
        self.rows(texts.into_iter().map(|text| Text::One(text.into())).collect()).await
    }
}

impl<M: EmbedModel> Batched<M> {
    /// The vector of a text, the default prompt before it where the model has one.
    ///
    /// # Errors
    ///
    /// Why there is none in time.
    pub async fn embed(&self, text: impl Into<String>) -> Result<Embedding<M>, Refusal> {
        Ok(embedding(&self.rows_of_each([text]).await?))
    }

    /// The vectors of some texts.
    ///
    /// # Errors
    ///
    /// As [`embed`](Batched::embed), and if there are too many texts.
    pub async fn embed_batch(
        &self,
        texts: impl IntoIterator<Item = impl Into<String>>,
    ) -> Result<Vec<Embedding<M>>, Refusal> {
        Ok(self.rows_of_each(texts).await?.chunks_exact(M::FACTS.outputs).map(embedding).collect())
    }
}

impl<M: ScoreModel> Batched<M> {
    /// How relevant a document is to a query; the scale is the model's own.
    ///
    /// # Errors
    ///
    /// Why it is not known in time.
    pub async fn score(&self, query: impl Into<String>, document: impl Into<String>) -> Result<f32, Refusal> {
        Ok(self.rows(vec![Text::Pair(query.into(), document.into())]).await?[0])
    }

    /// How relevant each document is to a query.
    ///
    /// # Errors
    ///
    /// As [`score`](Batched::score), and if there are too many documents.
    pub async fn score_batch(
        &self,
        query: &str,
        documents: impl IntoIterator<Item = impl Into<String>>,
    ) -> Result<Vec<f32>, Refusal> {
        let pair = |document: String| Text::Pair(query.to_owned(), document);
        self.rows(documents.into_iter().map(Into::into).map(pair).collect()).await
    }
}

impl<M: ClassifyModel> Batched<M> {
    /// What a text is.
    ///
    /// # Errors
    ///
    /// Why it is not known in time.
    pub async fn classify(&self, text: impl Into<String>) -> Result<Classification, Refusal> {
        Ok(self.classification(&self.rows_of_each([text]).await?))
    }

    /// What each text is.
    ///
    /// # Errors
    ///
    /// As [`classify`](Batched::classify), and if there are too many texts.
    pub async fn classify_batch(
        &self,
        texts: impl IntoIterator<Item = impl Into<String>>,
    ) -> Result<Vec<Classification>, Refusal> {
        let rows = self.rows_of_each(texts).await?;
        Ok(rows.chunks_exact(M::FACTS.outputs).map(|row| self.classification(row)).collect())
    }

    fn classification(&self, row: &[f32]) -> Classification {
        let all: Vec<_> = M::FACTS.labels.iter().copied().zip(row.iter().copied()).collect();
        let label = self.served.inference.served(self.place).label(row);
        let probability = all.iter().find(|(of, _)| *of == label).map_or(0.0, |(_, probability)| *probability);
        Classification { label, probability, all }
    }
}

fn embedding<M: Model>(row: &[f32]) -> Embedding<M> {
    Embedding::from_values(row.to_vec()).expect("the service has proved that the model's rows have its width")
}

impl<M: Model, S: Sync> FromRequestParts<S> for Batched<M> {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Batched<M>, Refusal> {
        let Some(Asked(served)) = parts.extensions.get::<Asked>().cloned() else {
            return Err(Refusal::internal("the route is no part of a service: add it by `Service::routes`"));
        };
        let Some(place) = place::<M>(served.inference.models()) else {
            let message = format!("model `{}` {} is not served: add it by `Service::model`", M::NAME, M::VERSION);
            return Err(Refusal::internal(message));
        };
        let deadline = match parts.extensions.get::<Deadline>() {
            Some(Deadline(deadline)) => *deadline,
            None => {
                let timeout = inference::timeout(&parts.headers)?;
                let deadline = served.inference.deadline(Instant::now(), timeout);
                parts.extensions.insert(Deadline(deadline));
                deadline
            }
        };
        Ok(Batched { served, place, deadline, model: PhantomData })
    }
}

/// The place of this very model.
fn place<M: Model>(models: &Models) -> Option<usize> {
    let Inside { card, compiled, .. } = Inside::of::<M>();
    let (entry, facts) = (compiled.name, compiled.facts);
    // It may be served under another name, as a version.
    let is_it = |served: &Served| {
        served.entry == entry && ModelCard { name: entry, ..served.card } == card && served.facts == facts
    };
    models.all().iter().position(is_it)
}

impl From<Fault> for Refusal {
    fn from(fault: Fault) -> Refusal {
        Refusal::new(fault.status(), fault.to_string()).after(fault.retry_after())
    }
}

impl<M> Clone for Batched<M> {
    fn clone(&self) -> Batched<M> {
        Batched { served: self.served.clone(), place: self.place, deadline: self.deadline, model: PhantomData }
    }
}

impl<M: Model> fmt::Debug for Batched<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Batched({} {}, {})", M::NAME, M::VERSION, M::DIGEST)
    }
}
