//! Who is next: requests wait here, and each batch is made of those that a free worker finds.
//!
//! A request is *light* if all its texts together fit into one batch ([`BATCH_TOKENS`]), else *heavy*. The light ones are taken in
//! the order in which they came, the heavy ones in the order in which they would be done if each were alone: one is overtaken, between
//! its batches, by those alone that come and could go within its own time. Where both wait, the heavy ones get a batch for as much time
//! as the light ones have had, so half of it at most. **A light request therefore waits for the one batch that each worker runs when
//! it comes, for one heavy batch more, and for twice the light work before it, however much heavy work there is;** and a heavy one is
//! never starved. A heavy batch is [`BATCH_TOKENS`], or one text that is longer.
//!
//! Nothing here reads a clock or starts a thread: the time is passed in.

use super::cost::Cost;
use super::ragged::Ragged;
use super::request::Request;
use super::{BATCH_TEXTS, BATCH_TOKENS, Failure};
use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How many times as long as expected a request may wait and still be in time. The processors are others' too, so that waiting is the
/// less certain the longer it is; and a shorter queue keeps the workers as busy.
const HELD_UP: u32 = 4;

/// Requests whose clients have gone are looked for no more often than this.
const PURGE: Duration = Duration::from_millis(1);

/// Requests that wait, and what is known of the workers.
#[derive(Debug)]
pub(super) struct Queue {
    models: Vec<Waiting>,
    /// By worker.
    running: Vec<Running>,
    /// Time that light requests had while heavy ones waited.
    credit: Duration,
    purged: Option<Instant>,
}

/// What a worker runs.
#[derive(Debug, Default)]
struct Running {
    /// When its batch is expected to end; none if it is free.
    end: Option<Instant>,
    /// Whose texts they are.
    requests: Vec<Arc<Request>>,
}

/// What waits for one model.
#[derive(Debug)]
struct Waiting {
    cost: Cost,
    light: Lane,
    heavy: Lane,
    /// Requests that would have been late.
    refused: u64,
}

#[derive(Debug, Default)]
struct Lane {
    /// By their places.
    requests: VecDeque<Entry>,
    /// Of all texts that wait.
    texts: usize,
    tokens: usize,
    /// Requests that were taken away, being late, or because nobody waited for them.
    late: u64,
    gone: u64,
}

/// What waits for a model, and how many requests were not run, and why.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) requests: usize,
    pub(crate) texts: usize,
    pub(crate) tokens: usize,
    pub(crate) refused: u64,
    pub(crate) late: u64,
    pub(crate) gone: u64,
}

#[derive(Debug)]
struct Entry {
    request: Arc<Request>,
    /// The first of its texts that no batch has.
    next: usize,
    /// Those of an earlier time go before it.
    place: Instant,
}

/// How much a request is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Size {
    pub(super) texts: usize,
    pub(super) tokens: usize,
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
        let waiting = |cost| Waiting { cost, light: Lane::default(), heavy: Lane::default(), refused: 0 };
        let models = costs.into_iter().map(waiting).collect();
        Queue {
            models,
            running: (0..workers).map(|_| Running::default()).collect(),
            credit: Duration::ZERO,
            purged: None,
        }
    }

    /// Lets a request wait, unless it is expected to be late.
    ///
    /// # Errors
    ///
    /// [`Failure::Overloaded`], with the time after which it may be tried again.
    pub(super) fn admit(&mut self, request: Arc<Request>, now: Instant) -> Result<(), Failure> {
        let (model, size) = (request.model, Size::of(&request.texts));
        self.check(model, size, request.arrived, (now, request.deadline))?;
        let place = self.place(model, size, request.arrived);
        let Waiting { light, heavy, .. } = &mut self.models[model];
        let lane = if size.is_light() { light } else { heavy };
        lane.texts += size.texts;
        lane.tokens += size.tokens;
        let at = lane.requests.partition_point(|entry| entry.place <= place);
        lane.requests.insert(at, Entry { request, next: 0, place });
        Ok(())
    }

    /// Whether a request of this size that came at `arrived` would be done by the deadline.
    ///
    /// # Errors
    ///
    /// As [`admit`](Queue::admit).
    pub(super) fn check(
        &mut self,
        model: usize,
        size: Size,
        arrived: Instant,
        (now, deadline): (Instant, Instant),
    ) -> Result<(), Failure> {
        let mut expected = self.expected(model, size, arrived, now);
        if now + expected > deadline && self.purged.is_none_or(|purged| now >= purged + PURGE) {
            // Those whose clients have gone count no longer.
            self.models
                .iter_mut()
                .flat_map(|model| [&mut model.light, &mut model.heavy])
                .for_each(|lane| lane.purge(now));
            self.purged = Some(now);
            expected = self.expected(model, size, arrived, now);
        }
        if now + expected > deadline {
            self.models[model].refused += 1;
            return Err(Failure::Overloaded {
                after: expected.saturating_sub(deadline.saturating_duration_since(now)),
            });
        }
        Ok(())
    }

    /// The next batch for a worker that is free; none if nothing waits.
    pub(super) fn take(&mut self, worker: usize, now: Instant) -> Option<Batch> {
        self.running[worker].rest();
        for model in &mut self.models {
            model.light.skip_gone(now);
            model.heavy.skip_gone(now);
        }
        let (light, heavy) = (self.oldest(|model| &model.light), self.oldest(|model| &model.heavy));
        let free = self.running.iter().filter(|running| running.end.is_none()).count();
        let (model, is_heavy) = match (light, heavy) {
            (None, None) => return None,
            (Some(light), None) => (light, false),
            (None, Some(heavy)) => (heavy, true),
            (Some(light), Some(heavy)) => {
                let waiting = &self.models[heavy];
                let Size { texts, tokens } = waiting.heavy.next_batch();
                let due = self.credit >= waiting.cost.of(texts, tokens);
                (if due { heavy } else { light }, due)
            }
        };
        let Waiting { cost, light: light_lane, heavy: heavy_lane, .. } = &mut self.models[model];
        let pieces = if is_heavy { heavy_lane.fill(cost, free, now) } else { light_lane.fill(cost, free, now) };
        let (mut texts, mut tokens) = (0, 0);
        for piece in &pieces {
            texts += piece.texts.len();
            tokens += piece.texts.clone().map(|text| piece.request.texts.tokens_of(text)).sum::<usize>();
        }
        pieces.iter().for_each(|piece| piece.request.begin(now, texts));
        let expected = cost.of(texts, tokens);
        self.credit = match (light, heavy) {
            (Some(_), Some(_)) if is_heavy => self.credit.saturating_sub(expected),
            (Some(_), Some(_)) => self.credit + expected,
            _ => Duration::ZERO,
        };
        let running = &mut self.running[worker];
        running.end = Some(now + expected);
        running.requests.extend(pieces.iter().map(|piece| piece.request.clone()));
        Some(Batch { model, pieces, texts, tokens })
    }

    /// Learns what a batch took.
    pub(super) fn finish(&mut self, worker: usize, batch: &Batch, took: Duration) {
        self.running[worker].rest();
        self.models[batch.model].cost.observe(batch.texts, batch.tokens, took);
    }

    /// Tells all whose deadline has passed, whether they wait or a batch has them; when that of the next one passes.
    pub(super) fn tell_late(&mut self, now: Instant) -> Option<Instant> {
        let lanes = self.models.iter_mut().flat_map(|model| [&mut model.light, &mut model.heavy]);
        let mut waiting = vec![];
        for lane in lanes {
            lane.purge(now);
            waiting.extend(lane.requests.iter().map(|entry| entry.request.deadline));
        }
        let running = self.running.iter().flat_map(|running| &running.requests).filter(|request| !request.is_gone());
        let (late, in_time): (Vec<_>, Vec<_>) = running.partition(|request| request.deadline <= now);
        late.iter().for_each(|request| request.fail(Failure::Late));
        waiting.into_iter().chain(in_time.iter().map(|request| request.deadline)).min()
    }

    /// The tally of each model.
    pub(super) fn tallies(&self) -> impl Iterator<Item = Tally> {
        self.models.iter().map(|Waiting { light, heavy, refused, .. }| Tally {
            requests: light.requests.len() + heavy.requests.len(),
            texts: light.texts + heavy.texts,
            tokens: light.tokens + heavy.tokens,
            refused: *refused,
            late: light.late + heavy.late,
            gone: light.gone + heavy.gone,
        })
    }

    /// Whether nothing waits and a worker is free.
    pub(super) fn is_idle(&self) -> bool {
        let waits = self.models.iter().any(|model| model.light.texts + model.heavy.texts > 0);
        !waits && (self.running.is_empty() || self.running.iter().any(|running| running.end.is_none()))
    }

    /// How many requests wait.
    #[cfg(test)]
    pub(super) fn waiting(&self) -> usize {
        self.models.iter().map(|model| model.light.requests.len() + model.heavy.requests.len()).sum()
    }

    /// From now to the end of a text of one token, whichever model is asked: no more than this, if it is held up, until something else is
    /// admitted or taken.
    pub(super) fn soonest(&self, now: Instant) -> Duration {
        let own = self.models.iter().map(|model| model.cost.of(1, 1)).max();
        self.held_up(self.before_light(), now) + own.unwrap_or_default()
    }

    /// From now to the end of a request of this size, if it is held up: what runs, what is taken before it, and its own.
    fn expected(&self, model: usize, size: Size, arrived: Instant, now: Instant) -> Duration {
        let own = self.models[model].cost.of(size.texts, size.tokens);
        let before = if size.is_light() {
            self.before_light()
        } else {
            let place = self.place(model, size, arrived);
            let heavy = self.models.iter().map(|model| model.heavy.cost_before(place, &model.cost)).sum::<Duration>();
            self.light() + heavy
        };
        // Its texts may be run by several workers at once.
        let workers = self.running.len() as u32;
        let at_once = workers.min(u32::try_from(size.texts).unwrap_or(u32::MAX)).max(1);
        self.held_up(before, now) + own / at_once
    }

    /// How long what runs, and what is taken before it, hold up a request.
    fn held_up(&self, before: Duration, now: Instant) -> Duration {
        let ends = self.running.iter().filter_map(|running| running.end);
        let runs: Duration = ends.map(|end| end.saturating_duration_since(now)).sum();
        HELD_UP * (runs + before) / (self.running.len() as u32).max(1)
    }

    /// What all light requests cost that wait.
    fn light(&self) -> Duration {
        self.models.iter().map(|model| model.light.cost(&model.cost)).sum()
    }

    /// What is taken before a light request that comes now.
    fn before_light(&self) -> Duration {
        let light = self.light();
        let heavy: Duration = self.models.iter().map(|model| model.heavy.cost(&model.cost)).sum();
        light + heavy.min(light + self.credit)
    }

    /// Where a request stands in its lane: a light one by its arrival, a heavy one by when it would be done if it were alone.
    fn place(&self, model: usize, size: Size, arrived: Instant) -> Instant {
        if size.is_light() { arrived } else { arrived + self.models[model].cost.of(size.texts, size.tokens) }
    }

    /// The model whose first request in a lane is before those of the others.
    fn oldest(&self, lane: impl Fn(&Waiting) -> &Lane) -> Option<usize> {
        let first = |model: usize| lane(&self.models[model]).requests.front().map(|entry| entry.place);
        (0..self.models.len()).filter(|&model| first(model).is_some()).min_by_key(|&model| first(model))
    }
}

impl Running {
    /// The worker is free.
    fn rest(&mut self) {
        self.end = None;
        self.requests.clear();
    }
}

impl Size {
    pub(super) fn of(texts: &Ragged) -> Size {
        Size { texts: texts.texts(), tokens: texts.tokens() }
    }

    fn is_light(self) -> bool {
        self.tokens <= BATCH_TOKENS && self.texts <= BATCH_TEXTS
    }
}

impl Entry {
    /// What no batch has yet.
    fn rest(&self) -> Size {
        let texts = &self.request.texts;
        Size { texts: texts.texts() - self.next, tokens: texts.tokens() - texts.tokens_before(self.next) }
    }

    /// Whether somebody waits for it, and in time.
    fn stays(&self, now: Instant) -> bool {
        now < self.request.deadline && !self.request.is_gone()
    }
}

impl Lane {
    /// What all that waits costs.
    fn cost(&self, cost: &Cost) -> Duration {
        in_batches(cost, Size { texts: self.texts, tokens: self.tokens })
    }

    /// What all that waits before a place costs.
    fn cost_before(&self, place: Instant, cost: &Cost) -> Duration {
        let before = self.requests.iter().take_while(|entry| entry.place <= place).map(Entry::rest);
        let size = before.fold(Size { texts: 0, tokens: 0 }, |sum, rest| Size {
            texts: sum.texts + rest.texts,
            tokens: sum.tokens + rest.tokens,
        });
        in_batches(cost, size)
    }

    /// What a batch has at most.
    fn next_batch(&self) -> Size {
        let first = self.requests.front().map_or(0, |entry| entry.request.texts.tokens_of(entry.next));
        Size { texts: self.texts.min(BATCH_TEXTS), tokens: self.tokens.min(BATCH_TOKENS).max(first) }
    }

    /// Takes texts for one worker, where `free` ones are: its part of those that wait, within a batch, and no more than meets the
    /// deadline of each.
    fn fill(&mut self, cost: &Cost, free: usize, now: Instant) -> Vec<Piece> {
        let most = self.tokens.div_ceil(free.max(1)).min(BATCH_TOKENS);
        let (mut pieces, mut texts, mut tokens) = (vec![], 0, 0);
        let mut deadline = None;
        while let Some(Entry { request, next, .. }) = self.requests.front_mut() {
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
            if first < *next {
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
        pieces
    }

    /// Takes away the requests at the front that nobody waits for, or that are late.
    fn skip_gone(&mut self, now: Instant) {
        while self.requests.front().is_some_and(|entry| !entry.stays(now)) {
            let gone = self.requests.pop_front();
            self.forget(gone.iter());
        }
    }

    /// Takes away all such requests.
    fn purge(&mut self, now: Instant) {
        let (stay, gone) =
            std::mem::take(&mut self.requests).into_iter().partition::<VecDeque<_>, _>(|entry| entry.stays(now));
        self.requests = stay;
        self.forget(gone.iter());
    }

    /// Counts requests out; a late one is told.
    fn forget<'a>(&mut self, gone: impl Iterator<Item = &'a Entry>) {
        for entry in gone {
            let rest = entry.rest();
            self.texts -= rest.texts;
            self.tokens -= rest.tokens;
            match entry.request.is_gone() {
                true => self.gone += 1,
                false => {
                    entry.request.fail(Failure::Late);
                    self.late += 1;
                }
            }
        }
    }
}

/// What texts cost in full batches.
fn in_batches(cost: &Cost, Size { texts, tokens }: Size) -> Duration {
    let more_batches = (tokens / BATCH_TOKENS) as u32;
    if texts == 0 { Duration::ZERO } else { cost.of(texts, tokens) + cost.of(0, 0) * more_batches }
}

#[cfg(test)]
mod tests;
