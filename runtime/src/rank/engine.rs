//! A pack of trees or of a network with its workers: from rows of values to scores. What handles are made of; the compiler proves its
//! packs with it.

use super::{For, Row, Value, network, trees};
use crate::isa::Isa;
use crate::model::Error;
use crate::model::pool::{Lent, Pool};
use crate::session::cores;
use modeldeploy_format::features::Features;
use modeldeploy_format::golden::requests::GoldenRequest;
use modeldeploy_format::pack::{Ranker, Scorer};
use modeldeploy_format::{Artifact, Signature};

/// A ranker that answers any number of threads, each with a worker of its own.
pub struct Engine<'a> {
    artifact: Artifact<'a>,
    isa: Isa,
    pool: Pool<Worker<'a>, Isa>,
}

/// The memory of one thread.
enum Worker<'a> {
    Trees(trees::Worker),
    Network(Box<network::Worker<'a>>),
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
        if artifact.ranker().is_none() {
            return Err(damaged(format!("the pack does `{}`, not `rank`", artifact.signature().task)));
        }
        Ok(Engine { artifact, isa, pool: Pool::new(cores(), isa) })
    }

    /// The pack.
    pub fn artifact(&self) -> &Artifact<'a> {
        &self.artifact
    }

    /// The instruction set that it runs on.
    pub fn isa(&self) -> Isa {
        self.isa
    }

    /// What the model takes and gives.
    pub fn signature(&self) -> &Signature {
        self.artifact.signature()
    }

    /// What scores, and its features.
    pub fn ranker(&self) -> &Ranker<'a> {
        self.artifact.ranker().expect("a ranker's pack: proved when the engine was made")
    }

    fn features(&self) -> &Features {
        &self.ranker().features
    }

    /// Makes a worker, so that the next run finds one.
    ///
    /// # Errors
    ///
    /// If the memory of a network's session cannot be had.
    pub fn warm(&self) -> Result<(), Error> {
        self.worker().map(drop)
    }

    /// Scores candidates for a user, and hands each one's scores to `each`, in order. `each` may not run the same engine: it might wait
    /// for the very worker that it holds up. It allocates nothing once there is a worker.
    ///
    /// # Errors
    ///
    /// If a value is not what its feature takes; the error names the row and the feature. Earlier rows may have been handed over.
    pub fn run<R: Row>(&self, asked: For<'_>, rows: &[R], each: impl FnMut(&[f64])) -> Result<(), Error> {
        self.run_values(asked, rows.iter().map(|row| row.values()), each)
    }

    /// As [`run`](Engine::run), of the values of each candidate, in the model's order: for who knows the features by name alone.
    ///
    /// # Errors
    ///
    /// As there, and if a candidate has more values than features, or fewer.
    pub fn run_values<'v, V: AsRef<[Value<'v>]>>(
        &self,
        asked: For<'_>,
        mut rows: impl ExactSizeIterator<Item = V>,
        mut each: impl FnMut(&[f64]),
    ) -> Result<(), Error> {
        let (features, outputs) = (self.features(), self.signature().outputs as usize);
        let mut worker = self.worker()?;
        worker.ask(features, asked)?;
        let most = worker.rows();
        let mut scored = 0;
        while rows.len() > 0 {
            let count = rows.len().min(most);
            for (at, values) in rows.by_ref().take(count).enumerate() {
                let wrong = |cause| Error::Value { row: scored + at, cause };
                match &mut *worker {
                    Worker::Trees(worker) => worker.row(features, at, values.as_ref()),
                    Worker::Network(worker) => worker.row(features, at, values.as_ref()),
                }
                .map_err(wrong)?;
            }
            self.scores(&mut worker, count)?.chunks(outputs).for_each(&mut each);
            scored += count;
        }
        Ok(())
    }

    fn scores<'w>(&self, worker: &'w mut Worker<'a>, count: usize) -> Result<&'w [f64], Error> {
        match (worker, &self.ranker().scorer) {
            (Worker::Trees(worker), Scorer::Forest(forest)) => Ok(worker.scores(forest, count)),
            (Worker::Network(worker), Scorer::Network) => worker.scores(count),
            _ => unreachable!("a worker is made for what scores"),
        }
    }

    /// Scores rows of numbers with trees, as the features' rules give them: `rows[n, features]` to `scores[n, outputs]`.
    ///
    /// # Errors
    ///
    /// As [`warm`](Engine::warm).
    ///
    /// # Panics
    ///
    /// If `rows` or `scores` is not as long as that, or the pack is a network's.
    pub fn run_numbers(&self, rows: &[f64], scores: &mut [f64]) -> Result<(), Error> {
        let forest = self.ranker().forest().expect("rows of numbers are for trees");
        let Worker::Trees(worker) = &mut *self.worker()? else { unreachable!("a worker is made for what scores") };
        worker.run_numbers(forest, rows, scores);
        Ok(())
    }

    /// Scores a request with a network, as the features' rules give it, and hands the scores to `each`. Those of the request itself are not
    /// looked at.
    ///
    /// # Errors
    ///
    /// If it is no request of this model, or has more candidates than are scored together.
    ///
    /// # Panics
    ///
    /// If the pack is one of trees.
    pub fn run_request<T>(&self, request: &GoldenRequest, each: impl FnOnce(&[f32]) -> T) -> Result<T, Error> {
        let Worker::Network(worker) = &mut *self.worker()? else { panic!("requests are for networks") };
        Ok(each(worker.golden(request)?))
    }

    /// Scores the golden rows or requests: they must come back to the bit. Gives how many there are.
    ///
    /// # Errors
    ///
    /// If a score differs in any bit.
    pub fn self_test(&self) -> Result<usize, Error> {
        let (rows, requests) = (self.artifact.golden_rows(), self.artifact.golden_requests());
        for (row, golden) in rows.iter().enumerate() {
            let mut here = vec![0.0; golden.scores.len()];
            self.run_numbers(&golden.row, &mut here)?;
            same(row, golden.scores.iter().copied(), here.iter().copied())?;
        }
        for (row, golden) in requests.iter().enumerate() {
            let built = golden.scores.iter().copied().map(f64::from);
            self.run_request(golden, |here| same(row, built, here.iter().copied().map(f64::from)))??;
        }
        Ok(rows.len() + requests.len())
    }

    fn worker(&self) -> Result<Lent<'_, Worker<'a>, Isa>, Error> {
        self.pool.take(|isa| {
            Ok(match &self.ranker().scorer {
                Scorer::Forest(forest) => Worker::Trees(trees::Worker::new(isa, forest)),
                Scorer::Network => {
                    Worker::Network(Box::new(network::Worker::new(&self.artifact, self.features(), isa)?))
                }
            })
        })
    }
}

impl Worker<'_> {
    /// How many candidates are scored together.
    fn rows(&self) -> usize {
        match self {
            Worker::Trees(_) => trees::ROWS,
            Worker::Network(_) => network::ROWS,
        }
    }

    fn ask(&mut self, features: &Features, asked: For<'_>) -> Result<(), Error> {
        match self {
            Worker::Trees(worker) => worker.ask(features, asked),
            Worker::Network(worker) => worker.ask(features, asked),
        }
    }
}

/// That scores have the bits that they had when the pack was built; as f64 those of f32 keep what tells them apart.
fn same(row: usize, built: impl Iterator<Item = f64>, here: impl Iterator<Item = f64>) -> Result<(), Error> {
    let mut pairs = built.zip(here).enumerate();
    match pairs.find(|(_, (built, here))| built.to_bits() != here.to_bits()) {
        Some((value, (built, here))) => Err(Error::GoldenRow { row, value, built, here }),
        None => Ok(()),
    }
}

impl core::fmt::Debug for Engine<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Engine").field("signature", self.signature()).finish_non_exhaustive()
    }
}
