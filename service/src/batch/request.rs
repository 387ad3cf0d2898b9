//! A request in the queue: its texts, and who waits for their rows.

use super::Failure;
use super::ragged::Ragged;
use std::ops::Range;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::oneshot;

/// The rows of a request, and how long they took.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Rows {
    /// The rows, one text after the other, of the texts' stage.
    pub(crate) values: Vec<f32>,
    /// From the request's arrival to its first batch.
    pub(crate) queued: Duration,
    /// From its first batch to its last row.
    pub(crate) ran: Duration,
    /// Texts in the largest batch that had some of its own.
    pub(crate) batch: usize,
}

/// What is asked of the batches: the rows of some texts, by a deadline.
#[derive(Debug)]
pub(super) struct Request {
    /// The model's place.
    pub(super) model: usize,
    pub(super) texts: Ragged,
    pub(super) arrived: Instant,
    pub(super) deadline: Instant,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// Taken when the answer is sent.
    reply: Option<oneshot::Sender<Result<Rows, Failure>>>,
    values: Vec<f32>,
    /// Texts that have no row yet.
    missing: usize,
    begun: Option<Instant>,
    batch: usize,
}

impl Request {
    pub(super) fn new(
        model: usize,
        texts: Ragged,
        (arrived, deadline): (Instant, Instant),
        reply: oneshot::Sender<Result<Rows, Failure>>,
    ) -> Request {
        let state = State { reply: Some(reply), values: vec![], missing: texts.texts(), begun: None, batch: 0 };
        Request { model, texts, arrived, deadline, state: Mutex::new(state) }
    }

    /// Whether nobody waits for it: it is answered, or its client has gone.
    pub(super) fn is_gone(&self) -> bool {
        self.state().reply.as_ref().is_none_or(oneshot::Sender::is_closed)
    }

    /// Notes that a batch of so many texts has some of its own.
    pub(super) fn begin(&self, now: Instant, batch: usize) {
        let mut state = self.state();
        state.begun.get_or_insert(now);
        state.batch = state.batch.max(batch);
    }

    /// Takes the rows of some of its texts; with the last ones it is answered.
    pub(super) fn fill(&self, texts: Range<usize>, rows: &[f32], now: Instant) {
        let mut state = self.state();
        let [start, end, all] = [texts.start, texts.end, self.texts.texts()].map(|text| self.texts.rows_before(text));
        let width = rows.len() / (end - start);
        state.values.resize(all * width, 0.0);
        state.values[start * width..end * width].copy_from_slice(rows);
        state.missing -= texts.len();
        if state.missing == 0 {
            let begun = state.begun.unwrap_or(now);
            let values = std::mem::take(&mut state.values);
            let (queued, ran) = (begun.duration_since(self.arrived), now.duration_since(begun));
            let batch = state.batch;
            send(&mut state, Ok(Rows { values, queued, ran, batch }));
        }
    }

    /// Answers it with a failure, unless it is answered.
    pub(super) fn fail(&self, failure: Failure) {
        send(&mut self.state(), Err(failure));
    }

    /// The state is sound between any two statements, so a panic elsewhere cannot have spoiled it.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn send(state: &mut State, answer: Result<Rows, Failure>) {
    if let Some(reply) = state.reply.take() {
        // Its client may have gone just now.
        let _unheard = reply.send(answer);
    }
}
