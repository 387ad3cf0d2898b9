//! Who is next: requests wait here, and each batch is made of those that a free worker finds.
//!
//! A request is *light* if all its texts together fit into one batch ([`BATCH_TOKENS`]), else *heavy*. The light ones are taken in
//! the order in which they came, the heavy ones in turns, a batch each. Where both wait, the heavy ones get a batch for as much time
//! as the light ones have had, so half of it at most. **A light request therefore waits for the one batch that each worker runs when
//! it comes, and for twice the light work before it, however much heavy work there is;** and a heavy one is never starved.
//!
//! Nothing here reads a clock or starts a thread: the time is passed in.

use super::cost::Cost;
use super::request::Request;
use super::{BATCH_TEXTS, BATCH_TOKENS, Failure};
use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Requests that wait, and what is known of the workers.
#[derive(Debug)]
pub(super) struct Queue {
    models: Vec<Waiting>,
    /// By worker: when its batch is expected to end.
    running: Vec<Option<Instant>>,
    /// Time that light requests had while heavy ones waited.
    credit: Duration,
}

/// What waits for one model.
#[derive(Debug)]
struct Waiting {
    cost: Cost,
    light: Lane,
    heavy: Lane,
}

#[derive(Debug, Default)]
struct Lane {
    /// Each with the first of its texts that no batch has.
    requests: VecDeque<(Arc<Request>, usize)>,
    /// Of all texts that wait.
    texts: usize,
    tokens: usize,
}

/// Texts that are run together.
#[derive(Debug)]
pub(super) struct Batch {
    pub(super) model: usize,
    pub(super) pieces: Vec<Piece>,
    pub(super) texts: usize,
    pub(super) tokens: usize,
}

/// Some texts of a request.
#[derive(Clone, Debug)]
pub(super) struct Piece {
    pub(super) request: Arc<Request>,
    pub(super) texts: Range<usize>,
}

impl Queue {
    /// An empty queue for models of these costs.
    pub(super) fn new(costs: Vec<Cost>, workers: usize) -> Queue {
        let waiting = |cost| Waiting { cost, light: Lane::default(), heavy: Lane::default() };
        let models = costs.into_iter().map(waiting).collect();
        Queue { models, running: vec![None; workers], credit: Duration::ZERO }
    }

    /// Lets a request wait, unless it is expected to be late.
    ///
    /// # Errors
    ///
    /// [`Failure::Overloaded`], with the time after which it may be tried again.
    pub(super) fn admit(&mut self, request: Arc<Request>, now: Instant) -> Result<(), Failure> {
        let fits = |queue: &Queue| now + queue.expected(&request, now) <= request.deadline;
        if !fits(self) {
            // Those whose clients have gone count no longer.
            self.models
                .iter_mut()
                .flat_map(|model| [&mut model.light, &mut model.heavy])
                .for_each(|lane| lane.purge(now));
            if !fits(self) {
                let room = request.deadline.saturating_duration_since(now);
                return Err(Failure::Overloaded { after: self.expected(&request, now).saturating_sub(room) });
            }
        }
        let model = &mut self.models[request.model];
        let lane = if is_light(&request) { &mut model.light } else { &mut model.heavy };
        lane.texts += request.texts.texts();
        lane.tokens += request.texts.tokens();
        lane.requests.push_back((request, 0));
        Ok(())
    }

    /// The next batch for a worker that is free; none if nothing waits.
    pub(super) fn take(&mut self, worker: usize, now: Instant) -> Option<Batch> {
        self.running[worker] = None;
        for model in &mut self.models {
            model.light.skip_gone(now);
            model.heavy.skip_gone(now);
        }
        let (light, heavy) = (self.oldest(|model| &model.light), self.oldest(|model| &model.heavy));
        let free = self.running.iter().filter(|running| running.is_none()).count();
        let (model, is_heavy) = match (light, heavy) {
            (None, None) => return None,
            (Some(light), None) => (light, false),
            (None, Some(heavy)) => (heavy, true),
            (Some(light), Some(heavy)) => {
                let waiting = &self.models[heavy];
                let due = self.credit >= waiting.cost.of(1, waiting.heavy.next_tokens());
                (if due { heavy } else { light }, due)
            }
        };
        let Waiting { cost, light: light_lane, heavy: heavy_lane } = &mut self.models[model];
        let pieces = if is_heavy { heavy_lane.fill(cost, free, now) } else { light_lane.fill(cost, free, now) };
        let (mut texts, mut tokens) = (0, 0);
        for piece in &pieces {
            texts += piece.texts.len();
            tokens += piece.texts.clone().map(|text| piece.request.texts.tokens_of(text)).sum::<usize>();
            piece.request.begin(now);
        }
        let expected = cost.of(texts, tokens);
        self.credit = match (light, heavy) {
            (Some(_), Some(_)) if is_heavy => self.credit.saturating_sub(expected),
            (Some(_), Some(_)) => self.credit + expected,
            _ => Duration::ZERO,
        };
        self.running[worker] = Some(now + expected);
        Some(Batch { model, pieces, texts, tokens })
    }

    /// Learns what a batch took.
    pub(super) fn finish(&mut self, worker: usize, batch: &Batch, took: Duration) {
        self.running[worker] = None;
        self.models[batch.model].cost.observe(batch.texts, batch.tokens, took);
    }

    /// How many requests wait.
    #[cfg(test)]
    pub(super) fn waiting(&self) -> usize {
        self.models.iter().map(|model| model.light.requests.len() + model.heavy.requests.len()).sum()
    }

    /// From now to the end of a request that would come now: what runs, what is taken before it, and its own.
    fn expected(&self, request: &Request, now: Instant) -> Duration {
        let workers = self.running.len() as u32;
        let runs: Duration = self.running.iter().flatten().map(|end| end.saturating_duration_since(now)).sum();
        let light: Duration = self.models.iter().map(|model| model.light.cost(&model.cost)).sum();
        let heavy: Duration = self.models.iter().map(|model| model.heavy.cost(&model.cost)).sum();
        let before = if is_light(request) { light + light.min(heavy) } else { light + heavy };
        // Its texts may be run by several workers at once.
        let texts = request.texts.texts();
        let own = self.models[request.model].cost.of(texts, request.texts.tokens());
        (runs + before) / workers + own / workers.min(u32::try_from(texts).unwrap_or(u32::MAX)).max(1)
    }

    /// The model whose first request in a lane came first.
    fn oldest(&self, lane: impl Fn(&Waiting) -> &Lane) -> Option<usize> {
        let first = |model: usize| lane(&self.models[model]).requests.front().map(|(request, _)| request.arrived);
        (0..self.models.len()).filter(|&model| first(model).is_some()).min_by_key(|&model| first(model))
    }
}

fn is_light(request: &Request) -> bool {
    request.texts.tokens() <= BATCH_TOKENS && request.texts.texts() <= BATCH_TEXTS
}

impl Lane {
    /// What all that waits costs, in full batches.
    fn cost(&self, cost: &Cost) -> Duration {
        let more_batches = (self.tokens / BATCH_TOKENS) as u32;
        if self.texts == 0 { Duration::ZERO } else { cost.of(self.texts, self.tokens) + cost.of(0, 0) * more_batches }
    }

    /// The tokens of the first text.
    fn next_tokens(&self) -> usize {
        self.requests.front().map_or(0, |(request, next)| request.texts.tokens_of(*next))
    }

    /// Takes texts for one worker, where `free` ones are: its part of those that wait, within a batch, and no more than meets the
    /// deadline of each.
    fn fill(&mut self, cost: &Cost, free: usize, now: Instant) -> Vec<Piece> {
        let most = self.tokens.div_ceil(free.max(1)).min(BATCH_TOKENS);
        let (mut pieces, mut texts, mut tokens) = (vec![], 0, 0);
        let (mut deadline, mut is_begun) = (None, false);
        while let Some((request, next)) = self.requests.front_mut() {
            let first = *next;
            let due = deadline.map_or(request.deadline, |due: Instant| due.min(request.deadline));
            while *next < request.texts.texts() {
                let more = request.texts.tokens_of(*next);
                let late = || now + cost.of(texts + 1, tokens + more) > due;
                if texts > 0 && (tokens + more > most || texts == BATCH_TEXTS || late()) {
                    break;
                }
                (texts, tokens, *next) = (texts + 1, tokens + more, *next + 1);
            }
            is_begun = first < *next;
            if is_begun {
                deadline = Some(due);
                pieces.push(Piece { request: request.clone(), texts: first..*next });
            }
            if *next < request.texts.texts() {
                break;
            }
            self.requests.pop_front();
            self.skip_gone(now);
        }
        self.texts -= texts;
        self.tokens -= tokens;
        // A heavy request that is not done lets the next one have its turn; a light one is first again: it has the oldest texts.
        if is_begun && self.requests.front().is_some_and(|(request, next)| *next > 0 && !is_light(request)) {
            self.requests.rotate_left(1);
        }
        pieces
    }

    /// Takes away the requests at the front that nobody waits for, or that are late.
    fn skip_gone(&mut self, now: Instant) {
        while let Some((request, next)) = self.requests.pop_front() {
            if stays(&request, now) {
                self.requests.push_front((request, next));
                return;
            }
            self.forget(&request, next);
        }
    }

    /// Takes away all such requests.
    fn purge(&mut self, now: Instant) {
        for _ in 0..self.requests.len() {
            if let Some((request, next)) = self.requests.pop_front() {
                if stays(&request, now) {
                    self.requests.push_back((request, next));
                } else {
                    self.forget(&request, next);
                }
            }
        }
    }

    fn forget(&mut self, request: &Request, next: usize) {
        for text in next..request.texts.texts() {
            self.texts -= 1;
            self.tokens -= request.texts.tokens_of(text);
        }
    }
}

/// Whether somebody waits for it, and in time; a late one is told.
fn stays(request: &Request, now: Instant) -> bool {
    if request.is_gone() {
        return false;
    }
    let in_time = now < request.deadline;
    if !in_time {
        request.fail(Failure::Late);
    }
    in_time
}

#[cfg(test)]
mod tests;
