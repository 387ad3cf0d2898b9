//! Sums and means of table rows that ids name: the embeddings of a ranker.
//!
//! Bound by memory: the rows lie anywhere in tables that no cache holds, so those of the next rows are asked for ahead. Entries are added
//! in the ids' order, each fused with its row's scale, the row's offset before it; a mean is divided in the end.

use crate::isa::{Isa, Kernel, Simd};
use crate::kernels::RowsMut;
use crate::kernels::table::{AHEAD, Entry, Table, Worth};

/// Which rows of which table are added up.
#[derive(Clone, Copy, Debug)]
pub struct Bag<'a> {
    /// Where rows are looked up.
    pub table: Table<'a>,
    /// The ids of the first row, from the first that counts on.
    pub ids: &'a [u32],
    /// From one row's ids to the next's.
    pub stride: usize,
    /// How many ids of each row.
    pub count: usize,
    /// Whether it is their mean.
    pub mean: bool,
    /// Which row's ids each row that is written has; none where they follow one another alike.
    pub of: Option<&'a [u32]>,
}

/// `out[m] = Σ table[ids[m]]`, or their mean, `width` values of each row.
///
/// # Panics
///
/// If there are not ids for `rows` rows, one is past the table, the table is not whole rows, or a buffer is too short.
pub fn bag(isa: Isa, bag: Bag<'_>, rows: usize, width: usize, out: RowsMut<'_>) {
    bag.table.entries(width);
    assert!(bag.of.is_none_or(|of| of.len() == rows), "not one row of ids for each");
    out.check("out", rows, width);
    isa.run(Sum { bag, rows, width, out });
}

impl<'a> Bag<'a> {
    #[inline(always)]
    fn row(&self, r: usize) -> &'a [u32] {
        let r = self.of.map_or(r, |of| of[r] as usize);
        &self.ids[r * self.stride..][..self.count]
    }

    /// Asks for what row `r` needs.
    #[inline(always)]
    fn prefetch<S: Simd>(&self, s: S, r: usize, width: usize) {
        for &id in self.row(r) {
            self.table.prefetch(s, id as usize, width);
        }
    }
}

/// Asks for the table's rows of the first `rows` rows of a bag, for which [`bag`] itself would be too late.
pub(crate) struct Ahead<'a> {
    pub(crate) bag: Bag<'a>,
    pub(crate) rows: usize,
    pub(crate) width: usize,
}

impl Kernel for Ahead<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        for r in 0..self.rows {
            self.bag.prefetch(s, r, self.width);
        }
    }
}

struct Sum<'a> {
    bag: Bag<'a>,
    rows: usize,
    width: usize,
    out: RowsMut<'a>,
}

impl Kernel for Sum<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        match self.bag.table {
            Table::F32(values) => self.sum(s, values, Worth::ITSELF),
            Table::Bf16(values) => self.sum(s, values, Worth::ITSELF),
            Table::I8 { codes, scales, offsets } => self.sum(s, codes, Worth { scales: Some(scales), offsets }),
            Table::U4 { codes, scales, offsets } => {
                self.sum(s, codes, Worth { scales: Some(scales), offsets: Some(offsets) })
            }
        }
    }
}

impl Sum<'_> {
    #[inline(always)]
    fn sum<S: Simd, T: Entry>(mut self, s: S, entries: &[T], worth: Worth<'_>) {
        let Self { bag, width, .. } = self;
        let stored = T::stored(width);
        let divisor = s.splat(bag.count as f32);
        for r in 0..self.rows {
            if r + AHEAD < self.rows {
                bag.prefetch(s, r + AHEAD, width);
            }
            let (ids, out) = (bag.row(r), self.out.row(r, width));
            // Of one id, which is the common case, the row is read as it lies.
            if let [id] = *ids {
                let id = id as usize;
                let start = match worth.offsets {
                    Some(offsets) => s.add(s.splat(0.0), s.splat(offsets[id])),
                    None => s.splat(0.0),
                };
                let scale = worth.scale(s, id);
                let row = T::chunks(&entries[id * stored..][..stored]);
                let (to, to_rest) = out.as_chunks_mut::<16>();
                for (to, chunk) in to.iter_mut().zip(row.0) {
                    s.store(to, s.fma(T::load(s, chunk), scale, start));
                }
                if !to_rest.is_empty() {
                    s.store_part(to_rest, s.fma(T::nth(s, row, to.len()), scale, start));
                }
                continue;
            }
            for (c, to) in out.chunks_mut(16).enumerate() {
                let mut total = s.splat(0.0);
                for &id in ids {
                    let id = id as usize;
                    let row = T::nth(s, T::chunks(&entries[id * stored..][..stored]), c);
                    if let Some(offsets) = worth.offsets {
                        total = s.add(total, s.splat(offsets[id]));
                    }
                    total = s.fma(row, worth.scale(s, id), total);
                }
                if bag.mean {
                    total = s.div(total, divisor);
                }
                match to.first_chunk_mut() {
                    Some(chunk) => s.store(chunk, total),
                    None => s.store_part(to, total),
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::table::testing::{Stored, in_f64};
    use crate::kernels::testing::{Random, assert_bits, close};

    #[test]
    fn every_isa_sums_the_rows_that_the_ids_name() {
        let mut random = Random::new(71);
        let of: &[u32] = &[2, 0, 0, 6, 6, 1, 3];
        for width in [1, 7, 15, 16, 17, 31, 33, 64, 80] {
            let stored = Stored::new(9, width, &mut random);
            let ids: Vec<u32> = (0..7 * 5).map(|_| random.below(9) as u32).collect();
            for (table, of) in stored.tables().into_iter().flat_map(|table| [(table, None), (table, Some(of))]) {
                for (column, count, mean) in [(0, 1, false), (2, 3, false), (1, 4, true), (4, 1, true)] {
                    let bag = Bag { table, ids: &ids[column..], stride: 5, count, mean, of };
                    let run = |isa| {
                        let mut out = vec![9.0; 7 * (width + 3)];
                        super::bag(isa, bag, 7, width, RowsMut::new(&mut out, width + 3));
                        out
                    };
                    let expected = run(Isa::SCALAR);
                    let case = format!("{width} {table:?} {count} ids from {column}, mean {mean}, of {of:?}");
                    for isa in Isa::available() {
                        assert_bits(&run(isa), &expected, &format!("{isa} {case}"));
                    }
                    let rows = in_f64(table, width);
                    let mut sums = vec![9.0; 7 * (width + 3)];
                    for (r, n) in (0..7).flat_map(|r| (0..width).map(move |n| (r, n))) {
                        let from = of.map_or(r, |of| of[r] as usize) * 5 + column;
                        let sum: f64 = ids[from..][..count].iter().map(|&id| rows[id as usize * width + n]).sum();
                        sums[r * (width + 3) + n] = if mean { sum / count as f64 } else { sum };
                    }
                    close(&expected, &sums, 5e-7, &case);
                }
            }
        }
    }

    #[test]
    #[should_panic(expected = "out of range")]
    fn an_id_past_its_table_is_refused() {
        let table = Table::F32(&[0.0; 6]);
        let two = Bag { table, ids: &[1, 2], stride: 1, count: 1, mean: false, of: None };
        bag(Isa::SCALAR, two, 2, 3, RowsMut::new(&mut [0.0; 6], 3));
    }
}
