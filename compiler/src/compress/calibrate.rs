//! What the inputs of linear layers are like, measured on samples.
//!
//! The reference runs in f64 here. candle's products differ between CPUs in their last bits; in f64 those are so far below the
//! few bits that [`coarse`](super::quantize::coarse) leaves of a statistic that a lock made on one machine can be checked on
//! another.

use super::samples::Sample;
use crate::diagnostic::Diagnostic;
use crate::graph::{Graph, ValueId};
use crate::reference::{EVALUATION_ERROR, Reference};
use candle_core::{DType, Tensor};
use std::collections::BTreeMap;

/// The most rows of a value that are kept to measure errors on.
const ROWS: usize = 128;

/// What was seen of a value over all samples.
#[derive(Clone, Debug)]
pub(super) struct Observed {
    /// The least value of each column.
    pub(super) least: Vec<f64>,
    /// The greatest value of each column.
    pub(super) greatest: Vec<f64>,
    /// Some rows, evenly taken from all.
    pub(super) rows: Vec<f32>,
}

/// Runs the samples and observes the given values, `f32[tokens, k]` or `f32[k]`; `progress` is told after each sample.
pub(super) fn observe(
    graph: &Graph,
    values: impl IntoIterator<Item = ValueId>,
    samples: &[&Sample],
    progress: &mut dyn FnMut(usize, usize),
) -> Result<BTreeMap<ValueId, Observed>, Vec<Diagnostic>> {
    let mut seen: BTreeMap<ValueId, Observed> =
        values.into_iter().map(|id| (id, Observed { least: vec![], greatest: vec![], rows: vec![] })).collect();
    if seen.is_empty() {
        return Ok(seen);
    }
    let reference = Reference::precise(graph)?;
    let tokens: usize = samples.iter().map(|sample| sample.ids.len()).sum();
    let stride = tokens.div_ceil(ROWS).max(1);
    let mut before = 0;
    for (done, sample) in samples.iter().enumerate() {
        let mut failed = None;
        let mut watch = |id: ValueId, value: &Tensor| {
            if let Some(observed) = seen.get_mut(&id)
                && let Err(error) = observed.add(value, before, stride)
            {
                failed = Some(error);
            }
        };
        reference.run_observed(&sample.ids, &sample.types, &mut watch).map_err(|error| vec![error])?;
        if let Some(error) = failed {
            return Err(vec![Diagnostic::new(EVALUATION_ERROR, format!("a value cannot be observed: {error}"))]);
        }
        before += sample.ids.len();
        progress(done + 1, samples.len());
    }
    Ok(seen)
}

impl Observed {
    /// Takes in the rows of one text, the first of which is the `before`-th of all.
    fn add(&mut self, value: &Tensor, before: usize, stride: usize) -> candle_core::Result<()> {
        let width = value.dim(candle_core::D::Minus1)?;
        let values = value.to_dtype(DType::F64)?.flatten_all()?.to_vec1::<f64>()?;
        self.least.resize(width, f64::INFINITY);
        self.greatest.resize(width, f64::NEG_INFINITY);
        for (at, row) in values.chunks_exact(width).enumerate() {
            for ((least, greatest), &x) in self.least.iter_mut().zip(&mut self.greatest).zip(row) {
                *least = least.min(x);
                *greatest = greatest.max(x);
            }
            if (before + at).is_multiple_of(stride) {
                self.rows.extend(row.iter().map(|&x| x as f32));
            }
        }
        Ok(())
    }

    /// What was seen of two values together.
    pub(super) fn join(&mut self, other: &Observed) {
        let pairs = self.least.iter_mut().zip(&other.least).zip(self.greatest.iter_mut().zip(&other.greatest));
        for ((least, &l), (greatest, &g)) in pairs {
            *least = least.min(l);
            *greatest = greatest.max(g);
        }
        self.rows.extend(&other.rows);
    }
}
