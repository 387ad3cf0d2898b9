//! The thread of the shadows: it scores what waits, one text or one ranker's request at a time, while nothing else wants the processors.

use super::line::{Answered, Candidates, Exchange, Texts};
use super::{Outcome, Shared};
use crate::batch::Ragged;
use crate::inference::{Text, tokenize};
use crate::models::{Models, Served};
use crate::priority;
use crate::ranking::Asked;
use modeldeploy::isa::Isa;
use modeldeploy::session::{Capacity, Session};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

/// What scores: sessions, or in tests something that one can look into.
pub(super) trait Score {
    /// The rows of the texts by the shadow in that place, where the version in the place `model` has answered them. `wait` is called before
    /// each text.
    fn rows(&mut self, shadow: usize, model: usize, asked: &Texts, wait: &mut dyn FnMut()) -> Result<Vec<f32>, String>;

    /// The scores of the candidates by the ranker in that place. `wait` is called before.
    fn scores(&mut self, shadow: usize, asked: &Asked, wait: &mut dyn FnMut()) -> Result<Vec<f64>, String>;
}

/// Makes what scores, on the shadows' own thread: at its start, and again after a panic, which may have left it in any state.
pub(super) type Make = dyn Fn() -> Box<dyn Score> + Send + Sync;

/// Scores until the line is closed. `idle` waits until nothing else wants a worker.
pub(super) fn work(shared: &Shared, make: &Make, idle: &dyn Fn()) {
    priority::behind_all();
    let mut score = make();
    while let Some(answered) = shared.line.pop() {
        for shadow in shared.of(answered.model) {
            let compare = || compare(shared, shadow, &answered, &mut *score, &mut || idle());
            if catch_unwind(AssertUnwindSafe(compare)).is_err() {
                score = make();
                shared.count(shadow, Outcome::Failed);
            }
        }
    }
}

/// Has a shadow answer what was asked, and notes how far it is from what was answered.
fn compare(shared: &Shared, shadow: usize, answered: &Answered, score: &mut dyn Score, wait: &mut dyn FnMut()) {
    let model = answered.model;
    match &answered.exchange {
        Exchange::Texts(texts) => shared.compare(shadow, model, &texts.rows, score.rows(shadow, model, texts, wait)),
        Exchange::Candidates(Candidates { asked, scores }) => {
            shared.compare(shadow, model, scores, score.scores(shadow, asked, wait));
        }
    }
}

/// A session of each shadow of texts, made when it is first needed.
pub(super) struct Sessions {
    models: Arc<Models>,
    sessions: Vec<Option<Session<'static>>>,
}

impl Sessions {
    pub(super) fn new(models: Arc<Models>) -> Sessions {
        let sessions = models.shadows().iter().map(|_| None).collect();
        Sessions { models, sessions }
    }
}

impl Score for Sessions {
    fn rows(&mut self, shadow: usize, model: usize, asked: &Texts, wait: &mut dyn FnMut()) -> Result<Vec<f32>, String> {
        let (served, against) = (&self.models.shadows()[shadow], &self.models.all()[model]);
        let has_ids = asked.texts.iter().any(|text| matches!(text, Text::Tokens(_)));
        if has_ids && tables(served) != tables(against) {
            return Err("its tokens are those of another tokenizer".to_owned());
        }
        wait();
        let tokens = tokenize(served, asked.prompt.as_deref(), &asked.texts, asked.overlong);
        let tokens = tokens.map_err(|fault| fault.to_string())?;
        let session = match &mut self.sessions[shadow] {
            Some(session) => session,
            none => none.insert(session(served)?),
        };
        let (mut text, mut values) = (Ragged::new(), vec![]);
        for at in 0..tokens.texts() {
            text.clear();
            text.push_of(&tokens, at);
            wait();
            values.extend_from_slice(session.run(&text.as_batch()).map_err(|error| error.to_string())?);
        }
        Ok(values)
    }

    fn scores(&mut self, shadow: usize, asked: &Asked, wait: &mut dyn FnMut()) -> Result<Vec<f64>, String> {
        let served = &self.models.shadows()[shadow];
        let engine = served.ranker().ok_or("it scores no candidates")?;
        wait();
        asked.score(engine).map_err(|fault| fault.to_string())
    }
}

fn tables(served: &Served) -> &'static [u8] {
    served.texts().map_or(&[], |engine| engine.artifact().tokenizer())
}

fn session(served: &Served) -> Result<Session<'static>, String> {
    let isa = Isa::from_env().map_err(|error| error.to_string())?;
    let capacity = Capacity::new(served.facts.max_tokens, 1);
    let engine = served.texts().ok_or_else(|| served.no_texts())?;
    Session::with_isa(engine.artifact(), capacity, isa).map_err(|error| error.to_string())
}
