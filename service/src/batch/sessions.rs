//! What a worker runs with: a session of each model, and what batches cost in them.

use super::cost::Cost;
use super::ragged::Ragged;
use super::worker::Run;
use super::{BATCH_TEXTS, BATCH_TOKENS};
use crate::models::{Models, Served};
use modeldeploy::isa::Isa;
use modeldeploy::session::{Capacity, Session};
use std::time::{Duration, Instant};

/// A session of each model, in the order of [`Models::all`]; rankers have workers of their own, and none here.
pub(super) struct Sessions {
    sessions: Vec<Option<Session<'static>>>,
    max_tokens: Vec<usize>,
}

impl Sessions {
    /// Makes them; this is where their memory is allocated.
    pub(super) fn new(models: &Models) -> Result<Sessions, String> {
        let isa = Isa::from_env().map_err(|error| error.to_string())?;
        let session = |served: &Served| {
            let Some(engine) = served.texts() else { return Ok(None) };
            let capacity = Capacity::new(BATCH_TOKENS.max(served.facts.max_tokens), BATCH_TEXTS);
            Session::with_isa(engine.artifact(), capacity, isa)
                .map(Some)
                .map_err(|error| format!("a session of model `{}` cannot be made: {error}", served.card.name))
        };
        let sessions = models.all().iter().map(session).collect::<Result<_, _>>()?;
        Ok(Sessions { sessions, max_tokens: models.all().iter().map(|served| served.facts.max_tokens).collect() })
    }

    /// Measures what batches of each model cost here.
    pub(super) fn costs(&mut self) -> Result<Vec<Cost>, String> {
        let mut failed = None;
        let mut rows = vec![];
        let costs = (0..self.sessions.len()).map(|model| {
            if self.sessions[model].is_none() {
                return Cost::measured(1, |_, _| Duration::ZERO);
            }
            Cost::measured(self.max_tokens[model], |texts, tokens| {
                let mut batch = Ragged::new();
                // Which tokens they are is all the same to the kernels; there is one of id 0 in every vocabulary.
                (0..texts).for_each(|_| batch.push(vec![0; tokens], vec![0; tokens]));
                rows.clear();
                let begun = Instant::now();
                failed = failed.take().or(self.run(model, &batch, &mut rows).err());
                begun.elapsed().max(Duration::from_nanos(1))
            })
        });
        let costs = costs.collect();
        failed.map_or(Ok(costs), Err)
    }
}

impl Run for Sessions {
    fn run(&mut self, model: usize, texts: &Ragged, rows: &mut Vec<f32>) -> Result<(), String> {
        let session = self.sessions[model].as_mut().ok_or("the model reads no texts")?;
        let values = session.run_to(texts.stage(), &texts.as_batch()).map_err(|error| error.to_string())?;
        rows.extend_from_slice(values);
        Ok(())
    }
}
