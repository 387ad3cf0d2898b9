//! What waits for the shadows: a bounded line, which refuses rather than grows.

use crate::inference::{Overlong, Text};
use crate::ranking::Asked;
use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// A request that was answered.
#[derive(Clone, Debug)]
pub(crate) struct Answered {
    /// The place of the version that answered.
    pub(crate) model: usize,
    pub(crate) exchange: Exchange,
}

/// What was asked, and what was answered.
#[derive(Clone, Debug)]
pub(crate) enum Exchange {
    Texts(Texts),
    /// Of a ranker.
    Candidates(Candidates),
}

/// Texts, and their rows, one after the other.
#[derive(Clone, Debug)]
pub(crate) struct Texts {
    pub(crate) prompt: Option<String>,
    pub(crate) texts: Vec<Text>,
    pub(crate) overlong: Overlong,
    pub(crate) rows: Vec<f32>,
}

/// A user, a session and candidates, and the scores of these, one's after the other's.
#[derive(Clone, Debug)]
pub(crate) struct Candidates {
    pub(crate) asked: Arc<Asked>,
    pub(crate) scores: Vec<f64>,
}

/// The most requests that wait, and the most bytes of what they ask and what was answered.
const REQUESTS: usize = 1024;
const BYTES: usize = 4 << 20;

/// Requests that wait.
#[derive(Debug, Default)]
pub(super) struct Line {
    state: Mutex<State>,
    news: Condvar,
}

#[derive(Debug, Default)]
struct State {
    waiting: VecDeque<Answered>,
    bytes: usize,
    is_closed: bool,
}

impl Answered {
    fn bytes(&self) -> usize {
        match &self.exchange {
            Exchange::Texts(Texts { texts, rows, .. }) => {
                let texts: usize = texts.iter().map(|text| size_of::<Text>() + text.bytes()).sum();
                texts + size_of_val(&rows[..])
            }
            Exchange::Candidates(Candidates { asked, scores }) => asked.bytes() + size_of_val(&scores[..]),
        }
    }
}

impl Line {
    /// Lets a request wait; whether there was room.
    pub(super) fn push(&self, answered: Answered) -> bool {
        let mut state = self.lock();
        let bytes = state.bytes + answered.bytes();
        if state.waiting.len() == REQUESTS || bytes > BYTES {
            return false;
        }
        state.bytes = bytes;
        state.waiting.push_back(answered);
        drop(state);
        self.news.notify_one();
        true
    }

    /// The one that waits longest, once there is one; none if the line is closed.
    pub(super) fn pop(&self) -> Option<Answered> {
        let mut state = self.lock();
        loop {
            if state.is_closed {
                return None;
            }
            if let Some(answered) = state.waiting.pop_front() {
                state.bytes -= answered.bytes();
                return Some(answered);
            }
            state = self.news.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Ends it; nothing more is taken.
    pub(super) fn close(&self) {
        self.lock().is_closed = true;
        self.news.notify_all();
    }

    /// The state is sound between any two statements, so a panic elsewhere cannot have spoiled it.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(bytes: usize) -> Answered {
        let texts = vec![Text::One("x".repeat(bytes))];
        let texts = Texts { prompt: None, texts, overlong: Overlong::Cut, rows: vec![] };
        Answered { model: 0, exchange: Exchange::Texts(texts) }
    }

    #[test]
    fn a_line_that_is_full_refuses_until_one_is_taken() {
        let line = Line::default();
        let taken = (0..2000).filter(|_| line.push(answered(1))).count();
        assert_eq!(taken, REQUESTS);
        assert!(line.pop().is_some() && line.push(answered(1)) && !line.push(answered(1)));

        let line = Line::default();
        assert!(!line.push(answered(BYTES)));
        assert!(line.push(answered(BYTES / 2)) && !line.push(answered(BYTES / 2)));
        assert!(line.pop().is_some() && line.push(answered(BYTES / 2)));
    }

    #[test]
    fn nothing_is_taken_from_a_line_that_is_closed() {
        let line = Line::default();
        assert!(line.push(answered(1)));
        line.close();
        assert!(line.pop().is_none());
    }
}
