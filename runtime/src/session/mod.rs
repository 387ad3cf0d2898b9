//! Running a pack: a session owns the memory, and each run is a walk over the program's steps.
//!
//! ```text
//! arena   tokens' slots · texts' slots · candidates' slots · whose they are · scratch of each thread
//!         one allocation, made with the session
//! ```
//!
//! Slots are placed for the batch at hand, so that a short batch touches little memory. Nothing survives a run but the result.
//!
//! A session may have a team of threads ([`Options`]). A step, or a stretch of steps, is then divided by rows, columns or heads, never
//! along a sum, so that the bits are those of one thread.

mod arena;
mod batch;
mod divide;
mod error;
mod execute;
mod layout;
mod plan;
mod request;
mod request_error;
mod stage;
mod stretch;
mod team;
mod threads;

pub use batch::Batch;
pub use error::{RunError, SessionError};
pub use request::{Columns, Request};
pub use request_error::RequestError;
pub use stage::Stage;
pub(crate) use threads::cores;
pub use threads::{THREADS_VARIABLE, Threads, ThreadsError};

use crate::isa::Isa;
use arena::Arena;
use batch::Limits;
use execute::{Feed, Run};
use layout::Layout;
use modeldeploy_format::pack::{Ranker, Scorer};
use modeldeploy_format::program::{Given, Program, Rows};
use modeldeploy_format::{Artifact, Signature};
use plan::Plan;
use stage::End;
use stretch::Stretches;
use team::Team;

/// How large a batch one run may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capacity {
    /// Tokens of all texts together; of a ranker, items of all sessions. The session's memory grows with it.
    pub tokens: usize,
    /// Texts; of a ranker, users.
    pub texts: usize,
    /// Candidates of all users together; none of a model that reads texts.
    pub candidates: usize,
}

impl Capacity {
    /// For a model that reads texts.
    pub const fn new(tokens: usize, texts: usize) -> Capacity {
        Capacity { tokens, texts, candidates: 0 }
    }

    fn of(self, rows: Rows) -> usize {
        match rows {
            Rows::Tokens => self.tokens,
            Rows::Texts => self.texts,
            Rows::Candidates => self.candidates,
        }
    }
}

/// What a session computes with. It changes no bit of any result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// The instruction set.
    pub isa: Isa,
    /// The threads that work on one batch together. More than one make a batch faster, and two batches at once slower than two
    /// sessions would: cores are better shared by sessions where there are requests enough for all.
    pub threads: Threads,
}

impl Default for Options {
    /// The fastest instruction set of this CPU, and one thread.
    fn default() -> Options {
        Options::from(Isa::detect())
    }
}

impl From<Isa> for Options {
    /// One thread on that instruction set.
    fn from(isa: Isa) -> Options {
        Options { isa, threads: Threads::ONE }
    }
}

/// A model and the memory to run it in, for one batch at a time.
///
/// The result of a text depends on that text alone: neither the batch that it rides in, nor the instruction set, nor the number of
/// threads, nor the runs before change a bit of it.
pub struct Session<'a> {
    isa: Isa,
    program: Program,
    signature: Signature,
    plan: Plan<'a>,
    limits: Limits,
    /// What a ranker's network is given; nothing of a model that reads texts.
    given: Given,
    scratch: usize,
    arena: Arena,
    team: Team,
    stretches: Stretches,
}

impl<'a> Session<'a> {
    /// A session of one thread on the fastest instruction set of this CPU. This is where its memory is allocated, all of it.
    ///
    /// # Errors
    ///
    /// If the capacity is zero, the memory cannot be had, or the program asks for what no kernel does.
    pub fn new(artifact: &Artifact<'a>, capacity: Capacity) -> Result<Session<'a>, SessionError> {
        Session::with(artifact, capacity, Options::default())
    }

    /// A session of one thread on the instruction set `isa`. It gives the same bits as any other.
    ///
    /// # Errors
    ///
    /// As [`new`](Session::new).
    pub fn with_isa(artifact: &Artifact<'a>, capacity: Capacity, isa: Isa) -> Result<Session<'a>, SessionError> {
        Session::with(artifact, capacity, Options::from(isa))
    }

    /// A session as `options` say. Its threads, but for the caller's, are started here and end with it; between two runs they sleep.
    ///
    /// # Errors
    ///
    /// As [`new`](Session::new), and if the system gives no more threads.
    pub fn with(artifact: &Artifact<'a>, capacity: Capacity, options: Options) -> Result<Session<'a>, SessionError> {
        let Options { isa, threads } = options;
        let threads = threads.count();
        let Parts { plan, limits, given, scratch, bytes } = parts(artifact, capacity, threads)?;
        let (program, signature) = (artifact.program().clone(), artifact.signature().clone());
        let arena = Arena::new(bytes)?;
        let team = Team::new(threads).map_err(|error| SessionError::Threads { threads, cause: error.kind() })?;
        let stretches = Stretches::new(&program, limits.capacity.tokens, threads)?;
        Ok(Session { isa, program, signature, plan, limits, given, scratch, arena, team, stretches })
    }

    /// What [`memory`](Session::memory) would give, of a session of one thread that is not made.
    ///
    /// # Errors
    ///
    /// As [`new`](Session::new), but that the memory need not be there.
    pub fn memory_for(artifact: &Artifact<'a>, capacity: Capacity) -> Result<usize, SessionError> {
        Ok(parts(artifact, capacity, 1)?.bytes)
    }

    /// Runs a batch: `signature.outputs` values for each text, one text after the other.
    ///
    /// Allocates nothing, locks nothing, does no IO. The threads of a team hand one another work by atomics, for which they spin while
    /// the run lasts.
    ///
    /// # Errors
    ///
    /// If the batch is malformed or beyond a limit; the error names it. The session stays as good as before.
    pub fn run(&mut self, batch: &Batch<'_>) -> Result<&[f32], RunError> {
        self.run_to(Stage::Output, batch)
    }

    /// Runs a batch so far: the rows of that [`Stage`], of each token or of each text, one text after the other.
    ///
    /// As [`run`](Session::run), it allocates nothing, locks nothing and does no IO.
    ///
    /// # Errors
    ///
    /// As [`run`](Session::run), and if the program computes no such rows.
    pub fn run_to(&mut self, stage: Stage, batch: &Batch<'_>) -> Result<&[f32], RunError> {
        if !self.given.is_nothing() {
            return Err(RunError::Network);
        }
        batch.check(&self.limits)?;
        let end = stage.end(&self.program).ok_or(RunError::Stage { stage })?;
        let size = Capacity::new(batch.ids.len(), batch.texts());
        Ok(self.steps(size, &Feed::Texts(batch), end))
    }

    /// Scores the candidates of some users: `signature.outputs` values for each candidate, one candidate after the other.
    ///
    /// As [`run`](Session::run), it allocates nothing, locks nothing and does no IO.
    ///
    /// # Errors
    ///
    /// If the request is malformed or beyond a limit; the error names it. The session stays as good as before.
    pub fn score(&mut self, request: &Request<'_>) -> Result<&[f32], RunError> {
        if self.given.is_nothing() {
            return Err(RunError::NoNetwork);
        }
        request.check(&self.given, &self.limits)?;
        let size = request.size();
        if size.candidates == 0 {
            return Ok(&[]);
        }
        let end = Stage::Output.end(&self.program).ok_or(RunError::Stage { stage: Stage::Output })?;
        Ok(self.steps(size, &Feed::Request(request, self.given), end))
    }

    /// The steps up to an end, and what stands there then.
    fn steps(&mut self, size: Capacity, feed: &Feed<'_>, end: End) -> &[f32] {
        let members = self.team.members();
        let layout = Layout::new(&self.program, size, self.scratch, members).expect("no larger than the session's own");
        let run = Run { isa: self.isa, layout: &layout, feed };
        run.begin(&self.plan, &mut self.arena);
        let batch = (run, size.tokens);
        self.stretches.run(&self.program, &self.plan.steps[..end.steps], batch, &mut self.arena, &mut self.team);
        if end.then_plain {
            run.step(&stage::plain(&self.plan.steps[end.steps]), &mut self.arena, &mut self.team);
        }
        bytemuck::cast_slice(self.arena.bytes(layout.place(end.slot).values))
    }

    /// How large a batch may be.
    pub fn capacity(&self) -> Capacity {
        self.limits.capacity
    }

    /// What the model takes and gives.
    pub fn signature(&self) -> &Signature {
        &self.signature
    }

    /// The instruction set that it computes with.
    pub fn isa(&self) -> Isa {
        self.isa
    }

    /// How many threads it computes with.
    pub fn threads(&self) -> usize {
        self.team.members()
    }

    /// The bytes that it computes in: all the memory that grows with the capacity, and with the number of threads.
    pub fn memory(&self) -> usize {
        self.arena.len() + self.stretches.memory()
    }
}

/// What a session of some capacity is made of.
struct Parts<'a> {
    plan: Plan<'a>,
    limits: Limits,
    given: Given,
    /// Bytes of the arena that kernels may use as they like.
    scratch: usize,
    /// Bytes of the whole arena.
    bytes: usize,
}

fn parts<'a>(artifact: &Artifact<'a>, capacity: Capacity, threads: usize) -> Result<Parts<'a>, SessionError> {
    let given = match artifact.ranker() {
        Some(Ranker { scorer: Scorer::Forest(_), .. }) => return Err(SessionError::Ranker),
        Some(Ranker { scorer: Scorer::Network, features }) => features.given(),
        None => Given::default(),
    };
    let program = artifact.program();
    // What reads texts has tokens; a network has items where a step is done on them.
    let session = given.is_nothing() || program.slots.iter().any(|slot| slot.rows == Rows::Tokens);
    let Capacity { tokens, texts, candidates } = capacity;
    if (session && tokens == 0) || texts == 0 || (!given.is_nothing() && candidates == 0) {
        return Err(SessionError::NoCapacity);
    }
    let plan = Plan::new(artifact, &given)?;
    // Positions and starts are 32 bit wide.
    let [tokens, candidates] = [tokens, candidates].map(|rows| rows.min(u32::MAX as usize));
    let capacity = Capacity { tokens, texts, candidates: if given.is_nothing() { 0 } else { candidates } };
    let text = capacity.tokens.min(artifact.signature().max_tokens as usize);
    let columns = plan.columns.clone();
    let limits = Limits { capacity, text, session, columns, ids: plan.ids, types: plan.types };
    let too_large = SessionError::Memory { bytes: usize::MAX };
    let scratch = plan::scratch_bytes(program, capacity.tokens, text).ok_or(too_large.clone())?;
    let bytes = Layout::new(program, capacity, scratch, threads).ok_or(too_large)?.bytes();
    Ok(Parts { plan, limits, given, scratch, bytes })
}

impl core::fmt::Debug for Session<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let (isa, capacity, memory) = (self.isa, self.capacity(), self.memory());
        f.debug_struct("Session")
            .field("isa", &isa)
            .field("threads", &self.threads())
            .field("capacity", &capacity)
            .field("memory", &memory)
            .finish_non_exhaustive()
    }
}
