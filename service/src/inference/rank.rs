//! From a user, a session and candidates to scores: what every protocol asks of a ranker.

use super::{Fault, Inference, Times};
use crate::aside::{self, LONG_ANSWER};
use crate::logs;
use crate::observe::Record;
use crate::ranking::{Asked, Scored};
use crate::shadow::{Afterwards, Candidates, Exchange};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A ranker's answer.
#[derive(Debug)]
pub(crate) struct Scores {
    /// The scores, one candidate's after the other's; every one is finite.
    pub(crate) values: Vec<f64>,
    /// How many a candidate has.
    pub(crate) width: usize,
    pub(crate) times: Times,
    /// Has the shadows score the request, once the answer is written and this is dropped.
    _afterwards: Option<Afterwards>,
}

impl Scores {
    /// How many candidates there are.
    pub(crate) fn candidates(&self) -> usize {
        self.values.len() / self.width
    }

    /// The sizes of the tensor that they are.
    pub(crate) fn shape(&self) -> impl Iterator<Item = usize> {
        [self.candidates()].into_iter().chain((self.width > 1).then_some(self.width))
    }
}

impl Inference {
    /// The scores of the candidates by the ranker in that place, bit by bit those of its handle.
    ///
    /// # Errors
    ///
    /// Which value of which feature the model does not take, or why there is no answer in time.
    pub(crate) async fn rank(&self, model: usize, asked: Asked, timeout: Option<Duration>) -> Result<Scores, Fault> {
        let (card, begun) = (self.served(model).card, Instant::now());
        Record::ask(model, asked.candidates());
        let asked = Arc::new(asked);
        let scored = self.rankers.run(model, &asked, self.deadline(begun, timeout)).await;
        aside::rest(scored.as_ref().is_ok_and(|scored| scored.values.len() > LONG_ANSWER)).await;
        let width = self.served(model).facts.outputs;
        let outcome = scored.map(|Scored { values, queued, ran }| {
            let times = Times { tokenize: Duration::ZERO, queue: queued, infer: ran };
            let exchange = || Exchange::Candidates(Candidates { asked, scores: values.clone() });
            let _afterwards = self.afterwards(model, exchange);
            Scores { values, width, times, _afterwards }
        });
        Record::scored(&outcome);
        if let Err(fault) = &outcome {
            logs::fault(card.name, card.version, fault);
        }
        outcome
    }
}
