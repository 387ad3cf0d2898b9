//! One model, from its folder to its pack: what `lock` does before the gate, and `build` on a machine without the store's files.

use super::engines::{PackEngine, Reader, ReferenceEngine};
use super::{Event, Judge, Progress, golden};
use crate::compress::{Recipe, Sample, Stage, calibration_texts, compress, quantize_settings};
use crate::compressed::{self, CompressedModel};
use crate::diagnostic::Diagnostic;
use crate::emit::pack;
use crate::eval::{self, Text};
use crate::front::{LoadOptions, Loaded, SourceFile, load};
use crate::graph::Graph;
use crate::manifest::{Manifest, ModelEntry};
use crate::passes;
use crate::records::TextFile;
use crate::suite::Suite;
use modeldeploy_format::lock::LockedFile;
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
pub(super) const REVISION: &str = "10";

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
    derive_judged(manifest, entry, &|_, _, _| Ok(()), progress)
}

/// The same, of a model that is judged once its files are known.
pub(super) fn derive_judged(
    manifest: &Manifest,
    entry: &ModelEntry,
    judge: Judge<'_>,
    progress: Progress<'_>,
) -> Result<Derived, Vec<Diagnostic>> {
    let suite = entry.gate.as_ref().map(|gate| Suite::read(&manifest.resolve(&gate.suite))).transpose()?;
    progress(Event::Stage("Loading", 0, 0));
    let options = LoadOptions { max_tokens: entry.max_tokens, ..LoadOptions::new(entry.task) };
    let mut loaded = load(&manifest.folder(entry).map_err(one)?, &options)?;
    judge(manifest, entry, &locked_files(&loaded.files))?;
    loaded.notes.iter().for_each(|note| progress(Event::Note(note)));
    passes::run(&mut loaded.graph);

    let (settings, recipe) = recipe(manifest, entry)?;
    let texts = calibration(manifest, entry, suite.as_ref(), &loaded.signature)?;
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
    let texts = golden::texts(&loaded.signature);
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

/// The files that were read, as a lock has them.
pub(super) fn locked_files(files: &[SourceFile]) -> Vec<LockedFile> {
    files.iter().map(|file| LockedFile { path: file.path.clone(), size: file.size, digest: file.digest }).collect()
}

fn one(error: Diagnostic) -> Vec<Diagnostic> {
    vec![error]
}

/// The recipe and its settings, with the calibration file's digest among them.
pub(super) fn recipe(
    manifest: &Manifest,
    entry: &ModelEntry,
) -> Result<(BTreeMap<String, String>, Recipe), Vec<Diagnostic>> {
    let recipe = Recipe::read(&quantize_settings(&entry.quantize), &entry.place)?;
    let mut settings = recipe.settings();
    settings.insert("modeldeploy".into(), env!("CARGO_PKG_VERSION").into());
    settings.insert(REVISION_KEY.into(), REVISION.into());
    if let Some(path) = &entry.calibration {
        let file = TextFile::read(&manifest.resolve(path), &entry.place).map_err(one)?;
        settings.insert("calibration".into(), file.digest.to_string());
    }
    Ok((settings, recipe))
}

/// The texts to calibrate with: the user's file, or some documents of the suite and texts of our own, with the prompts that the suite
/// and a service put before them. Never the suite's queries or examples: what the gate measures must not be what the model was
/// fitted to. The lines of the user's file are taken as they stand.
fn calibration(
    manifest: &Manifest,
    entry: &ModelEntry,
    suite: Option<&Suite>,
    signature: &Signature,
) -> Result<Vec<Text>, Vec<Diagnostic>> {
    let alone = |text: &str| Text { text: text.to_owned(), pair: None };
    if let Some(path) = &entry.calibration {
        let file = TextFile::read(&manifest.resolve(path), &entry.place).map_err(one)?;
        let pair = |line: &str| match line.split_once('\t') {
            Some((text, pair)) => Text { text: text.to_owned(), pair: Some(pair.to_owned()) },
            None => alone(line),
        };
        return Ok(file.lines().map(|(_, line)| pair(line)).collect());
    }
    usual_calibration(suite, signature)
}

fn usual_calibration(suite: Option<&Suite>, signature: &Signature) -> Result<Vec<Text>, Vec<Diagnostic>> {
    let documents = suite.map_or(vec![], |suite| suite.documents(DOCUMENTS));
    if signature.task != Task::Embed {
        return Ok(fitting_texts(&documents, ["", ""], signature.task == Task::Score));
    }
    let before_document = match suite {
        Some(suite) => eval::document_prompt(suite, signature)?,
        None => "",
    };
    Ok(fitting_texts(&documents, [before_document, eval::default_prompt(signature)], false))
}

/// Documents, then an even selection of our own texts, each with its prompt. As pairs, one of our own texts asks for each document or
/// for its neighbour.
fn fitting_texts(documents: &[&str], [before_document, before_own]: [&str; 2], pairs: bool) -> Vec<Text> {
    let own: Vec<&str> = calibration_texts().collect();
    let wanted = if documents.is_empty() { own.len() } else { SAMPLES.saturating_sub(documents.len()).min(own.len()) };
    let own: Vec<&str> = (0..wanted).map(|at| own[at * own.len() / wanted]).collect();
    let documents = documents.iter().map(|text| format!("{before_document}{text}"));
    let texts = documents.chain(own.iter().map(|text| format!("{before_own}{text}")));
    if !pairs {
        return texts.map(|text| Text { text, pair: None }).collect();
    }
    let asked = own.iter().cycle().skip(1);
    let pair = |(text, asked): (String, &&str)| Text { text: (*asked).to_owned(), pair: Some(text) };
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

/// Whether something of that name is there, readable or not.
pub(super) fn is_there(path: &Path) -> bool {
    std::fs::symlink_metadata(path).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::write_atomically;
    use std::collections::BTreeSet;

    #[test]
    fn documents_are_topped_up_with_our_own_texts() {
        let documents: Vec<String> = (0..64).map(|at| format!("document {at}")).collect();
        let documents: Vec<&str> = documents.iter().map(String::as_str).collect();
        let texts = fitting_texts(&documents, ["", ""], false);
        let distinct: BTreeSet<String> = texts.iter().map(|text| text.text.clone()).collect();
        assert_eq!((texts.len(), distinct.len()), (96, 96));
        assert!(texts[..64].iter().zip(&documents).all(|(text, document)| text.text == *document));
        assert_eq!(fitting_texts(&[], ["", ""], false).len(), calibration_texts().len());
    }

    #[test]
    fn texts_have_the_prompts_that_the_suite_and_a_service_put_before_them() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let suite = |prompt: &str| {
            let text = format!(
                "[corpus]\nfile = \"docs.jsonl\"\ntext = \"{{title}}\"\n{prompt}[judgments]\nfile = \"judged.tsv\"\n"
            );
            for (name, text) in [
                ("suite.toml", text.as_str()),
                ("docs.jsonl", "{\"id\": \"1\", \"title\": \"a pan\"}\n"),
                ("judged.tsv", "pans\t1\t1\n"),
            ] {
                write_atomically(&folder.path().join(name), text.as_bytes()).expect("a file");
            }
            Suite::read(&folder.path().join("suite.toml")).expect("a suite")
        };
        let prompts = [("passage", "passage: "), ("query", "query: ")];
        let signature = |task| Signature {
            task,
            max_tokens: 8,
            outputs: 2,
            normalized: false,
            labels: vec![],
            prompts: prompts.map(|(name, text)| (name.to_owned(), text.to_owned())).into(),
            default_prompt: Some("query".into()),
            features: vec![],
        };
        for (task, prompt, document, own) in [
            (Task::Embed, "prompt = \"passage\"\n", "passage: a pan", "query: "),
            (Task::Embed, "", "query: a pan", "query: "),
            (Task::Classify, "", "a pan", ""),
        ] {
            let texts = usual_calibration(Some(&suite(prompt)), &signature(task)).expect("texts");
            assert_eq!(texts[0].text, document);
            let ours: BTreeSet<String> = calibration_texts().map(|text| format!("{own}{text}")).collect();
            assert!(texts.len() > 1 && texts[1..].iter().all(|text| ours.contains(&text.text)), "{texts:?}");
        }
        let error = usual_calibration(Some(&suite("prompt = \"title\"\n")), &signature(Task::Embed));
        assert!(error.expect_err("no such prompt")[0].to_string().contains("no prompt `title`"));
    }

    #[test]
    fn a_model_of_pairs_is_shown_pairs_of_different_texts() {
        for documents in [&["a pan", "a pot"][..], &[]] {
            let texts = fitting_texts(documents, ["", ""], true);
            assert!(texts.iter().all(|text| text.pair.as_ref().is_some_and(|pair| *pair != text.text)));
        }
        assert_eq!(fitting_texts(&["a pan"], ["", ""], true)[0].pair.as_deref(), Some("a pan"));
    }
}
