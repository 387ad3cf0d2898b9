//! The thread of the shadows: it scores what waits, one text at a time, while nothing else wants the processors.

use super::line::Answered;
use super::{Outcome, Shared};
use crate::batch::Ragged;
use crate::inference::{Text, tokenize};
use crate::models::{Models, Served};
use crate::priority;
use modeldeploy::isa::Isa;
use modeldeploy::session::{Capacity, Session};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

/// What scores: sessions, or in tests something that one can look into.
pub(super) trait Score {
    /// The rows of the texts by the shadow in that place. `wait` is called before each text.
    fn score(&mut self, shadow: usize, answered: &Answered, wait: &mut dyn FnMut()) -> Result<Vec<f32>, String>;
}

/// Makes what scores, on the shadows' own thread: at its start, and again after a panic, which may have left it in any state.
pub(super) type Make = dyn Fn() -> Box<dyn Score> + Send + Sync;

/// Scores until the line is closed. `idle` waits until nothing else wants a worker.
pub(super) fn work(shared: &Shared, make: &Make, idle: &dyn Fn()) {
    priority::behind_all();
    let mut score = make();
    while let Some(answered) = shared.line.pop() {
        for shadow in shared.of(answered.model) {
            let rows = catch_unwind(AssertUnwindSafe(|| score.score(shadow, &answered, &mut || idle())));
            let Ok(rows) = rows else {
                score = make();
                shared.count(shadow, Outcome::Failed);
                continue;
            };
            shared.compare(shadow, &answered, rows);
        }
    }
}

/// A session of each shadow, made when it is first needed.
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
    fn score(&mut self, shadow: usize, answered: &Answered, wait: &mut dyn FnMut()) -> Result<Vec<f32>, String> {
        let (served, against) = (&self.models.shadows()[shadow], &self.models.all()[answered.model]);
        let has_ids = answered.texts.iter().any(|text| matches!(text, Text::Tokens(_)));
        if has_ids && tables(served) != tables(against) {
            return Err("its tokens are those of another tokenizer".to_owned());
        }
        wait();
        let tokens = tokenize(served, answered.prompt.as_deref(), &answered.texts, answered.overlong);
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
