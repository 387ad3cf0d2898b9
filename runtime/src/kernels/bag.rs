//! Sums and means of table rows that ids name: the embeddings of a ranker.
//!
//! Bound by memory: the rows lie anywhere in tables that no cache holds, so those of the next rows are asked for ahead. Entries are added
//! in the ids' order, each fused with its row's scale, the row's offset before it; a mean is divided in the end.

use crate::isa::{Isa, Kernel, Simd};
use crate::kernels::RowsMut;
use crate::kernels::table::{AHEAD, Entry, Table};

/// Which rows of which table are added up.
#[derive(Clone, Copy, Debug)]
pub struct Bag<'a> {
    /// Where rows are looked up.
    pub table: Table<'a>,
    /// One a row of the table, added to each of its values; only where it is i8.
    pub offsets: Option<&'a [f32]>,
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
/// If there are not ids for `rows` rows, one is past the table, an offset is missing, or a buffer is too short.
pub fn bag(isa: Isa, bag: Bag<'_>, rows: usize, width: usize, out: RowsMut<'_>) {
    let entries = bag.table.entries(width);
    if let Some(offsets) = bag.offsets {
        assert!(matches!(bag.table, Table::I8 { .. }), "offsets without scales");
        assert_eq!(offsets.len(), entries, "not one offset a row");
    }
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
            if let Some(offsets) = self.offsets {
                s.prefetch(offsets, id as usize);
            }
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
            Table::F32(values) => self.sum(s, values, None),
            Table::Bf16(values) => self.sum(s, values, None),
            Table::I8 { codes, scales } => self.sum(s, codes, Some(scales)),
        }
    }
}

impl Sum<'_> {
    #[inline(always)]
    fn sum<S: Simd, T: Entry>(mut self, s: S, entries: &[T], scales: Option<&[f32]>) {
        let Self { bag, width, .. } = self;
        let divisor = s.splat(bag.count as f32);
        for r in 0..self.rows {
            if r + AHEAD < self.rows {
                bag.prefetch(s, r + AHEAD, width);
            }
            let (ids, out) = (bag.row(r), self.out.row(r, width));
            // Of one id, which is the common case, the row is read as it lies.
            if let [id] = *ids {
                let id = id as usize;
                let start = match bag.offsets {
                    Some(offsets) => s.add(s.splat(0.0), s.splat(offsets[id])),
                    None => s.splat(0.0),
                };
                let scale = s.splat(scales.map_or(1.0, |scales| scales[id]));
                let (row, rest) = entries[id * width..][..width].as_chunks::<16>();
                let (to, to_rest) = out.as_chunks_mut::<16>();
                for (to, row) in to.iter_mut().zip(row) {
                    s.store(to, s.fma(T::load(s, row), scale, start));
                }
                if !rest.is_empty() {
                    s.store_part(to_rest, s.fma(part(s, rest), scale, start));
                }
                continue;
            }
            for (c, to) in out.chunks_mut(16).enumerate() {
                let mut total = s.splat(0.0);
                for &id in ids {
                    let id = id as usize;
                    let scale = s.splat(scales.map_or(1.0, |scales| scales[id]));
                    let row = &entries[id * width..][..width];
                    let row = match row[16 * c..].first_chunk() {
                        Some(chunk) => T::load(s, chunk),
                        None => part(s, &row[16 * c..]),
                    };
                    if let Some(offsets) = bag.offsets {
                        total = s.add(total, s.splat(offsets[id]));
                    }
                    total = s.fma(row, scale, total);
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

/// The last entries of a row, fewer than sixteen.
#[inline(always)]
fn part<S: Simd, T: Entry>(s: S, rest: &[T]) -> S::F {
    let mut entries = [T::default(); 16];
    entries[..rest.len()].copy_from_slice(rest);
    T::load(s, &entries)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::testing::{Random, assert_bits, close};

    /// The rows of a table in f64, with scales and offsets.
    fn in_f64(table: Table<'_>, offsets: Option<&[f32]>, width: usize) -> Vec<f64> {
        match table {
            Table::F32(values) => values.iter().map(|&x| x.into()).collect(),
            Table::Bf16(values) => values.iter().map(|&half| f32::from_bits(u32::from(half) << 16).into()).collect(),
            Table::I8 { codes, scales } => {
                let row = |(at, &code): (usize, &i8)| {
                    let offset = offsets.map_or(0.0, |offsets| f64::from(offsets[at / width]));
                    f64::from(code) * f64::from(scales[at / width]) + offset
                };
                codes.iter().enumerate().map(row).collect()
            }
        }
    }

    #[test]
    fn every_isa_sums_the_rows_that_the_ids_name() {
        let mut random = Random::new(71);
        let of: &[u32] = &[2, 0, 0, 6, 6, 1, 3];
        for width in [1, 7, 15, 16, 17, 31, 33, 64, 80] {
            let codes: Vec<i8> = (0..9 * width).map(|_| random.below(255) as i8).collect();
            let (scales, offsets) = (random.floats(9, 0.02), random.floats(9, 1.0));
            let floats = random.floats(9 * width, 1.0);
            let halves: Vec<u16> = (0..9 * width).map(|_| (random.float(1.0).to_bits() >> 16) as u16).collect();
            let coded = Table::I8 { codes: &codes, scales: &scales };
            let ids: Vec<u32> = (0..7 * 5).map(|_| random.below(9) as u32).collect();
            let tables =
                [(Table::F32(&floats), None), (Table::Bf16(&halves), None), (coded, None), (coded, Some(&offsets[..]))];
            for ((table, offsets), of) in tables.into_iter().flat_map(|table| [(table, None), (table, Some(of))]) {
                for (column, count, mean) in [(0, 1, false), (2, 3, false), (1, 4, true), (4, 1, true)] {
                    let bag = Bag { table, offsets, ids: &ids[column..], stride: 5, count, mean, of };
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
                    let rows = in_f64(table, offsets, width);
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
        let two = Bag { table, offsets: None, ids: &[1, 2], stride: 1, count: 1, mean: false, of: None };
        bag(Isa::SCALAR, two, 2, 3, RowsMut::new(&mut [0.0; 6], 3));
    }
}
