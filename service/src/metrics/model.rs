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
    waiting: [AtomicU64; 3],
    sheds: [AtomicU64; SHEDS.len()],
    panics: AtomicU64,
}

impl ModelMetrics {
    pub(crate) fn new(card: ModelCard) -> ModelMetrics {
        ModelMetrics {
            card,
            batch_texts: Histogram::new(&SIZES),
            batch_tokens: Histogram::new(&SIZES),
            waiting: Default::default(),
            sheds: Default::default(),
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

    /// Requests, texts and tokens that wait.
    pub(super) fn waiting(&self) -> [u64; 3] {
        self.waiting.each_ref().map(|count| count.load(Relaxed))
    }

    pub(super) fn sheds(&self) -> [u64; SHEDS.len()] {
        self.sheds.each_ref().map(|count| count.load(Relaxed))
    }

    pub(super) fn panics(&self) -> u64 {
        self.panics.load(Relaxed)
    }
}
