//! A network and the memory of one thread that scores with it.

use super::{For, ValueError};
use crate::isa::Isa;
use crate::model::Error;
use crate::session::{Capacity, Columns, Request, Session};
use modeldeploy_format::features::{Features, Value};
use modeldeploy_format::golden::requests::{GivenRows, GoldenRequest};
use modeldeploy_format::{Artifact, program};

/// A session and what it is fed from.
pub(super) struct Worker<'a> {
    session: Session<'a>,
    given: program::Given,
    /// The most items of a session.
    most: usize,
    /// How many candidates are scored together.
    pub(super) together: usize,
    /// How many items the session has that was read last.
    items: usize,
    seen: GivenRows,
    user: GivenRows,
    /// A candidate's row that has nothing but what repeats the user's.
    repeated: GivenRows,
    candidates: GivenRows,
    /// The scores of some candidates, as they are handed over.
    scores: Vec<f64>,
}

impl<'a> Worker<'a> {
    pub(super) fn new(artifact: &Artifact<'a>, features: &Features, isa: Isa) -> Result<Worker<'a>, Error> {
        let (given, most) = (features.given(), artifact.signature().max_tokens as usize);
        let together = features.together();
        let capacity = Capacity { tokens: most, texts: 1, candidates: together };
        let session = Session::with_isa(artifact, capacity, isa)?;
        Ok(Worker {
            session,
            given,
            most,
            together,
            items: 0,
            seen: GivenRows::zeros(given.session, most),
            user: GivenRows::zeros(given.user, 1),
            repeated: GivenRows::zeros(given.candidate, 1),
            candidates: GivenRows::zeros(given.candidate, together),
            scores: vec![0.0; together * artifact.signature().outputs as usize],
        })
    }

    /// Reads for whom the next candidates are scored.
    pub(super) fn ask(&mut self, features: &Features, asked: For<'_>) -> Result<(), Error> {
        let wrong = |cause| Error::User { cause };
        let Worker { seen, user, repeated, .. } = self;
        self.items = features.session(asked.session, self.most, &mut seen.numbers, &mut seen.ids).map_err(wrong)?;
        features
            .user(asked.user, user.row_mut(self.given.user, 0), repeated.row_mut(self.given.candidate, 0))
            .map_err(wrong)
    }

    /// Reads a candidate.
    pub(super) fn row(&mut self, features: &Features, at: usize, values: &[Value<'_>]) -> Result<(), ValueError> {
        let row = self.candidates.row_mut(self.given.candidate, at);
        row.numbers.copy_from_slice(&self.repeated.numbers);
        row.ids.copy_from_slice(&self.repeated.ids);
        features.candidate(values, row)
    }

    /// The scores of the first candidates, one's after the other's.
    pub(super) fn scores(&mut self, count: usize) -> Result<&[f64], Error> {
        let Worker { session, given, items, seen, user, candidates, scores, .. } = self;
        let request = Request {
            session: first(seen, given.session, *items),
            starts: &[0, *items as u32],
            user: first(user, given.user, 1),
            candidate: first(candidates, given.candidate, count),
            candidates: &[0, count as u32],
        };
        let found = session.score(&request)?;
        let scores = &mut scores[..found.len()];
        scores.iter_mut().zip(found).for_each(|(to, &score)| *to = f64::from(score));
        Ok(scores)
    }

    /// The scores of a golden request.
    pub(super) fn golden(&mut self, golden: &GoldenRequest) -> Result<&[f32], Error> {
        let GoldenRequest { session, user, candidates, scores: _ } = golden;
        let (items, count) = (session.count(self.given.session), candidates.count(self.given.candidate));
        let request = Request {
            session: first(session, self.given.session, items),
            starts: &[0, items as u32],
            user: first(user, self.given.user, 1),
            candidate: first(candidates, self.given.candidate, count),
            candidates: &[0, count as u32],
        };
        Ok(self.session.score(&request)?)
    }
}

/// The first rows of some.
fn first(rows: &GivenRows, columns: program::Columns, count: usize) -> Columns<'_> {
    let of = |len: usize, each: u32| len.min(count * each as usize);
    Columns {
        numbers: &rows.numbers[..of(rows.numbers.len(), columns.numbers)],
        ids: &rows.ids[..of(rows.ids.len(), columns.ids)],
    }
}
