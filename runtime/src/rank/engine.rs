//! A pack of trees with its workers: from rows of values to scores. What handles are made of; the compiler proves its packs with it.

use super::Row;
use crate::isa::Isa;
use crate::kernels::{ForestScratch, forest};
use crate::model::Error;
use crate::model::pool::{Lent, Pool};
use crate::session::cores;
use modeldeploy_format::features::Side;
use modeldeploy_format::forest::Forest;
use modeldeploy_format::pack::Ranker;
use modeldeploy_format::{Artifact, Signature};

/// Rows that are scored together: as many as the kernel's largest block.
const ROWS: usize = 128;

/// A ranker that answers any number of threads, each with a worker of its own.
pub struct Engine<'a> {
    artifact: Artifact<'a>,
    pool: Pool<Worker, Isa>,
}

/// The memory of one thread: rows, scores, and what the kernel needs.
struct Worker {
    isa: Isa,
    rows: Vec<f64>,
    scores: Vec<f64>,
    scratch: ForestScratch,
}

impl<'a> Engine<'a> {
    /// The ranker of a pack, on the instruction set that `MODELDEPLOY_ISA` names, or else the fastest. `what` it is, for errors.
    ///
    /// # Errors
    ///
    /// If the bytes are no ranker's pack, or the environment asks for an instruction set that is not there.
    pub fn new(what: &str, pack: &'a [u8]) -> Result<Engine<'a>, Error> {
        Engine::linked(what, &[pack])
    }

    /// As [`new`](Engine::new), of a pack that lies in parts.
    ///
    /// # Errors
    ///
    /// As there.
    pub(crate) fn linked(what: &str, parts: &[&'a [u8]]) -> Result<Engine<'a>, Error> {
        Engine::of_parts(what, parts, Isa::from_env()?)
    }

    /// As [`new`](Engine::new), on the instruction set `isa`.
    ///
    /// # Errors
    ///
    /// If the bytes are no ranker's pack.
    pub fn with_isa(what: &str, pack: &'a [u8], isa: Isa) -> Result<Engine<'a>, Error> {
        Engine::of_parts(what, &[pack], isa)
    }

    fn of_parts(what: &str, parts: &[&'a [u8]], isa: Isa) -> Result<Engine<'a>, Error> {
        let damaged = |cause: String| Error::Damaged { cause: format!("{what}: {cause}") };
        let artifact = Artifact::parse_parts(parts).map_err(|error| damaged(error.to_string()))?;
        if artifact.ranker().and_then(Ranker::forest).is_none() {
            return Err(damaged(format!("the pack does `{}`, not `rank` by trees", artifact.signature().task)));
        }
        Ok(Engine { artifact, pool: Pool::new(cores(), isa) })
    }

    /// The pack.
    pub fn artifact(&self) -> &Artifact<'a> {
        &self.artifact
    }

    /// What the model takes and gives.
    pub fn signature(&self) -> &Signature {
        self.artifact.signature()
    }

    /// Its trees and its features.
    pub fn ranker(&self) -> &Ranker<'a> {
        self.artifact.ranker().expect("a ranker's pack: proved when the engine was made")
    }

    /// Makes a worker, so that the next run finds one.
    ///
    /// # Errors
    ///
    /// None today: a worker is memory alone.
    pub fn warm(&self) -> Result<(), Error> {
        self.worker().map(drop)
    }

    /// Scores candidates, and hands each one's scores to `each`, in order. `each` may not run the same engine: it might wait for the
    /// very worker that it holds up. It allocates nothing once there is a worker.
    ///
    /// # Errors
    ///
    /// If a value is not what its feature takes; the error names the row and the feature. Earlier rows may have been handed over.
    pub fn run<R: Row>(&self, rows: &[R], mut each: impl FnMut(&[f64])) -> Result<(), Error> {
        let (ranker, mut worker) = (self.ranker(), self.worker()?);
        let forest = trees(ranker);
        let (features, outputs) = (forest.features(), forest.outputs());
        for (block, rows) in rows.chunks(ROWS).enumerate() {
            for (at, (row, to)) in rows.iter().zip(worker.rows.chunks_mut(features)).enumerate() {
                let values = row.values();
                let wrong = |cause| Error::Value { row: block * ROWS + at, cause };
                ranker.features.row(Side::Candidate, values.as_ref(), to).map_err(wrong)?;
            }
            worker.scores(ranker, rows.len()).chunks(outputs).for_each(&mut each);
        }
        Ok(())
    }

    /// Scores rows of numbers, as the features' rules give them: `rows[n, features]` to `scores[n, outputs]`.
    ///
    /// # Errors
    ///
    /// As [`warm`](Engine::warm).
    ///
    /// # Panics
    ///
    /// If `rows` or `scores` is not as long as that.
    pub fn run_numbers(&self, rows: &[f64], scores: &mut [f64]) -> Result<(), Error> {
        let mut worker = self.worker()?;
        let Worker { isa, scratch, .. } = &mut *worker;
        forest(*isa, trees(self.ranker()), rows, scores, scratch);
        Ok(())
    }

    /// Scores the golden rows: they must come back to the bit. Gives how many there are.
    ///
    /// # Errors
    ///
    /// If a score differs in any bit.
    pub fn self_test(&self) -> Result<usize, Error> {
        let goldens = self.artifact.golden_rows();
        for (at, golden) in goldens.iter().enumerate() {
            let mut here = vec![0.0; golden.scores.len()];
            self.run_numbers(&golden.row, &mut here)?;
            let differs = golden.scores.iter().zip(&here).position(|(built, here)| built.to_bits() != here.to_bits());
            if let Some(value) = differs {
                return Err(Error::GoldenRow { row: at, value, built: golden.scores[value], here: here[value] });
            }
        }
        Ok(goldens.len())
    }

    fn worker(&self) -> Result<Lent<'_, Worker, Isa>, Error> {
        self.pool.take(|isa| {
            let forest = trees(self.ranker());
            let (rows, scores) = (vec![0.0; ROWS * forest.features()], vec![0.0; ROWS * forest.outputs()]);
            Ok(Worker { isa, rows, scores, scratch: ForestScratch::new(forest) })
        })
    }
}

impl Worker {
    /// The scores of the first rows.
    fn scores(&mut self, ranker: &Ranker<'_>, count: usize) -> &[f64] {
        let trees = trees(ranker);
        let rows = &self.rows[..count * trees.features()];
        let scores = &mut self.scores[..count * trees.outputs()];
        forest(self.isa, trees, rows, scores, &mut self.scratch);
        scores
    }
}

fn trees<'r, 'a>(ranker: &'r Ranker<'a>) -> &'r Forest<'a> {
    ranker.forest().expect("trees: proved when the engine was made")
}

impl core::fmt::Debug for Engine<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Engine").field("signature", self.signature()).finish_non_exhaustive()
    }
}
