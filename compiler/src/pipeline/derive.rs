//! One model, from its folder to its pack: what `lock` does before the gate, and `build` on a machine without the store's files.

use super::engines::{PackEngine, Reader, ReferenceEngine};
use super::{Event, Progress, golden};
use crate::compress::{Recipe, Sample, Stage, calibration_texts, compress};
use crate::compressed::{self, CompressedModel};
use crate::diagnostic::Diagnostic;
use crate::emit::pack;
use crate::eval::Text;
use crate::front::{LoadOptions, Loaded, load};
use crate::graph::Graph;
use crate::manifest::{Manifest, ModelEntry};
use crate::passes;
use crate::records::TextFile;
use crate::suite::Suite;
use modeldeploy_format::pack::Aligned;
use modeldeploy_format::{Digest, Signature, Task, golden as golden_file};
use std::collections::BTreeMap;
use std::path::Path;

/// Texts to calibrate with where a suite has documents.
const SAMPLES: usize = 96;

/// The most of them that are documents of the suite.
const DOCUMENTS: usize = 64;

/// Which calibration, compression and golden vectors made a lock. It grows with every change to them that gives other bytes for the
/// same files, so that older locks are stale and not merely impossible to build.
pub(super) const REVISION: &str = "2";

/// The setting of the recipe that has it.
pub(super) const REVISION_KEY: &str = "revision";

/// A model with all that is made of it.
pub struct Derived {
    /// What the front end read; its graph has been through the passes.
    pub loaded: Loaded,
    /// The settings of its recipe, as the lock has them.
    pub recipe: BTreeMap<String, String>,
    /// The compressed graph.
    pub compressed_graph: Graph,
    /// The compressed model's file.
    pub compressed: Vec<u8>,
    /// The golden vectors' file.
    pub golden: Vec<u8>,
    /// The pack.
    pub pack: Aligned,
    /// What its vectors mean.
    pub space: Digest,
    /// The samples that it was calibrated with.
    pub samples: Vec<Sample>,
    /// The suite of its gate, if it has one.
    pub suite: Option<Suite>,
}

/// Makes a model's compressed file, golden vectors and pack from its folder.
///
/// # Errors
///
/// Everything that is wrong with its folder, its suite, its calibration or its recipe.
pub fn derive(manifest: &Manifest, entry: &ModelEntry, progress: Progress<'_>) -> Result<Derived, Vec<Diagnostic>> {
    let suite = entry.gate.as_ref().map(|gate| Suite::read(&manifest.resolve(&gate.suite))).transpose()?;
    progress(Event::Stage("Loading", 0, 0));
    let options = LoadOptions { max_tokens: entry.max_tokens, ..LoadOptions::new(entry.task) };
    let mut loaded = load(&manifest.resolve(&entry.source), &options)?;
    loaded.notes.iter().for_each(|note| progress(Event::Note(note)));
    passes::run(&mut loaded.graph);

    let (settings, recipe) = recipe(manifest, entry)?;
    let texts = calibration(manifest, entry, suite.as_ref())?;
    let max_tokens = loaded.signature.max_tokens;
    let reader = Reader::new(&loaded.tokenizer, max_tokens).map_err(one)?;
    let samples: Vec<Sample> = texts.iter().map(|text| reader.read(text)).collect::<Result<_, _>>().map_err(one)?;
    let graph = compress(&loaded.graph, &recipe, &samples, &mut |step| {
        let stage = match step.stage {
            Stage::Calibrate => "Calibrating",
            Stage::Smooth => "Smoothing",
            Stage::Quantize => "Quantizing",
        };
        progress(Event::Stage(stage, step.done, step.total));
    })?;
    let space = space(&loaded, &graph);
    let model =
        CompressedModel { graph, signature: loaded.signature.clone(), tokenizer: loaded.tokenizer.clone(), space };
    let compressed = compressed::write(&model);

    progress(Event::Stage("Packing", 0, 0));
    let bare = pack(&model, vec![])?;
    let exact = CompressedModel { graph: loaded.graph.clone(), ..model.clone() };
    let exact = pack(&exact, vec![])?;
    let candle = ReferenceEngine::new(&loaded.graph, &loaded.tokenizer, max_tokens)?;
    let texts = golden::texts(suite.as_ref(), &loaded.signature);
    let goldens =
        golden::make(&texts, &candle, &PackEngine::new(&exact).map_err(one)?, &PackEngine::new(&bare).map_err(one)?)
            .map_err(one)?;
    let golden = golden_file::encode(&goldens);
    let pack = pack(&model, goldens)?;
    Ok(Derived {
        recipe: settings,
        compressed_graph: model.graph,
        compressed,
        golden,
        pack,
        space,
        samples,
        suite,
        loaded,
    })
}

fn one(error: Diagnostic) -> Vec<Diagnostic> {
    vec![error]
}

/// The recipe and its settings, with the calibration file's digest among them.
pub(super) fn recipe(
    manifest: &Manifest,
    entry: &ModelEntry,
) -> Result<(BTreeMap<String, String>, Recipe), Vec<Diagnostic>> {
    let settings: BTreeMap<String, String> = entry
        .quantize
        .iter()
        .map(|(part, precision)| match part.as_str() {
            "default" => ("quantize".to_owned(), precision.clone()),
            part => (format!("quantize.{part}"), precision.clone()),
        })
        .collect();
    let recipe = Recipe::read(&settings, &entry.place)?;
    let mut settings = recipe.settings();
    settings.insert("modeldeploy".into(), env!("CARGO_PKG_VERSION").into());
    settings.insert(REVISION_KEY.into(), REVISION.into());
    if let Some(path) = &entry.calibration {
        let file = TextFile::read(&manifest.resolve(path), &entry.place).map_err(one)?;
        settings.insert("calibration".into(), file.digest.to_string());
    }
    Ok((settings, recipe))
}

/// The texts to calibrate with: the user's file, or some documents of the suite and texts of our own. Never the suite's queries or
/// examples: what the gate measures must not be what the model was fitted to.
fn calibration(manifest: &Manifest, entry: &ModelEntry, suite: Option<&Suite>) -> Result<Vec<Text>, Vec<Diagnostic>> {
    let alone = |text: &str| Text { text: text.to_owned(), pair: None };
    if let Some(path) = &entry.calibration {
        let file = TextFile::read(&manifest.resolve(path), &entry.place).map_err(one)?;
        let pair = |line: &str| match line.split_once('\t') {
            Some((text, pair)) => Text { text: text.to_owned(), pair: Some(pair.to_owned()) },
            None => alone(line),
        };
        return Ok(file.lines().map(|(_, line)| pair(line)).collect());
    }
    let documents = suite.map_or(vec![], |suite| suite.documents(DOCUMENTS));
    Ok(fitting_texts(&documents, entry.task == Task::Score))
}

/// Documents, then an even selection of our own texts. As pairs, one of our own texts asks for each document or for its neighbour.
fn fitting_texts(documents: &[&str], pairs: bool) -> Vec<Text> {
    let own: Vec<&str> = calibration_texts().collect();
    let wanted = if documents.is_empty() { own.len() } else { SAMPLES.saturating_sub(documents.len()).min(own.len()) };
    let own: Vec<&str> = (0..wanted).map(|at| own[at * own.len() / wanted]).collect();
    let texts = [documents, &own].concat().into_iter();
    if !pairs {
        return texts.map(|text| Text { text: text.to_owned(), pair: None }).collect();
    }
    let asked = own.iter().cycle().skip(1);
    let pair = |(text, asked): (&str, &&str)| Text { text: (*asked).to_owned(), pair: Some(text.to_owned()) };
    texts.zip(asked).map(pair).collect()
}

/// The digest of all that decides what a model's vectors mean: weights, quantization, pooling, tokenizer, prompts; not how long
/// its texts may be, so that queries and documents may be cut at different lengths.
fn space(loaded: &Loaded, graph: &Graph) -> Digest {
    let signature = Signature { max_tokens: 1, ..loaded.signature.clone() };
    let (tokenizer, space) = (loaded.tokenizer.clone(), Digest::from_bytes([0; 32]));
    let model = compressed::write(&CompressedModel { graph: graph.clone(), signature, tokenizer, space });
    let facts = loaded.space.iter().map(|(name, fact)| format!("{name}={fact}\n")).collect::<String>();
    Digest::of(format!("space 1\n{facts}{}", Digest::of(&model)).as_bytes())
}

/// The length and digest of a file, or `None` if it cannot be read.
pub(super) fn facts(path: &Path) -> Option<(u64, Digest)> {
    let bytes = std::fs::read(path).ok()?;
    Some((bytes.len() as u64, Digest::of(&bytes)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn documents_are_topped_up_with_our_own_texts() {
        let documents: Vec<String> = (0..64).map(|at| format!("document {at}")).collect();
        let documents: Vec<&str> = documents.iter().map(String::as_str).collect();
        let texts = fitting_texts(&documents, false);
        let distinct: BTreeSet<String> = texts.iter().map(|text| text.text.clone()).collect();
        assert_eq!((texts.len(), distinct.len()), (96, 96));
        assert!(texts[..64].iter().zip(&documents).all(|(text, document)| text.text == *document));
        assert_eq!(fitting_texts(&[], false).len(), calibration_texts().len());
    }

    #[test]
    fn a_model_of_pairs_is_shown_pairs_of_different_texts() {
        for documents in [&["a pan", "a pot"][..], &[]] {
            let texts = fitting_texts(documents, true);
            assert!(texts.iter().all(|text| text.pair.as_ref().is_some_and(|pair| *pair != text.text)));
        }
        assert_eq!(fitting_texts(&["a pan"], true)[0].pair.as_deref(), Some("a pan"));
    }
}
