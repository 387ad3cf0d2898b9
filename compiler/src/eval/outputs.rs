//! The outputs of both engines for a set of texts, each text run once.

use super::{Engine, FAILED, Text};
use crate::diagnostic::Diagnostic;
use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Texts that one call of an engine gets.
const CHUNK: usize = 32;

/// Threads that run chunks.
const THREADS: usize = 2;

pub(super) struct Outputs {
    /// Each text once.
    pub(super) texts: Vec<Text>,
    places: HashMap<Text, usize>,
    /// The reference's outputs, one for each of `texts`.
    pub(super) base: Vec<Vec<f32>>,
    /// The pack's.
    pub(super) got: Vec<Vec<f32>>,
}

impl Outputs {
    pub(super) fn run(
        all: Vec<Text>,
        base: &dyn Engine,
        got: &dyn Engine,
        progress: &(dyn Fn(usize, usize) + Sync),
    ) -> Result<Outputs, Vec<Diagnostic>> {
        let mut places = HashMap::new();
        let mut texts = vec![];
        for text in all {
            places.entry(text.clone()).or_insert_with(|| {
                texts.push(text);
                texts.len() - 1
            });
        }
        let chunks: Vec<&[Text]> = texts.chunks(CHUNK).collect();
        let (next, done) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let results = Mutex::new(vec![None; chunks.len()]);
        let work = || {
            while let Some(chunk) = {
                let at = next.fetch_add(1, Ordering::Relaxed);
                chunks.get(at).map(|it| (at, *it))
            } {
                let (at, chunk) = chunk;
                let result = checked(base, chunk).and_then(|base| Ok((base, checked(got, chunk)?)));
                if result.is_err() {
                    next.store(chunks.len(), Ordering::Relaxed);
                }
                results.lock().expect("no thread panics while it holds it")[at] = Some(result);
                progress(done.fetch_add(chunk.len(), Ordering::Relaxed) + chunk.len(), texts.len());
            }
        };
        std::thread::scope(|scope| {
            for _ in 1..THREADS {
                scope.spawn(work);
            }
            work();
        });
        let (mut base, mut got, mut errors) = (vec![], vec![], vec![]);
        for result in results.into_inner().expect("no thread panicked").into_iter().flatten() {
            match result {
                Ok((of_base, of_got)) => {
                    base.extend(of_base);
                    got.extend(of_got);
                }
                Err(error) => errors.push(error),
            }
        }
        if errors.is_empty() { Ok(Outputs { texts, places, base, got }) } else { Err(errors) }
    }

    /// The place of a text that was run.
    pub(super) fn at(&self, text: &Text) -> usize {
        self.places[text]
    }
}

fn checked(engine: &dyn Engine, chunk: &[Text]) -> Result<Vec<Vec<f32>>, Diagnostic> {
    let outputs = engine.run(chunk)?;
    assert_eq!(outputs.len(), chunk.len(), "an engine gives outputs for each text");
    match outputs.iter().position(|values| !values.iter().all(|value| value.is_finite())) {
        Some(at) => Err(Diagnostic::new(FAILED, "the model gives a value that is no number")
            .at(format!("text {:?}", chunk[at].to_string()))
            .help("check the weights: `cargo modeldeploy inspect FOLDER` names tensors with such values")),
        None => Ok(outputs),
    }
}
