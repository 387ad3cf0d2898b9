//! What is counted of a model whatever the route: its batches, what waits for it, and what was not run.

use super::histogram::{Histogram, SIZES};
use crate::ModelCard;
use crate::batch::Tally;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Why a request was not run, in the order of [`ModelMetrics::sheds`]: it would have been late; its time was over while it waited; its
/// client had gone.
pub(super) const SHEDS: [&str; 3] = ["overload", "late", "gone"];

/// A model's counts. The queue and the workers write them, without a lock of their own.
#[derive(Debug)]
pub(crate) struct ModelMetrics {
    pub(super) card: ModelCard,
    pub(super) batch_texts: Histogram,
    pub(super) batch_tokens: Histogram,
    texts: Published,
    /// Of a ranker: it has a queue of its own, and that of texts publishes all models at once.
    candidates: Published,
    panics: AtomicU64,
}

/// What a queue says of a model.
#[derive(Debug, Default)]
struct Published {
    waiting: [AtomicU64; 3],
    sheds: [AtomicU64; SHEDS.len()],
}

impl ModelMetrics {
    pub(crate) fn new(card: ModelCard) -> ModelMetrics {
        ModelMetrics {
            card,
            batch_texts: Histogram::new(&SIZES),
            batch_tokens: Histogram::new(&SIZES),
            texts: Published::default(),
            candidates: Published::default(),
            panics: AtomicU64::new(0),
        }
    }

    /// Counts a batch that ran.
    pub(crate) fn batch(&self, texts: usize, tokens: usize) {
        self.batch_texts.observe(texts as u64);
        self.batch_tokens.observe(tokens as u64);
    }

    /// Counts a panic that was caught.
    pub(crate) fn panicked(&self) {
        self.panics.fetch_add(1, Relaxed);
    }

    /// Takes over what the queue has counted. It is called with the queue's lock held, so that none overtakes another.
    pub(crate) fn publish(&self, tally: Tally) {
        self.texts.publish(tally);
    }

    /// The same of a ranker's queue, whose texts are candidates.
    pub(crate) fn publish_candidates(&self, tally: Tally) {
        self.candidates.publish(tally);
    }

    /// Requests, texts or candidates, and tokens that wait.
    pub(crate) fn waiting(&self) -> [u64; 3] {
        let both = [&self.texts, &self.candidates].map(|queue| queue.waiting.each_ref().map(|it| it.load(Relaxed)));
        std::array::from_fn(|at| both[0][at] + both[1][at])
    }

    pub(crate) fn sheds(&self) -> [u64; SHEDS.len()] {
        let both = [&self.texts, &self.candidates].map(|queue| queue.sheds.each_ref().map(|it| it.load(Relaxed)));
        std::array::from_fn(|at| both[0][at] + both[1][at])
    }

    pub(crate) fn panics(&self) -> u64 {
        self.panics.load(Relaxed)
    }
}

impl Published {
    fn publish(&self, tally: Tally) {
        let [requests, texts, tokens] = &self.waiting;
        let [overload, late, gone] = &self.sheds;
        for (count, value) in [
            (requests, tally.requests as u64),
            (texts, tally.texts as u64),
            (tokens, tally.tokens as u64),
            (overload, tally.refused),
            (late, tally.late),
            (gone, tally.gone),
        ] {
            count.store(value, Relaxed);
        }
    }
}
