//! All the vectors of an index read once for a query, a block of rows at a time: what is kept of a block's scores is the best alone.

use crate::isa::Isa;
use crate::kernels::{self, Epilogue, Hit, I8Panels, Q8Rows, Q8RowsMut, Rows, RowsMut, TopK};
use modeldeploy_format::index::{Codes, Values, Vectors};
use modeldeploy_format::program::{Activation, RowScale};
use modeldeploy_format::tensor::{PANEL, QUAD};

/// Rows that are scored together: whole panels, whose scores stay in the nearest cache.
const BLOCK: usize = 64 * PANEL;

/// Fills `best` with the rows nearest to `query`, nearest first, of equal ones the earlier, and says how many there are: no more
/// than rows. Each score is the dot product; in an index of int8 that of the codes, the query's being made as a layer's input is.
///
/// Bound by the reading of the index.
///
/// # Panics
///
/// If `query` is not as wide as the vectors.
pub fn search(isa: Isa, vectors: &Vectors<'_>, query: &[f32], best: &mut [Hit]) -> usize {
    let mut top = TopK::new(best);
    each_block(isa, vectors, query, |first, scores| top.push(first, scores));
    top.finish()
}

/// Gives the scores of all rows, a block at a time with its first row.
pub(super) fn each_block(isa: Isa, vectors: &Vectors<'_>, query: &[f32], mut each: impl FnMut(u32, &[f32])) {
    let (rows, width) = (vectors.rows(), vectors.width());
    assert_eq!(query.len(), width, "the query's vector is not as wide as the index's");
    let mut scores = [0.0; BLOCK];
    let blocks = (0..rows).step_by(BLOCK).map(|first| (first, rows.min(first + BLOCK)));
    match vectors.values() {
        Values::F32(values) => {
            for (first, end) in blocks {
                let (values, scores) = (&values[first * width..end * width], &mut scores[..end - first]);
                kernels::scan_f32(isa, query, Rows { values, stride: width }, scores);
                each(first as u32, scores);
            }
        }
        Values::Int8(Codes { panels, scales, sums }) => {
            let stride = width.next_multiple_of(QUAD);
            let (mut codes, mut params) = (vec![0; stride], [RowScale::default()]);
            let quantized = Q8RowsMut { codes: &mut codes, stride, params: &mut params };
            kernels::quantize_rows(isa, Rows { values: query, stride: width }, width, quantized);
            let query = Q8Rows { codes: &codes, stride, params: &params };
            let plain = Epilogue { bias: None, activation: Activation::Identity, residual: None };
            for (first, end) in blocks {
                let codes = &panels[first * stride..end.next_multiple_of(PANEL) * stride];
                let (scales, sums) = (&scales[first..end], &sums[first..end]);
                let (weights, n) = (I8Panels { codes, scales, sums, n: end - first, k: width }, end - first);
                let scores = &mut scores[..n];
                kernels::gemm_i8(isa, query, weights, plain, RowsMut::new(scores, n));
                each(first as u32, scores);
            }
        }
    }
}
