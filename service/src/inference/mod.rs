//! From texts to rows, and from candidates to scores, for every protocol: limits, tokens, batches.

mod code;
mod fault;
mod rank;
mod tokenize;

pub(crate) use code::{Code, status};
pub(crate) use fault::Fault;
pub(crate) use rank::Scores;
pub(crate) use tokenize::{Overlong, Text, tokenize};

use crate::aside::{self, LONG_ANSWER};
use crate::batch::{Batcher, Executions, Failure};
use crate::metrics::Metrics;
use crate::models::{ModelCard, Models, Served};
use crate::observe::Record;
use crate::processors::processors;
use crate::ranking::Workers;
use crate::shadow::{Afterwards, Answered, Exchange, Shadows, Texts};
use crate::{Limits, logs};
use axum::http::HeaderMap;
use modeldeploy::session::Stage;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::Semaphore;
use tokio::time::timeout_at;

/// The header that says how long a client waits, in milliseconds.
pub(crate) const TIMEOUT: &str = "x-request-timeout-ms";

/// Texts of more bytes than this together are tokenized on a thread of their own: shorter ones take microseconds.
const LONG: usize = 4096;

/// No request waits longer than this, whatever a service or a client allows.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

/// The models of a service, at work.
#[derive(Debug)]
pub(crate) struct Inference {
    models: Arc<Models>,
    batcher: Batcher,
    /// What scores candidates.
    rankers: Workers,
    shadows: Option<Shadows>,
    limits: Limits,
    /// Whether texts are said in the log.
    says_texts: bool,
    /// One for each thread that may tokenize long texts at once.
    tokenizing: Semaphore,
}

/// What is asked of a model.
#[derive(Debug)]
pub(crate) struct Ask {
    /// Its place in [`Models::all`].
    pub(crate) model: usize,
    /// The name of a prompt; none for the model's default.
    pub(crate) prompt: Option<String>,
    pub(crate) texts: Vec<Text>,
    pub(crate) overlong: Overlong,
    /// Which rows, of those that the model computes.
    pub(crate) stage: Stage,
    pub(crate) timeout: Option<Duration>,
}

/// A model's answer.
#[derive(Debug)]
pub(crate) struct Answer {
    /// The rows, one text after the other; of [`Stage::Tokens`] one for each token.
    pub(crate) values: Vec<f32>,
    /// The values of a row.
    pub(crate) width: usize,
    /// The tokens of each text, special ones counted.
    pub(crate) tokens: Vec<usize>,
    pub(crate) times: Times,
    /// Texts in the largest batch that had some of these.
    pub(crate) batch: usize,
    /// Has the shadows score the request, once the answer is written and this is dropped.
    _afterwards: Option<Afterwards>,
}

#[cfg(test)]
impl Answer {
    /// One of no values, for what counts answers.
    pub(crate) fn of(tokens: Vec<usize>, times: Times, batch: usize) -> Answer {
        Answer { values: vec![], width: 1, tokens, times, batch, _afterwards: None }
    }
}

/// Where the time of an answer went.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Times {
    pub(crate) tokenize: Duration,
    pub(crate) queue: Duration,
    pub(crate) infer: Duration,
}

impl Inference {
    /// Starts the workers.
    ///
    /// # Errors
    ///
    /// If their memory or their threads cannot be had.
    pub(crate) fn start(models: Models, limits: Limits, metrics: &Metrics) -> Result<Inference, String> {
        let models = Arc::new(models);
        let threads = processors();
        let batcher = Batcher::start(&models, metrics.models())?;
        let rankers = Workers::start(&models, metrics.models())?;
        let (texts, candidates) = (batcher.idle(), rankers.idle());
        let idle = move || loop {
            texts.wait();
            if candidates.is_now() {
                return;
            }
            candidates.wait();
        };
        let shadows = Shadows::start(&models, idle)?;
        if let Some(shadows) = &shadows {
            metrics.follow(shadows.clone());
        }
        let tokenizing = Semaphore::new(threads);
        Ok(Inference { models, batcher, rankers, shadows, limits, says_texts: false, tokenizing })
    }

    /// As it is, and saying what texts it is asked for.
    pub(crate) fn saying_texts(self, says_texts: bool) -> Inference {
        Inference { says_texts, ..self }
    }

    pub(crate) fn limits(&self) -> Limits {
        self.limits
    }

    pub(crate) fn models(&self) -> &Models {
        &self.models
    }

    pub(crate) fn shadows(&self) -> Option<&Shadows> {
        self.shadows.as_ref()
    }

    pub(crate) fn served(&self, model: usize) -> &Served {
        &self.models.all()[model]
    }

    /// The batches of the model in that place.
    pub(crate) fn executions(&self, model: usize) -> &Executions {
        match self.served(model).ranker() {
            Some(_) => self.rankers.executions(model),
            None => self.batcher.executions(model),
        }
    }

    /// The rows of the texts, bit by bit those of `Engine::run`.
    ///
    /// # Errors
    ///
    /// What is wrong with the texts, or why there is no answer in time.
    pub(crate) async fn answer(&self, ask: Ask) -> Result<Answer, Fault> {
        let (model, begun) = (ask.model, Instant::now());
        let card = self.served(model).card;
        Record::ask(model, ask.texts.len());
        if self.says_texts {
            logs::texts(card.name, &ask.texts);
        }
        let outcome = self.rows(ask, begun).await;
        tell(&card, &outcome);
        outcome
    }

    async fn rows(&self, ask: Ask, begun: Instant) -> Result<Answer, Fault> {
        let deadline = self.deadline(begun, ask.timeout);
        let most = self.limits.texts;
        if ask.texts.len() > most {
            return Err(Fault::input(
                None,
                format!("there are {} texts, and at most {most} are taken", ask.texts.len()),
            ));
        }
        let served = *self.served(ask.model);
        let Ask { model, prompt, texts, overlong, stage, .. } = ask;
        let width = served.width(stage).ok_or_else(|| Fault::Unsupported(served.lacks(stage)))?;
        self.batcher.check(model, texts.len(), deadline)?;
        let bytes: usize = texts.iter().map(Text::bytes).sum();
        let tokenize = move || (tokenize(&served, prompt.as_deref(), &texts, overlong), prompt, texts);
        let (tokens, prompt, texts) = self.where_it_fits(bytes, tokenize, deadline).await?;
        let tokens = tokens?;
        let counts: Vec<usize> = (0..tokens.texts()).map(|text| tokens.tokens_of(text)).collect();
        let (all, most) = (counts.iter().sum::<usize>(), self.limits.tokens);
        if all > most {
            return Err(Fault::input(None, format!("the texts have {all} tokens, and at most {most} are taken")));
        }
        let tokenized = begun.elapsed();
        let rows = self.batcher.run(model, tokens.to(stage), deadline).await?;
        if rows.values.iter().any(|value| !value.is_finite()) {
            return Err(Fault::Internal(format!("an output of model `{}` is not finite", served.card.name)));
        }
        aside::rest(rows.values.len() > LONG_ANSWER).await;
        let times = Times { tokenize: tokenized, queue: rows.queued, infer: rows.ran };
        let values = rows.values;
        let exchange = || Exchange::Texts(Texts { prompt, texts, overlong, rows: values.clone() });
        // Shadows are compared by their answers.
        let afterwards = if stage == Stage::Output { self.afterwards(model, exchange) } else { None };
        Ok(Answer { values, width, tokens: counts, times, batch: rows.batch, _afterwards: afterwards })
    }

    /// What hands a request that the model in that place has answered to its shadows; none where it has none.
    fn afterwards(&self, model: usize, exchange: impl FnOnce() -> Exchange) -> Option<Afterwards> {
        let shadows = self.shadows.as_ref().filter(|shadows| shadows.follow(model))?;
        Some(shadows.afterwards(Answered { model, exchange: exchange() }))
    }

    /// If the only model could not answer even one token in this time, when it may be tried again; it is counted as the model's refusal.
    /// Where there are several models, which one is asked, and would refuse, is known by more than a head.
    pub(crate) fn overload(&self, timeout: Option<Duration>) -> Option<Duration> {
        let [only] = self.models.all() else { return None };
        // What a ranker's request costs, its candidates say.
        only.texts()?;
        let begun = Instant::now();
        let checked = self.batcher.check(0, 1, self.deadline(begun, timeout));
        let Err(Failure::Overloaded { after }) = checked else { return None };
        Record::ask(0, 0);
        tell(&only.card, &Err(Fault::Overloaded { after }));
        Some(after)
    }

    /// When a request that came at `begun` is to be answered.
    pub(crate) fn deadline(&self, begun: Instant, timeout: Option<Duration>) -> Instant {
        begun + timeout.unwrap_or(self.limits.deadline).min(LONGEST)
    }

    /// Tokenizes texts of that many bytes: long ones beside the threads that answer sockets, on no more threads than there are
    /// processors.
    ///
    /// # Errors
    ///
    /// If the deadline passes before there is a thread, or the work panics.
    pub(crate) async fn where_it_fits<T: Send + 'static>(
        &self,
        bytes: usize,
        work: impl FnOnce() -> T + Send + 'static,
        deadline: Instant,
    ) -> Result<T, Fault> {
        if bytes <= LONG {
            return Ok(work());
        }
        let permit = timeout_at(deadline.into(), self.tokenizing.acquire()).await.map_err(|_elapsed| Fault::Late)?;
        let _permit = permit.expect("it is never closed");
        let done = tokio::task::spawn_blocking(work).await;
        done.map_err(|_panic| Fault::Internal("the tokenizer broke off over this request".to_owned()))
    }
}

/// Notes how a model answered, and says it where it did not.
fn tell(card: &ModelCard, outcome: &Result<Answer, Fault>) {
    Record::answer(outcome);
    if let Err(fault) = outcome {
        logs::fault(card.name, card.version, fault);
    }
}

/// How long a request's client waits, where it says so.
///
/// # Errors
///
/// If the header is no number of milliseconds.
pub(crate) fn timeout(headers: &HeaderMap) -> Result<Option<Duration>, Fault> {
    let Some(value) = headers.get(TIMEOUT) else { return Ok(None) };
    let millis = value.to_str().ok().and_then(|value| value.trim().parse::<u32>().ok());
    millis.map(|millis| Some(Duration::from_millis(millis.into()))).ok_or_else(|| {
        Fault::input(None, format!("the header `{TIMEOUT}` is {value:?}, which is no number of milliseconds"))
    })
}
