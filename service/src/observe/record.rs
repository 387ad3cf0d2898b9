//! What is noted of a request while it is answered: where protocols hand over to models, without any protocol knowing.

use super::Code;
use crate::inference::{Answer, Fault, Scores, Times};
use std::cell::Cell;
use std::time::Instant;

/// What models did for a request.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Record {
    /// The place of the last model that was asked, in `Models::all`.
    pub(crate) model: Option<usize>,
    pub(crate) texts: usize,
    pub(crate) tokens: usize,
    /// Texts in the largest batch that it was part of.
    pub(crate) batch: usize,
    /// Where the time went; of several answers, their sums.
    pub(crate) times: Times,
    /// When the last answer was there: what follows is its writing.
    pub(crate) answered: Option<Instant>,
    /// Why there was none.
    pub(crate) failure: Option<Code>,
}

tokio::task_local! {
    /// The record of the request that this task answers.
    pub(super) static RECORD: Cell<Record>;
}

impl Record {
    fn change(change: impl FnOnce(&mut Record)) {
        // Work that no request waits for has no record.
        let _without = RECORD.try_with(|cell| {
            let mut record = cell.get();
            change(&mut record);
            cell.set(record);
        });
    }

    /// Notes what is asked of a model.
    pub(crate) fn ask(model: usize, texts: usize) {
        Record::change(|record| {
            record.model = Some(model);
            record.texts += texts;
        });
    }

    /// Notes how a model answered.
    pub(crate) fn answer(answer: &Result<Answer, Fault>) {
        Record::change(|record| match answer {
            Ok(answer) => {
                record.tokens += answer.tokens.iter().sum::<usize>();
                record.batch = record.batch.max(answer.batch);
                record.times.tokenize += answer.times.tokenize;
                record.times.queue += answer.times.queue;
                record.times.infer += answer.times.infer;
                record.answered = Some(Instant::now());
            }
            Err(fault) => record.failure = Some(fault.code().into()),
        });
    }

    /// Notes how a ranker answered.
    pub(crate) fn scored(scores: &Result<Scores, Fault>) {
        Record::change(|record| match scores {
            Ok(scores) => {
                record.batch = record.batch.max(scores.candidates());
                record.times.queue += scores.times.queue;
                record.times.infer += scores.times.infer;
                record.answered = Some(Instant::now());
            }
            Err(fault) => record.failure = Some(fault.code().into()),
        });
    }
}
