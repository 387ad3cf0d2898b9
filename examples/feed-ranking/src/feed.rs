//! The feed: two models find candidates among all items, one judges them, one puts them in order.

use crate::items::{ITEMS, Item};
use crate::rows::{self, Known};
use crate::seen::Seen;
use crate::shoppers::Shopper;
use crate::{Ranker, RankerUser, ReRanker, Sasrec, SasrecUser, TwoTower, TwoTowerUser};
use modeldeploy::Error;
use std::time::{Duration, Instant};

/// The first of the two-tower model's that are judged.
const OF_TWO_TOWER: usize = 200;
/// The first of SASRec's that are judged.
const OF_SASREC: usize = 50;
/// The first of the ranker's that are put in order: the most that a feed has.
pub(crate) const MOST: usize = 50;

/// A feed, the best first, and what each stage did for it.
#[derive(Debug)]
pub(crate) struct Feed {
    pub(crate) shown: Vec<Shown>,
    pub(crate) two_tower: Stage,
    pub(crate) sasrec: Stage,
    pub(crate) ranker: Stage,
    pub(crate) re_ranker: Stage,
}

/// An item of a feed, with the score and the place that each model gave it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shown {
    pub(crate) item: &'static Item,
    /// Among all items that are not in the session.
    pub(crate) two_tower: Placed,
    /// Among the same.
    pub(crate) sasrec: Placed,
    /// By the probability of a click, among the candidates of both.
    pub(crate) click: Placed,
    /// By the re-ranker, in the feed.
    pub(crate) rank: Placed,
}

/// What a model says of an item.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Placed {
    pub(crate) score: f64,
    /// From 1.
    pub(crate) place: usize,
}

/// What a stage did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stage {
    /// How many items it scored.
    pub(crate) items_in: usize,
    /// How many of them went on.
    pub(crate) items_out: usize,
    pub(crate) took: Duration,
}

impl Feed {
    /// The first `limit` items for a shopper who has clicked these, the oldest first. What was clicked is not shown again.
    ///
    /// # Errors
    ///
    /// If a model cannot be used.
    pub(crate) fn of(shopper: &Shopper, session: &[&'static Item], limit: usize) -> Result<Feed, Error> {
        let Shopper { id, country, device, age } = shopper;
        let clicked: Vec<f64> = session.iter().map(|item| f64::from(item.id)).collect();
        let mut is_new = vec![true; ITEMS.len()];
        session.iter().for_each(|item| is_new[item.row()] = false);

        let begun = Instant::now();
        let user = TwoTowerUser { user: id, country, device, age: *age, session: &clicked };
        let towers = Places::of(TwoTower::get().scores_for(&user, &rows::OF_TWO_TOWER)?, &is_new);
        let found = towers.first(OF_TWO_TOWER);
        let two_tower = Stage { items_in: ITEMS.len(), items_out: found.len(), took: begun.elapsed() };

        let begun = Instant::now();
        let user = SasrecUser { session: &clicked };
        let sequence = Places::of(Sasrec::get().scores_for(&user, &rows::OF_SASREC)?, &is_new);
        let next = sequence.first(OF_SASREC);
        let sasrec = Stage { items_in: ITEMS.len(), items_out: next.len(), took: begun.elapsed() };

        let begun = Instant::now();
        let others = next.iter().copied().filter(|&row| towers.place(row) > found.len());
        let seen = Seen(session);
        let known = |row: usize| {
            let item = &ITEMS[row];
            Known { item, two_tower: towers.scores[row], sasrec: sequence.scores[row], fit: seen.fit(item) }
        };
        let candidates: Vec<Known> = found.iter().copied().chain(others).map(known).collect();
        let judged: Vec<_> = candidates.iter().map(rows::of_ranker).collect();
        let user = RankerUser {
            clicks: seen.clicks(),
            user: id,
            country,
            device,
            age: *age,
            last_item: seen.last_item(),
            last_subcategory: seen.last_subcategory(),
        };
        let mut clicks = Ranker::get().rank_for(&user, &judged)?;
        clicks.truncate(MOST);
        let ranker = Stage { items_in: candidates.len(), items_out: clicks.len(), took: begun.elapsed() };

        let begun = Instant::now();
        let ordered = clicks.iter().map(|it| rows::of_re_ranker(&candidates[it.row], it.score, seen.clicks()));
        let ordered: Vec<_> = ordered.collect();
        let mut ranked = ReRanker::get().rank(&ordered)?;
        ranked.truncate(limit);
        let re_ranker = Stage { items_in: clicks.len(), items_out: ranked.len(), took: begun.elapsed() };

        let shown = ranked.iter().enumerate().map(|(at, rank)| {
            let click = clicks[rank.row];
            let item = candidates[click.row].item;
            Shown {
                item,
                two_tower: towers.placed(item.row()),
                sasrec: sequence.placed(item.row()),
                click: Placed { score: click.score, place: rank.row + 1 },
                rank: Placed { score: rank.score, place: at + 1 },
            }
        });
        Ok(Feed { shown: shown.collect(), two_tower, sasrec, ranker, re_ranker })
    }
}

/// The scores of all items, and their places among those that are new.
struct Places {
    scores: Vec<f64>,
    /// The rows of new items, the best first; of equal ones the first.
    order: Vec<usize>,
    /// Of each row from 1; 0 of those that are not new.
    places: Vec<usize>,
}

impl Places {
    fn of(scores: Vec<f64>, is_new: &[bool]) -> Places {
        let mut order: Vec<usize> = (0..scores.len()).filter(|&row| is_new[row]).collect();
        order.sort_by(|&a, &b| scores[b].total_cmp(&scores[a]));
        let mut places = vec![0; scores.len()];
        order.iter().enumerate().for_each(|(at, &row)| places[row] = at + 1);
        Places { scores, order, places }
    }

    fn first(&self, count: usize) -> &[usize] {
        &self.order[..count.min(self.order.len())]
    }

    fn place(&self, row: usize) -> usize {
        self.places[row]
    }

    fn placed(&self, row: usize) -> Placed {
        Placed { score: self.scores[row], place: self.places[row] }
    }
}
