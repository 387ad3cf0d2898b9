//! A worker: a thread that runs the batches it takes, until there are none and there will be none.

use super::queue::{Batch, Piece};
use super::ragged::Ragged;
use super::{Failure, Shared, Spent};
use modeldeploy::session::Stage;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Instant;

/// What runs a model's texts: the sessions of a worker, or in tests something that one can look into.
pub(super) trait Run {
    /// The rows of the texts' stage by the model in that place, appended to `rows`.
    fn run(&mut self, model: usize, texts: &Ragged, rows: &mut Vec<f32>) -> Result<(), String>;
}

/// Makes what a worker runs with: at its start, and again after a panic, which may have left it in any state.
pub(super) type Make = dyn Fn() -> Result<Box<dyn Run>, String> + Send + Sync;

/// Runs batches until the end.
pub(super) fn work(shared: &Shared, worker: usize, make: &Make) {
    let mut hands = Hands { make, shared, run: None, texts: Ragged::new(), rows: vec![] };
    // Before the first request, which need not wait for it.
    hands.run = make().ok();
    while let Some(batch) = shared.next(worker) {
        let begun = Instant::now();
        let whole = hands.run(&batch);
        let took = begun.elapsed();
        if whole {
            shared.finish(worker, &batch, took);
        }
    }
}

/// What a worker keeps from batch to batch.
struct Hands<'a> {
    make: &'a Make,
    shared: &'a Shared,
    run: Option<Box<dyn Run>>,
    texts: Ragged,
    rows: Vec<f32>,
}

impl Hands<'_> {
    /// Answers a batch; whether it ran as a whole. Texts of which other rows are asked than of those before them run apart.
    fn run(&mut self, batch: &Batch) -> bool {
        let alike = batch.pieces.chunk_by(|a, b| a.request.texts.stage() == b.request.texts.stage());
        let mut whole = true;
        for pieces in alike {
            whole &= self.run_together(batch.model, pieces);
        }
        whole
    }

    /// Answers pieces; whether they ran together. If they do not, they run one by one, so that what is wrong with one of them is the
    /// failure of its request alone.
    fn run_together(&mut self, model: usize, pieces: &[Piece]) -> bool {
        let together = self.attempt(model, pieces);
        match (&together, pieces) {
            (Ok(()), _) => {}
            (Err(failure), [piece]) => piece.request.fail(failure.clone()),
            (Err(_), pieces) => {
                for piece in pieces {
                    if let Err(failure) = self.attempt(model, std::slice::from_ref(piece)) {
                        piece.request.fail(failure);
                    }
                }
            }
        }
        together.is_ok()
    }

    fn attempt(&mut self, model: usize, pieces: &[Piece]) -> Result<(), Failure> {
        let begun = Instant::now();
        self.texts.clear_for(pieces.first().map_or(Stage::Output, |piece| piece.request.texts.stage()));
        self.rows.clear();
        for piece in pieces {
            piece.texts.clone().for_each(|text| self.texts.push_of(&piece.request.texts, text));
        }
        let mut run = match self.run.take() {
            Some(run) => run,
            None => (self.make)().map_err(Failure::Model)?,
        };
        let put_together = Instant::now();
        let outcome = catch_unwind(AssertUnwindSafe(|| run.run(model, &self.texts, &mut self.rows)));
        // What has panicked is dropped, and made again for the next batch.
        let outcome = outcome.map_err(|_panic| {
            self.shared.counts[model].panicked();
            Failure::Panicked
        })?;
        self.run = Some(run);
        outcome.map_err(Failure::Model)?;
        let (width, now) = (self.rows.len() / self.texts.rows_before(self.texts.texts()), Instant::now());
        let mut rows = &self.rows[..];
        for piece in pieces {
            let [start, end] = [piece.texts.start, piece.texts.end].map(|text| piece.request.texts.rows_before(text));
            let (own, rest) = rows.split_at((end - start) * width);
            piece.request.fill(piece.texts.clone(), own, now);
            rows = rest;
        }
        let spent = Spent { input: put_together - begun, infer: now - put_together, output: now.elapsed() };
        self.shared.executions[model].count(self.texts.texts(), spent);
        Ok(())
    }
}
