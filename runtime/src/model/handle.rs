//! What `QueryEncoder::get()` gives: the model's methods, by its task.

use super::{ClassifyModel, EmbedModel, Embedding, Error, Input, Model, ScoreModel, SelfTest, locked};
use crate::link::Warm;
use crate::session::Threads;
use core::fmt;
use core::marker::PhantomData;

/// A model at hand. It has no size: the model itself is made once, on first use, and shared by all threads.
pub struct Handle<M>(PhantomData<fn() -> M>);

/// What a classifier says of a text.
#[derive(Clone, Debug, PartialEq)]
pub struct Classification {
    /// The likeliest label.
    pub label: &'static str,
    /// Its probability.
    pub probability: f32,
    /// Every label with its probability, in the model's order.
    pub all: Vec<(&'static str, f32)>,
}

impl<M: Model> Handle<M> {
    /// The handle.
    pub const fn new() -> Handle<M> {
        Handle(PhantomData)
    }

    /// Makes the model ready, so that the first request does not wait for it: the pack is proved and one session made.
    ///
    /// # Errors
    ///
    /// If `MODELDEPLOY_ISA` names an instruction set that is not there, `MODELDEPLOY_THREADS` more threads than there are cores, or there
    /// is no memory for a session; in a debug build, if the store lacks the pack or has it damaged.
    pub fn warm(self) -> Result<(), Error> {
        M::engine()?.warm()
    }

    /// As [`warm`](Handle::warm), and the model's bytes are held in memory as `how` says. It may be called at any time, from any
    /// thread.
    ///
    /// # Errors
    ///
    /// As [`warm`](Handle::warm), and if the system refuses: what it says, and what to do.
    pub fn warm_with(self, how: Warm) -> Result<(), Error> {
        let engine = M::engine()?;
        locked::hold(M::NAME, engine.artifact(), how)?;
        engine.warm()
    }

    /// Lets so many threads work on a text together from now on, whatever `MODELDEPLOY_THREADS` says. It changes no bit. It is for a
    /// process with cores to spare: one text is done sooner, and fewer are done at once.
    ///
    /// # Errors
    ///
    /// If the model cannot be had.
    pub fn set_threads(self, threads: Threads) -> Result<(), Error> {
        M::engine()?.set_threads(threads);
        Ok(())
    }

    /// Proves the pack's digest and runs the golden vectors: they must come back to the bit.
    ///
    /// # Errors
    ///
    /// If the pack is not the locked one, a vector does not come back, or the model cannot be had.
    pub fn self_test(self) -> Result<SelfTest, Error> {
        let engine = M::engine()?;
        locked::prove(M::NAME, M::DIGEST, engine.artifact())?;
        engine.self_test()
    }

    /// The rows of the inputs, one after the other.
    fn rows<'t>(self, inputs: impl IntoIterator<Item = Input<'t>>, each: impl FnMut(&[f32])) -> Result<(), Error> {
        M::engine()?.run(inputs, each)
    }
}

impl<M: EmbedModel> Handle<M> {
    /// The vector of a text, the default prompt before it where the model has one. A text beyond the model's length is
    /// truncated.
    ///
    /// # Errors
    ///
    /// As [`warm`](Handle::warm), and if the text is of 4 GiB.
    pub fn embed(self, text: &str) -> Result<Embedding<M>, Error> {
        self.one(None, text)
    }

    /// The vector of a text with the prompt of that name before it.
    ///
    /// # Errors
    ///
    /// As [`embed`](Handle::embed), and if there is no such prompt.
    pub fn embed_with_prompt(self, prompt: &str, text: &str) -> Result<Embedding<M>, Error> {
        self.one(Some(prompt), text)
    }

    /// The vectors of some texts, each the very one that [`embed`](Handle::embed) gives.
    ///
    /// # Errors
    ///
    /// As [`embed`](Handle::embed).
    pub fn embed_batch(self, texts: &[impl AsRef<str>]) -> Result<Vec<Embedding<M>>, Error> {
        self.many(None, texts)
    }

    /// The vectors of some texts with the prompt of that name before each.
    ///
    /// # Errors
    ///
    /// As [`embed_with_prompt`](Handle::embed_with_prompt).
    pub fn embed_batch_with_prompt(self, prompt: &str, texts: &[impl AsRef<str>]) -> Result<Vec<Embedding<M>>, Error> {
        self.many(Some(prompt), texts)
    }

    fn one(self, prompt: Option<&str>, text: &str) -> Result<Embedding<M>, Error> {
        let mut vectors = self.many(prompt, &[text])?;
        Ok(vectors.pop().expect("a vector for each text"))
    }

    fn many(self, prompt: Option<&str>, texts: &[impl AsRef<str>]) -> Result<Vec<Embedding<M>>, Error> {
        let prompt = M::engine()?.prompt(prompt)?;
        let mut vectors = Vec::with_capacity(texts.len());
        let inputs = texts.iter().map(|text| Input { prompt, text: text.as_ref(), pair: None });
        self.rows(inputs, |row| vectors.push(Embedding::new(row)))?;
        Ok(vectors)
    }
}

impl<M: ScoreModel> Handle<M> {
    /// How relevant a document is to a query; the scale is the model's own.
    ///
    /// # Errors
    ///
    /// In a debug build, if the store lacks the pack; in any, if a text is of 4 GiB.
    pub fn score(self, query: &str, document: &str) -> Result<f32, Error> {
        let mut scores = self.score_batch(query, &[document])?;
        Ok(scores.pop().expect("a score for each document"))
    }

    /// How relevant each document is to a query.
    ///
    /// # Errors
    ///
    /// As [`score`](Handle::score).
    pub fn score_batch(self, query: &str, documents: &[impl AsRef<str>]) -> Result<Vec<f32>, Error> {
        let mut scores = Vec::with_capacity(documents.len());
        let inputs = documents.iter().map(|document| Input { prompt: "", text: query, pair: Some(document.as_ref()) });
        self.rows(inputs, |row| scores.push(row[0]))?;
        Ok(scores)
    }
}

impl<M: ClassifyModel> Handle<M> {
    /// What a text is.
    ///
    /// # Errors
    ///
    /// In a debug build, if the store lacks the pack; in any, if a text is of 4 GiB.
    pub fn classify(self, text: &str) -> Result<Classification, Error> {
        self.one_class(Input { text, ..Input::default() })
    }

    /// What two texts are together, such as a premise and a hypothesis.
    ///
    /// # Errors
    ///
    /// As [`classify`](Handle::classify).
    pub fn classify_pair(self, text: &str, pair: &str) -> Result<Classification, Error> {
        self.one_class(Input { text, pair: Some(pair), ..Input::default() })
    }

    /// What each text is.
    ///
    /// # Errors
    ///
    /// As [`classify`](Handle::classify).
    pub fn classify_batch(self, texts: &[impl AsRef<str>]) -> Result<Vec<Classification>, Error> {
        let mut classes = Vec::with_capacity(texts.len());
        let inputs = texts.iter().map(|text| Input { text: text.as_ref(), ..Input::default() });
        self.rows(inputs, |row| classes.push(classification::<M>(row)))?;
        Ok(classes)
    }

    fn one_class(self, input: Input<'_>) -> Result<Classification, Error> {
        let mut class = None;
        self.rows([input], |row| class = Some(classification::<M>(row)))?;
        Ok(class.expect("a row for each text"))
    }
}

fn classification<M: Model>(row: &[f32]) -> Classification {
    let all: Vec<_> = M::FACTS.labels.iter().copied().zip(row.iter().copied()).collect();
    // Of equal ones the first.
    let best = all.iter().copied().reduce(|best, next| if next.1 > best.1 { next } else { best });
    let (label, probability) = best.expect("a classifier has labels: proved by parse");
    Classification { label, probability, all }
}

impl<M> Clone for Handle<M> {
    fn clone(&self) -> Handle<M> {
        *self
    }
}

impl<M> Copy for Handle<M> {}

impl<M: Model> Default for Handle<M> {
    fn default() -> Handle<M> {
        Handle::new()
    }
}

impl<M: Model> fmt::Debug for Handle<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Handle({} {}, {})", M::NAME, M::VERSION, M::DIGEST)
    }
}
