//! Trees and the memory of one thread that scores with them.

use super::For;
use crate::isa::Isa;
use crate::kernels::{ForestScratch, forest};
use crate::model::Error;
use modeldeploy_format::features::{Features, Side, Value};
use modeldeploy_format::forest::Forest;

/// Rows that are scored together: as many as the kernel's largest block.
pub(super) const ROWS: usize = 128;

/// Rows, scores, and what the kernel needs.
pub(super) struct Worker {
    isa: Isa,
    /// What the user gives of each row.
    user: Vec<f64>,
    rows: Vec<f64>,
    scores: Vec<f64>,
    scratch: ForestScratch,
}

impl Worker {
    pub(super) fn new(isa: Isa, forest: &Forest<'_>) -> Worker {
        let (features, outputs) = (forest.features(), forest.outputs());
        Worker {
            isa,
            user: vec![0.0; features],
            rows: vec![0.0; ROWS * features],
            scores: vec![0.0; ROWS * outputs],
            scratch: ForestScratch::new(forest),
        }
    }

    /// Reads for whom the next rows are scored.
    pub(super) fn ask(&mut self, features: &Features, asked: For<'_>) -> Result<(), Error> {
        let user = |cause| Error::User { cause };
        features.row(Side::User, asked.user, &mut self.user).map_err(user)
    }

    /// Reads a candidate into a row.
    pub(super) fn row(
        &mut self,
        features: &Features,
        at: usize,
        values: &[Value<'_>],
    ) -> Result<(), crate::rank::ValueError> {
        let width = self.user.len();
        let row = &mut self.rows[at * width..][..width];
        if !features.of(Side::User).is_empty() {
            row.copy_from_slice(&self.user);
        }
        features.row(Side::Candidate, values, row)
    }

    /// The scores of the first rows, one row's after the other's.
    pub(super) fn scores(&mut self, trees: &Forest<'_>, count: usize) -> &[f64] {
        let rows = &self.rows[..count * trees.features()];
        let scores = &mut self.scores[..count * trees.outputs()];
        forest(self.isa, trees, rows, scores, &mut self.scratch);
        scores
    }

    /// Scores rows of numbers: `rows[n, features]` to `scores[n, outputs]`.
    pub(super) fn run_numbers(&mut self, trees: &Forest<'_>, rows: &[f64], scores: &mut [f64]) {
        forest(self.isa, trees, rows, scores, &mut self.scratch);
    }
}
