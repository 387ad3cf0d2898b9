//! A pack with its tokenizer and its workers: from texts to rows of numbers. What handles are made of; the compiler's
//! evaluation uses it on packs that are not linked.

use super::Error;
use super::pool::{Lent, Pool};
use crate::isa::Isa;
use crate::session::{Batch, Capacity, Options, Session, Threads, cores};
use crate::tokenizer::{Encoding, Strategy, Tables, Tokenizer, Truncation};
use modeldeploy_format::{Artifact, Signature};

/// Texts are run together until they have this many tokens. Larger batches take longer a text: they leave the nearer caches.
const BATCH_TOKENS: usize = 128;

/// Longer texts, in bytes, are worked on in memory of their own, which is given back when they are done: a worker keeps what short
/// ones need, ever after.
const KEPT_TEXT: usize = 1 << 16;

/// A model that answers any number of threads.
pub struct Engine<'a> {
    artifact: Artifact<'a>,
    tokenizer: Tokenizer<'a>,
    truncation: Truncation,
    capacity: Capacity,
    pool: Pool<Worker<'a>, Options>,
}

/// One thing to run: a text, or a pair of texts, with a prompt before the first.
#[derive(Clone, Copy, Debug, Default)]
pub struct Input<'t> {
    /// Put before the text; empty for none.
    pub prompt: &'t str,
    /// The text.
    pub text: &'t str,
    /// The second text of a pair.
    pub pair: Option<&'t str>,
}

/// A session and what it is fed from.
struct Worker<'a> {
    session: Session<'a>,
    encoding: Encoding,
    prompted: String,
    /// Bytes of the longest text since the last [`shrink`](Worker::shrink).
    longest: usize,
    ids: Vec<u32>,
    types: Vec<u32>,
    starts: Vec<u32>,
}

impl<'a> Engine<'a> {
    /// The model of a pack, on the instruction set that `MODELDEPLOY_ISA` names, or else the fastest, and with as many threads a session
    /// as `MODELDEPLOY_THREADS` says, or else one. `what` it is, for errors.
    ///
    /// # Errors
    ///
    /// If the bytes are no pack, or the environment asks for an instruction set or for cores that are not there.
    pub fn new(what: &str, pack: &'a [u8]) -> Result<Engine<'a>, Error> {
        Engine::with(what, pack, Options { isa: Isa::from_env()?, threads: Threads::from_env()? })
    }

    /// As [`new`](Engine::new), of a pack that lies in parts.
    ///
    /// # Errors
    ///
    /// As there.
    pub(crate) fn linked(what: &str, parts: &[&'a [u8]]) -> Result<Engine<'a>, Error> {
        Engine::of_parts(what, parts, Options { isa: Isa::from_env()?, threads: Threads::from_env()? })
    }

    /// The model of a pack, on the instruction set `isa`, with one thread a session.
    ///
    /// # Errors
    ///
    /// If the bytes are no pack.
    pub fn with_isa(what: &str, pack: &'a [u8], isa: Isa) -> Result<Engine<'a>, Error> {
        Engine::with(what, pack, Options::from(isa))
    }

    /// The model of a pack, whose sessions are made as `options` say.
    ///
    /// # Errors
    ///
    /// If the bytes are no pack.
    pub fn with(what: &str, pack: &'a [u8], options: Options) -> Result<Engine<'a>, Error> {
        Engine::of_parts(what, &[pack], options)
    }

    /// As [`with`](Engine::with), of a pack that lies in parts.
    ///
    /// # Errors
    ///
    /// As there.
    fn of_parts(what: &str, pack: &[&'a [u8]], options: Options) -> Result<Engine<'a>, Error> {
        let artifact = Artifact::parse_parts(pack);
        let artifact = artifact.map_err(|error| Error::Damaged { cause: format!("{what}: {error}") })?;
        let tables = Tables::parse(artifact.tokenizer())
            .map_err(|error| Error::Damaged { cause: format!("{what}: {error}") })?;
        let tokenizer = Tokenizer::new(tables);
        let max_tokens = artifact.signature().max_tokens;
        let side = tokenizer.truncation().side;
        let truncation = Truncation { max_len: max_tokens, side, strategy: Strategy::LongestFirst };
        let capacity = Capacity::new(BATCH_TOKENS.max(max_tokens as usize), BATCH_TOKENS);
        Ok(Engine { artifact, tokenizer, truncation, capacity, pool: Pool::new(most(options.threads), options) })
    }

    /// Changes how many threads work on a batch together. There are sessions enough to take all cores: with half as many threads as
    /// cores, two batches can be run at once, and further ones wait.
    pub fn set_threads(&self, threads: Threads) {
        self.pool.change(most(threads), Options { threads, ..self.pool.rules() });
    }

    /// What the sessions compute with.
    pub fn options(&self) -> Options {
        self.pool.rules()
    }

    /// What the model takes and gives.
    pub fn signature(&self) -> &Signature {
        self.artifact.signature()
    }

    /// The pack.
    pub fn artifact(&self) -> &Artifact<'a> {
        &self.artifact
    }

    /// The tokenizer.
    pub fn tokenizer(&self) -> &Tokenizer<'a> {
        &self.tokenizer
    }

    /// How texts are truncated.
    pub fn truncation(&self) -> Truncation {
        self.truncation
    }

    /// The text of a prompt, or of the default one; empty where there is no default.
    ///
    /// # Errors
    ///
    /// If there is no prompt of that name.
    pub fn prompt(&self, name: Option<&str>) -> Result<&str, Error> {
        let signature = self.signature();
        let Some(name) = name.or(signature.default_prompt.as_deref()) else { return Ok("") };
        let found = signature.prompts.iter().find(|(known, _)| known == name);
        found.map(|(_, text)| text.as_str()).ok_or_else(|| {
            let known = signature.prompts.iter().map(|(known, _)| known.clone()).collect();
            Error::Prompt { name: name.to_owned(), known }
        })
    }

    /// Makes a worker, so that the next run finds one.
    ///
    /// # Errors
    ///
    /// If its memory cannot be had.
    pub fn warm(&self) -> Result<(), Error> {
        self.worker().map(drop)
    }

    /// Runs the inputs, as many together as is best, and hands each one's row to `each`, in order. Neither `inputs` nor `each` may run
    /// the same engine: they might wait for the very worker that they hold up. It allocates nothing once
    /// texts as long as these have been run, unless they have more than 64 KiB.
    ///
    /// # Errors
    ///
    /// If an input cannot be tokenized. Those before it may have been handed over.
    pub fn run<'t>(&self, inputs: impl IntoIterator<Item = Input<'t>>, each: impl FnMut(&[f32])) -> Result<(), Error> {
        let mut worker = self.worker()?;
        let outcome = self.run_on(&mut worker, inputs, each);
        worker.shrink();
        outcome
    }

    fn run_on<'t>(
        &self,
        worker: &mut Worker<'a>,
        inputs: impl IntoIterator<Item = Input<'t>>,
        mut each: impl FnMut(&[f32]),
    ) -> Result<(), Error> {
        worker.begin();
        for input in inputs {
            worker.encode(&self.tokenizer, self.truncation, input)?;
            let tokens = worker.ids.len() + worker.encoding.len();
            if worker.starts.len() > self.capacity.texts || (tokens > BATCH_TOKENS && worker.starts.len() > 1) {
                worker.flush(&mut each)?;
            }
            worker.push();
        }
        if worker.starts.len() > 1 {
            worker.flush(&mut each)?;
        }
        Ok(())
    }

    fn worker(&self) -> Result<Lent<'_, Worker<'a>, Options>, Error> {
        self.pool.take(|options| {
            let session = Session::with(&self.artifact, self.capacity, options)?;
            let tokens = || Vec::with_capacity(self.capacity.tokens);
            let (ids, types, starts) = (tokens(), tokens(), Vec::with_capacity(self.capacity.texts + 1));
            Ok(Worker { session, encoding: Encoding::new(), prompted: String::new(), longest: 0, ids, types, starts })
        })
    }
}

/// The most sessions of so many threads.
fn most(threads: Threads) -> usize {
    (cores() / threads.count()).max(1)
}

impl Worker<'_> {
    fn begin(&mut self) {
        self.ids.clear();
        self.types.clear();
        self.starts.clear();
        self.starts.push(0);
    }

    fn encode(&mut self, tokenizer: &Tokenizer<'_>, truncation: Truncation, input: Input<'_>) -> Result<(), Error> {
        let text = if input.prompt.is_empty() {
            input.text
        } else {
            self.prompted.clear();
            self.prompted.push_str(input.prompt);
            self.prompted.push_str(input.text);
            &self.prompted
        };
        self.longest = self.longest.max(text.len()).max(input.pair.map_or(0, str::len));
        Ok(tokenizer.encode_into(text, input.pair, truncation, &mut self.encoding)?)
    }

    /// Gives back the memory that only long texts need.
    fn shrink(&mut self) {
        if std::mem::take(&mut self.longest) > KEPT_TEXT {
            (self.encoding, self.prompted) = (Encoding::new(), String::new());
        }
    }

    /// Adds what was encoded to the batch.
    fn push(&mut self) {
        self.ids.extend(self.encoding.ids());
        self.types.extend(self.encoding.type_ids().iter().map(|&id| u32::from(id)));
        self.starts.push(u32::try_from(self.ids.len()).expect("a batch is within the session's capacity"));
    }

    /// Runs the batch.
    fn flush(&mut self, each: &mut impl FnMut(&[f32])) -> Result<(), Error> {
        let outputs = self.session.signature().outputs as usize;
        let rows = self.session.run(&Batch { ids: &self.ids, types: &self.types, starts: &self.starts })?;
        rows.chunks_exact(outputs).for_each(each);
        self.begin();
        Ok(())
    }
}

impl core::fmt::Debug for Engine<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let options = self.options();
        f.debug_struct("Engine").field("options", &options).field("signature", self.signature()).finish_non_exhaustive()
    }
}
