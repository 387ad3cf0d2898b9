//! The sum of table rows looked up by id: words, positions, types.
//!
//! Bound by memory: one row of each table is read for each token. Terms are added in the order given; a code times its
//! row's scale is fused with its addition, the row's offset is added before it.

use crate::isa::{Isa, Kernel, Simd};
use crate::kernels::RowsMut;
use crate::kernels::table::{AHEAD, Entry, Table, Worth};

/// One term of the sum: `ids[m]` names the row of `table` that is added to output row `m`.
#[derive(Clone, Copy, Debug)]
pub struct Lookup<'a> {
    /// Where rows are looked up.
    pub table: Table<'a>,
    /// One an output row.
    pub ids: &'a [u32],
}

/// `out[m] = Σ tables[t][ids[t][m]]`, terms added in the order given, from 0.
///
/// # Panics
///
/// If there is no term, the terms' ids differ in number, an id is past its table, or a buffer is too short.
pub fn embed(isa: Isa, terms: &[Lookup<'_>], width: usize, out: RowsMut<'_>) {
    let rows = terms.first().expect("a sum of no terms").ids.len();
    for term in terms {
        assert_eq!(term.ids.len(), rows, "the terms' ids differ in number");
        let entries = term.table.entries(width);
        assert!(term.ids.iter().all(|&id| (id as usize) < entries), "an id is past its table of {entries} rows");
    }
    out.check("out", rows, width);
    isa.run(Embed { terms, rows, width, out });
}

struct Embed<'a> {
    terms: &'a [Lookup<'a>],
    rows: usize,
    width: usize,
    out: RowsMut<'a>,
}

impl Kernel for Embed<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(mut self, s: S) {
        for r in 0..self.rows {
            let out = self.out.row(r, self.width);
            out.fill(0.0);
            for term in self.terms {
                if let Some(&id) = term.ids.get(r + AHEAD) {
                    term.table.prefetch(s, id as usize, self.width);
                }
                let id = term.ids[r] as usize;
                match term.table {
                    Table::F32(values) => accumulate(s, values, Worth::ITSELF, id, out),
                    Table::Bf16(values) => accumulate(s, values, Worth::ITSELF, id, out),
                    Table::I8 { codes, scales, offsets } => {
                        accumulate(s, codes, Worth { scales: Some(scales), offsets }, id, out);
                    }
                    Table::U4 { codes, scales, offsets } => {
                        accumulate(s, codes, Worth { scales: Some(scales), offsets: Some(offsets) }, id, out);
                    }
                }
            }
        }
    }
}

/// `out += offset + scale · row`, the product fused.
#[inline(always)]
fn accumulate<S: Simd, T: Entry>(s: S, entries: &[T], worth: Worth<'_>, id: usize, out: &mut [f32]) {
    let stored = T::stored(out.len());
    let row = T::chunks(&entries[id * stored..][..stored]);
    let scale = worth.scale(s, id);
    let offset = worth.offsets.map(|offsets| s.splat(offsets[id]));
    let start = |sum| offset.map_or(sum, |offset| s.add(sum, offset));
    let (to, to_rest) = out.as_chunks_mut::<16>();
    for (to, chunk) in to.iter_mut().zip(row.0) {
        let sum = s.fma(T::load(s, chunk), scale, start(s.load(to)));
        s.store(to, sum);
    }
    if !to_rest.is_empty() {
        let sum = s.fma(T::nth(s, row, to.len()), scale, start(s.load_part(to_rest, 0.0)));
        s.store_part(to_rest, sum);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::table::testing::{Stored, in_f64};
    use crate::kernels::testing::{Random, assert_bits, close};

    #[test]
    fn every_isa_sums_the_rows_that_the_ids_name() {
        let mut random = Random::new(3);
        for width in [1, 7, 15, 16, 17, 31, 33, 64, 384] {
            let stored = Stored::new(9, width, &mut random);
            let [floats, halves, codes, moved, nibbles] = stored.tables();
            let ids: [&[u32]; 3] = [&[0, 8, 3, 3], &[0, 1, 2, 4], &[0, 0, 1, 1]];
            for tables in [[codes, floats, halves], [moved, nibbles, codes], [nibbles, halves, moved]] {
                let terms = [0, 1, 2].map(|t| Lookup { table: tables[t], ids: ids[t] });
                let stride = width + 3;
                let run = |isa| {
                    let mut out = vec![9.0; 4 * stride];
                    embed(isa, &terms, width, RowsMut::new(&mut out, stride));
                    out
                };
                let expected = run(Isa::SCALAR);
                for isa in Isa::available() {
                    assert_bits(&run(isa), &expected, &format!("{isa} {width} {tables:?}"));
                }
                let values = tables.map(|table| in_f64(table, width));
                let mut sums = vec![9.0; 4 * stride];
                for (r, n) in (0..4).flat_map(|r| (0..width).map(move |n| (r, n))) {
                    sums[r * stride + n] = (0..3).map(|t| values[t][ids[t][r] as usize * width + n]).sum();
                }
                close(&expected, &sums, 5e-7, &format!("{width} {tables:?}"));
            }
        }
    }

    #[test]
    #[should_panic(expected = "an id is past its table of 2 rows")]
    fn an_id_past_its_table_is_refused_at_the_entry() {
        let terms = [Lookup { table: Table::F32(&[0.0; 6]), ids: &[1, 2] }];
        embed(Isa::SCALAR, &terms, 3, RowsMut::new(&mut [0.0; 6], 3));
    }
}
