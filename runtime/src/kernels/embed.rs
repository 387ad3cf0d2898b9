//! The sum of table rows looked up by id: words, positions, types.
//!
//! Bound by memory: one row of each table is read for each token. Terms are added in the order given; a code times its
//! row's scale is fused with its addition.

use crate::isa::{Isa, Kernel, Simd};
use crate::kernels::RowsMut;
use crate::kernels::table::{AHEAD, Entry, Table};

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
                let at = id * self.width..(id + 1) * self.width;
                match term.table {
                    Table::F32(values) => accumulate(s, &values[at], 1.0, out),
                    Table::Bf16(values) => accumulate(s, &values[at], 1.0, out),
                    Table::I8 { codes, scales } => accumulate(s, &codes[at], scales[id], out),
                }
            }
        }
    }
}

/// `out += scale · row`, fused. A scale of 1 changes no bit of the sum.
#[inline(always)]
fn accumulate<S: Simd, T: Entry>(s: S, row: &[T], scale: f32, out: &mut [f32]) {
    let scale = s.splat(scale);
    let (chunks, rest) = row.as_chunks::<16>();
    let (out_chunks, out_rest) = out.as_chunks_mut::<16>();
    for (entries, out) in chunks.iter().zip(out_chunks) {
        let sum = s.fma(T::load(s, entries), scale, s.load(out));
        s.store(out, sum);
    }
    if !rest.is_empty() {
        let mut entries = [T::default(); 16];
        entries[..rest.len()].copy_from_slice(rest);
        let sum = s.fma(T::load(s, &entries), scale, s.load_part(out_rest, 0.0));
        s.store_part(out_rest, sum);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::testing::{Random, assert_bits, close};

    #[test]
    fn every_isa_sums_the_rows_that_the_ids_name() {
        let mut random = Random::new(3);
        for width in [1, 7, 15, 16, 17, 31, 33, 64, 384] {
            let words: Vec<i8> = (0..9 * width).map(|_| random.below(255) as i8).collect();
            let scales = random.floats(9, 0.02);
            let places = random.floats(5 * width, 1.0);
            let kinds: Vec<u16> = (0..2 * width).map(|_| (random.float(1.0).to_bits() >> 16) as u16).collect();
            let ids: [&[u32]; 3] = [&[0, 8, 3, 3], &[0, 1, 2, 4], &[0, 0, 1, 1]];
            let terms = [
                Lookup { table: Table::I8 { codes: &words, scales: &scales }, ids: ids[0] },
                Lookup { table: Table::F32(&places), ids: ids[1] },
                Lookup { table: Table::Bf16(&kinds), ids: ids[2] },
            ];
            let stride = width + 3;
            let run = |isa| {
                let mut out = vec![9.0; 4 * stride];
                embed(isa, &terms, width, RowsMut::new(&mut out, stride));
                out
            };
            let expected = run(Isa::SCALAR);
            for isa in Isa::available() {
                assert_bits(&run(isa), &expected, &format!("{isa} {width}"));
            }
            let mut in_f64 = vec![9.0; 4 * stride];
            for (r, n) in (0..4).flat_map(|r| (0..width).map(move |n| (r, n))) {
                let id = |t: usize| ids[t][r] as usize * width + n;
                let kind = f32::from_bits(u32::from(kinds[id(2)]) << 16);
                let word = f64::from(words[id(0)]) * f64::from(scales[ids[0][r] as usize]);
                in_f64[r * stride + n] = word + f64::from(places[id(1)]) + f64::from(kind);
            }
            close(&expected, &in_f64, 3e-7, &format!("{width}"));
        }
    }

    #[test]
    #[should_panic(expected = "an id is past its table of 2 rows")]
    fn an_id_past_its_table_is_refused_at_the_entry() {
        let terms = [Lookup { table: Table::F32(&[0.0; 6]), ids: &[1, 2] }];
        embed(Isa::SCALAR, &terms, 3, RowsMut::new(&mut [0.0; 6], 3));
    }
}
