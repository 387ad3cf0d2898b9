//! What a ranker's network is given: users, the items of their sessions, and their candidates, one after the other, without padding.

use super::batch::Limits;
use super::{Capacity, RequestError, RunError};
use core::ops::Range;
use modeldeploy_format::program::{Given, Rows};

/// Some users, each with the items of a session and with candidates.
#[derive(Clone, Copy, Debug, Default)]
pub struct Request<'a> {
    /// What is given with each item of the sessions.
    pub session: Columns<'a>,
    /// Where each user's items begin, from 0 on, and last where the last one's end: one more than there are users.
    pub starts: &'a [u32],
    /// What is given with each user.
    pub user: Columns<'a>,
    /// What is given with each candidate.
    pub candidate: Columns<'a>,
    /// Where each user's candidates begin, likewise. A user may have none.
    pub candidates: &'a [u32],
}

/// What is given with the rows of one kind, one row after the other.
#[derive(Clone, Copy, Debug, Default)]
pub struct Columns<'a> {
    /// The numbers of each row.
    pub numbers: &'a [f32],
    /// The ids of each row.
    pub ids: &'a [u32],
}

impl<'a> Request<'a> {
    /// How much it is.
    pub(super) fn size(&self) -> Capacity {
        let last = |starts: &[u32]| starts.last().map_or(0, |&end| end as usize);
        Capacity {
            tokens: last(self.starts),
            texts: self.starts.len().saturating_sub(1),
            candidates: last(self.candidates),
        }
    }

    /// What is given with the rows of a kind.
    pub(super) fn with(&self, rows: Rows) -> Columns<'a> {
        match rows {
            Rows::Tokens => self.session,
            Rows::Texts => self.user,
            Rows::Candidates => self.candidate,
        }
    }

    /// The candidates of each user, by number.
    pub(super) fn owned(&self) -> impl Iterator<Item = (u32, Range<usize>)> {
        (0..).zip(self.candidates.windows(2).map(|ends| ends[0] as usize..ends[1] as usize))
    }

    /// Proves that a session with these limits can score it.
    pub(super) fn check(&self, given: &Given, limits: &Limits) -> Result<(), RunError> {
        self.check_size(limits)?;
        for rows in Rows::ALL {
            self.check_columns(rows, given, &limits.columns[rows as usize])?;
        }
        Ok(())
    }

    fn check_size(&self, limits: &Limits) -> Result<(), RequestError> {
        let Capacity { tokens: items, texts: users, candidates } = self.size();
        if users == 0 {
            return Err(RequestError::NoUsers);
        }
        if self.candidates.len() != self.starts.len() {
            return Err(RequestError::Users { starts: self.starts.len(), candidates: self.candidates.len() });
        }
        for (of, starts) in [(Rows::Tokens, self.starts), (Rows::Candidates, self.candidates)] {
            if starts[0] != 0 || !starts.is_sorted() {
                return Err(RequestError::Starts { of });
            }
        }
        let capacity = limits.capacity;
        for (of, rows, limit) in [
            (Rows::Tokens, items, capacity.tokens),
            (Rows::Texts, users, capacity.texts),
            (Rows::Candidates, candidates, capacity.candidates),
        ] {
            if rows > limit {
                return Err(RequestError::Capacity { of, rows, limit });
            }
        }
        for (user, ends) in self.starts.windows(2).enumerate() {
            match (ends[1] - ends[0]) as usize {
                0 if limits.session => return Err(RequestError::EmptySession { user }),
                items if items > limits.text => {
                    return Err(RequestError::LongSession { user, items, limit: limits.text });
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// That there is what the program is given with each row of a kind, and that ids are below the rows of the tables that read them.
    fn check_columns(&self, of: Rows, given: &Given, last: &[u32]) -> Result<(), RequestError> {
        let size = self.size();
        let rows = size.of(of);
        let (Columns { numbers, ids }, each) = (self.with(of), given.with(of));
        let whole = |got: usize, each: u32| rows.checked_mul(each as usize) == Some(got);
        if !whole(numbers.len(), each.numbers) {
            return Err(RequestError::Numbers { of, got: numbers.len(), rows, each: each.numbers });
        }
        if !whole(ids.len(), each.ids) {
            return Err(RequestError::Ids { of, got: ids.len(), rows, each: each.ids });
        }
        if last.is_empty() {
            return Ok(());
        }
        for (row, ids) in ids.chunks_exact(last.len()).enumerate() {
            // All of a row at once, which is the common case, and then which it is.
            let past = ids.iter().zip(last).fold(false, |past, (id, last)| past | (id > last));
            if let Some(column) = ids.iter().zip(last).position(|(id, last)| past && id > last) {
                return Err(RequestError::Id { of, row, column, id: ids[column], limit: last[column] + 1 });
            }
        }
        Ok(())
    }
}
