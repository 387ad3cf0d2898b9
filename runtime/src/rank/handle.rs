//! What `Ranker::get()` gives: candidates to scores, and to their order.

use super::{For, RankModel, Row, User, Userless};
use crate::link::Warm;
use crate::model::{Error, locked};
use core::cmp::Ordering;
use core::fmt;
use core::marker::PhantomData;

/// A ranker at hand. It has no size: the model itself is made once, on first use, and shared by all threads.
pub struct Handle<M>(PhantomData<fn() -> M>);

/// A candidate in its place.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ranked {
    /// Which row it was.
    pub row: usize,
    /// Its score.
    pub score: f64,
}

impl<M: RankModel> Handle<M> {
    /// The handle.
    pub const fn new() -> Handle<M> {
        Handle(PhantomData)
    }

    /// The candidates by their scores, the best first; of equal ones the first. Where a candidate has several scores, the first
    /// of them counts. A score that is NaN, which infinite values may make, comes last.
    ///
    /// # Errors
    ///
    /// If a value is not what its feature takes: the error names row and feature. In a debug build, if the store lacks the pack.
    pub fn rank<R: Row<Model = M>>(self, rows: &[R]) -> Result<Vec<Ranked>, Error>
    where
        M: Userless,
    {
        ranked::<M, R>(For::default(), rows)
    }

    /// The same for a user, of whom all is computed once that depends on nothing else.
    ///
    /// # Errors
    ///
    /// As [`rank`](Handle::rank).
    pub fn rank_for<U: User<Model = M>, R: Row<Model = M>>(self, user: &U, rows: &[R]) -> Result<Vec<Ranked>, Error> {
        ranked::<M, R>(For { user: user.values().as_ref(), session: user.session().as_ref() }, rows)
    }

    /// The scores of the candidates, in their order, [`RankModel::OUTPUTS`] each.
    ///
    /// # Errors
    ///
    /// As [`rank`](Handle::rank).
    pub fn scores<R: Row<Model = M>>(self, rows: &[R]) -> Result<Vec<f64>, Error>
    where
        M: Userless,
    {
        let mut all = vec![0.0; rows.len() * M::OUTPUTS];
        scored::<M, R>(For::default(), rows, &mut all)?;
        Ok(all)
    }

    /// The same for a user.
    ///
    /// # Errors
    ///
    /// As [`rank`](Handle::rank).
    pub fn scores_for<U: User<Model = M>, R: Row<Model = M>>(self, user: &U, rows: &[R]) -> Result<Vec<f64>, Error> {
        let mut all = vec![0.0; rows.len() * M::OUTPUTS];
        self.scores_for_into(user, rows, &mut all)?;
        Ok(all)
    }

    /// As [`scores`](Handle::scores), into memory that is there: it allocates nothing once the model is warm.
    ///
    /// # Errors
    ///
    /// As [`rank`](Handle::rank).
    ///
    /// # Panics
    ///
    /// If `scores` has not [`RankModel::OUTPUTS`] places for each row.
    pub fn scores_into<R: Row<Model = M>>(self, rows: &[R], scores: &mut [f64]) -> Result<(), Error>
    where
        M: Userless,
    {
        scored::<M, R>(For::default(), rows, scores)
    }

    /// As [`scores_for`](Handle::scores_for), into memory that is there: it allocates nothing once the model is warm.
    ///
    /// # Errors
    ///
    /// As [`rank`](Handle::rank).
    ///
    /// # Panics
    ///
    /// As [`scores_into`](Handle::scores_into).
    pub fn scores_for_into<U: User<Model = M>, R: Row<Model = M>>(
        self,
        user: &U,
        rows: &[R],
        scores: &mut [f64],
    ) -> Result<(), Error> {
        scored::<M, R>(For { user: user.values().as_ref(), session: user.session().as_ref() }, rows, scores)
    }

    /// Makes the model ready, so that the first request does not wait for it.
    ///
    /// # Errors
    ///
    /// If `MODELDEPLOY_ISA` names an instruction set that is not there; in a debug build, if the store lacks the pack or has it damaged.
    pub fn warm(self) -> Result<(), Error> {
        M::engine()?.warm()
    }

    /// As [`warm`](Handle::warm), and the model's bytes are held in memory as `how` says.
    ///
    /// # Errors
    ///
    /// As [`warm`](Handle::warm), and if the system refuses: what it says, and what to do.
    pub fn warm_with(self, how: Warm) -> Result<(), Error> {
        let engine = M::engine()?;
        locked::hold(M::NAME, engine.artifact(), how)?;
        engine.warm()
    }

    /// Proves the pack's digest and scores the golden rows: they must come back to the bit. Gives how many there are.
    ///
    /// # Errors
    ///
    /// If the pack is not the locked one, a score does not come back, or the model cannot be had.
    pub fn self_test(self) -> Result<usize, Error> {
        let engine = M::engine()?;
        locked::prove(M::NAME, M::DIGEST, engine.artifact())?;
        engine.self_test()
    }
}

fn ranked<M: RankModel, R: Row>(asked: For<'_>, rows: &[R]) -> Result<Vec<Ranked>, Error> {
    let mut ranked = Vec::with_capacity(rows.len());
    M::engine()?.run(asked, rows, |scores| ranked.push(Ranked { row: ranked.len(), score: scores[0] }))?;
    ranked.sort_by(|a, b| order(a.score, b.score));
    Ok(ranked)
}

fn scored<M: RankModel, R: Row>(asked: For<'_>, rows: &[R], scores: &mut [f64]) -> Result<(), Error> {
    assert_eq!(scores.len(), rows.len() * M::OUTPUTS, "a place for each score");
    let mut places = scores.chunks_mut(M::OUTPUTS);
    M::engine()?.run(asked, rows, |scores| {
        places.next().expect("a place for each row").copy_from_slice(scores);
    })
}

/// The greater score first; what is no number after all that are.
fn order(a: f64, b: f64) -> Ordering {
    b.partial_cmp(&a).unwrap_or_else(|| a.is_nan().cmp(&b.is_nan()))
}

impl<M> Clone for Handle<M> {
    fn clone(&self) -> Handle<M> {
        *self
    }
}

impl<M> Copy for Handle<M> {}

impl<M: RankModel> Default for Handle<M> {
    fn default() -> Handle<M> {
        Handle::new()
    }
}

impl<M: RankModel> fmt::Debug for Handle<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Handle({} {}, {})", M::NAME, M::VERSION, M::DIGEST)
    }
}

#[cfg(test)]
mod tests {
    use super::order;

    #[test]
    fn what_is_no_number_comes_last() {
        let mut scores = [f64::NAN, 1.0, f64::NEG_INFINITY, -f64::NAN, f64::INFINITY, 2.0];
        scores.sort_by(|&a, &b| order(a, b));
        assert_eq!(scores[..4], [f64::INFINITY, 2.0, 1.0, f64::NEG_INFINITY]);
        assert!(scores[4].is_nan() && scores[5].is_nan());
        assert_eq!(order(0.0, -0.0), core::cmp::Ordering::Equal);
    }
}
