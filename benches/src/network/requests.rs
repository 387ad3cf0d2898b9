//! Requests of the networks, the same for every engine.

use super::builder::weights;
use super::{DENSE, ITEMS, SESSION, SPARSE, TABLE_ROWS};
use modeldeploy::session::{Columns, Request};

/// Candidates of a request of SASRec.
pub const CANDIDATES: u32 = 200;

/// Requests that come again from the first when all were had.
pub struct Requests {
    /// Of each candidate.
    numbers: Vec<f32>,
    ids: Vec<u32>,
    /// The items of each request's session.
    items: Vec<u32>,
    /// How many candidates, and numbers and ids of each, and items a request has.
    batch: usize,
    each: [usize; 2],
    session: usize,
    /// Which is the next.
    at: usize,
}

impl Requests {
    /// So many of DLRM, each of so many candidates with ids from all of the tables.
    pub fn dlrm(requests: usize, batch: u32) -> Requests {
        let (count, each) = (requests * batch as usize, [DENSE as usize, SPARSE as usize]);
        let ids = weights(90, count * each[1], 1.0).map(|x| ((x + 1.0) * 0.5 * TABLE_ROWS as f32) as u32);
        let ids = ids.map(|id| id.min(TABLE_ROWS - 1)).collect();
        let numbers = weights(91, count * each[0], 1.0).collect();
        Requests { numbers, ids, items: vec![], batch: batch as usize, each, session: 0, at: 0 }
    }

    /// One of SASRec.
    pub fn sasrec() -> Requests {
        let ids = |seed, count: u32| {
            weights(seed, count as usize, 1.0).map(|x| ((x + 1.0) * 0.49 * ITEMS as f32) as u32).collect()
        };
        let (items, ids, batch) = (ids(92, SESSION), ids(93, CANDIDATES), CANDIDATES as usize);
        Requests { numbers: vec![], ids, items, batch, each: [0, 1], session: SESSION as usize, at: 0 }
    }

    /// The next, by `score`.
    pub fn next<T>(&mut self, score: impl FnOnce(&Request<'_>) -> T) -> T {
        let Requests { batch, each, session, at, .. } = *self;
        self.at = (at + 1) % (self.ids.len() / (batch * each[1]));
        let [numbers, ids] = each.map(|each| at * batch * each..(at + 1) * batch * each);
        let items = &self.items[at * session..][..session];
        score(&Request {
            session: Columns { numbers: &[], ids: items },
            starts: &[0, session as u32],
            candidate: Columns { numbers: &self.numbers[numbers], ids: &self.ids[ids] },
            candidates: &[0, batch as u32],
            ..Request::default()
        })
    }
}
