//! Golden requests of a ranker's network: a session, a user and some candidates, as they come after the features' rules, with the scores
//! that the pack's own kernels gave; they must give them to the bit.

use crate::features::RowMut;
use crate::program::{Columns, Given};
use crate::wire::{Decoder, Encoder, WireError};

/// What a network is given of some rows of one kind, one row after the other.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct GivenRows {
    /// The numbers of each row.
    pub numbers: Vec<f32>,
    /// The ids of each row.
    pub ids: Vec<u32>,
}

impl GivenRows {
    /// So many rows of zeros.
    pub fn zeros(columns: Columns, count: usize) -> GivenRows {
        let Columns { numbers, ids } = columns;
        GivenRows { numbers: vec![0.0; numbers as usize * count], ids: vec![0; ids as usize * count] }
    }

    /// How many rows there are; none where nothing is given with one.
    pub fn count(&self, columns: Columns) -> usize {
        let of = |len: usize, each: u32| len.checked_div(each as usize).unwrap_or(0);
        of(self.numbers.len(), columns.numbers).max(of(self.ids.len(), columns.ids))
    }

    /// The places of one row.
    ///
    /// # Panics
    ///
    /// If there are not so many rows.
    pub fn row_mut(&mut self, columns: Columns, at: usize) -> RowMut<'_> {
        let (numbers, ids) = (columns.numbers as usize, columns.ids as usize);
        RowMut { numbers: &mut self.numbers[at * numbers..][..numbers], ids: &mut self.ids[at * ids..][..ids] }
    }
}

/// One request and its scores.
#[derive(Clone, Debug, PartialEq)]
pub struct GoldenRequest {
    /// The items of the session, of which there may be none.
    pub session: GivenRows,
    /// The user: one row.
    pub user: GivenRows,
    /// The candidates; at least one.
    pub candidates: GivenRows,
    /// What the pack's own kernels gave when it was built: the outputs of each candidate.
    pub scores: Vec<f32>,
}

/// The golden requests as bytes: a section of a pack, and a file of the store.
///
/// # Panics
///
/// If a request has other columns than `given`.
pub fn encode(requests: &[GoldenRequest], given: &Given) -> Vec<u8> {
    let mut out = Encoder::default();
    out.count(requests.len());
    for request in requests {
        rows_out(&mut out, &request.session, given.session);
        rows_out(&mut out, &request.user, given.user);
        rows_out(&mut out, &request.candidates, given.candidate);
        out.count(request.scores.len());
        request.scores.iter().for_each(|&score| out.f32(score));
    }
    out.0
}

fn rows_out(out: &mut Encoder, rows: &GivenRows, columns: Columns) {
    let count = rows.count(columns);
    let (numbers, ids) = (count * columns.numbers as usize, count * columns.ids as usize);
    assert_eq!((rows.numbers.len(), rows.ids.len()), (numbers, ids), "whole rows of what is given");
    out.count(count);
    rows.numbers.iter().for_each(|&number| out.f32(number));
    rows.ids.iter().for_each(|&id| out.u32(id));
}

/// Reads what [`encode`] wrote, for a model of those columns and so many outputs.
///
/// # Errors
///
/// What is wrong with the bytes, in words.
pub fn decode(bytes: &[u8], given: &Given, outputs: usize) -> Result<Vec<GoldenRequest>, String> {
    let mut read = Decoder::new(bytes);
    let early = |_: WireError| "the golden requests end early".to_owned();
    // Each has four counts at least.
    let count = read.count(16).map_err(early)?;
    let mut requests = Vec::with_capacity(count);
    for _ in 0..count {
        let session = rows_in(&mut read, given.session).map_err(early)?.1;
        let (users, user) = rows_in(&mut read, given.user).map_err(early)?;
        let (rows, candidates) = rows_in(&mut read, given.candidate).map_err(early)?;
        let scores = read.count(4).map_err(early)?;
        if users > 1 || rows == 0 || Some(scores) != rows.checked_mul(outputs) {
            return Err(format!("a golden request has {users} users, {rows} candidates and {scores} scores"));
        }
        let scores = (0..scores).map(|_| read.f32()).collect::<Result<_, _>>().map_err(early)?;
        requests.push(GoldenRequest { session, user, candidates, scores });
    }
    if read.is_empty() { Ok(requests) } else { Err("the golden requests have bytes after their end".to_owned()) }
}

fn rows_in(read: &mut Decoder<'_>, columns: Columns) -> Result<(usize, GivenRows), WireError> {
    let (numbers, ids) = (columns.numbers as usize, columns.ids as usize);
    let count = read.count((numbers.saturating_add(ids)).saturating_mul(4))?;
    if numbers + ids == 0 && count > 0 {
        return Err(WireError::Truncated);
    }
    let numbers = (0..count * numbers).map(|_| read.f32()).collect::<Result<_, _>>()?;
    let ids = (0..count * ids).map(|_| read.u32()).collect::<Result<_, _>>()?;
    Ok((count, GivenRows { numbers, ids }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let columns = |numbers, ids| Columns { numbers, ids };
        let given = Given { session: columns(0, 1), user: columns(0, 0), candidate: columns(1, 2) };
        let rows = |numbers: &[f32], ids: &[u32]| GivenRows { numbers: numbers.into(), ids: ids.into() };
        let requests = vec![
            GoldenRequest {
                session: rows(&[], &[7, 8, 9]),
                user: rows(&[], &[]),
                candidates: rows(&[0.5, f32::NAN.copysign(-1.0)], &[1, 2, 3, 4]),
                scores: vec![1.0, -0.0],
            },
            GoldenRequest {
                session: rows(&[], &[]),
                user: rows(&[], &[]),
                candidates: rows(&[2.0], &[1, 2]),
                scores: vec![f32::MIN_POSITIVE],
            },
        ];
        let bytes = encode(&requests, &given);
        let read = decode(&bytes, &given, 1).expect("requests");
        assert_eq!(encode(&read, &given), bytes);
        assert_eq!(read[1], requests[1]);
        assert_eq!(read[0].candidates.ids, [1, 2, 3, 4]);
        assert!(decode(&bytes, &given, 2).is_err());
        for len in 0..bytes.len() {
            assert!(decode(&bytes[..len], &given, 1).is_err(), "{len} bytes");
        }
    }
}
