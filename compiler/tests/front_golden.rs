//! The front end against the libraries that wrote the folders: tiny models of every architecture and task under `data/models`, made by
//! `models/make.py`, and all-MiniLM-L6-v2 where it is there.

use modeldeploy::tokenizer::{Encoding, Tables, Tokenizer, Truncation};
use modeldeploy_compiler::front::{self, LoadOptions, Loaded};
use modeldeploy_compiler::ops::Op;
use modeldeploy_compiler::passes;
use modeldeploy_compiler::reference::Reference;
use modeldeploy_format::Task;
use serde::Deserialize;
use std::fs;
use std::path::{Path, PathBuf};

#[derive(Deserialize)]
struct Case {
    text: String,
    #[serde(default)]
    pair: Option<String>,
    ids: Vec<u32>,
    types: Vec<u32>,
    output: Vec<f32>,
}

/// What a network that reads texts is for.
const TASKS: [Task; 3] = [Task::Embed, Task::Score, Task::Classify];

fn data() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data")
}

fn load(folder: &Path, task: Task) -> Loaded {
    front::load(folder, &LoadOptions::new(task)).unwrap_or_else(|errors| {
        let errors: Vec<String> = errors.iter().map(ToString::to_string).collect();
        panic!("{}: {}", folder.display(), errors.join("\n"))
    })
}

/// Runs the graph on the cases' ids: every output must have the library's width, and differ by no more than `most` anywhere.
fn check(loaded: &Loaded, cases: &Path, most: f32) {
    let text = fs::read_to_string(cases).expect("the cases are there");
    let cases: Vec<Case> = serde_json::from_str(&text).expect("the cases are what the recipe writes");
    assert!(!cases.is_empty());
    let reference = Reference::new(&loaded.graph).expect("the graph is well formed");
    let tokenizer = Tokenizer::new(Tables::parse(&loaded.tokenizer).expect("the tables are well formed"));
    let truncation = Truncation { max_len: loaded.signature.max_tokens, ..tokenizer.truncation() };
    let mut encoding = Encoding::new();
    for case in cases {
        tokenizer
            .encode_into(&case.text, case.pair.as_deref(), truncation, &mut encoding)
            .expect("the text can be encoded");
        assert_eq!(encoding.ids(), case.ids, "{}: {}", loaded.architecture, case.text);
        let output = reference.run(&case.ids, &case.types).expect("the graph can be evaluated");
        assert_eq!(output.len(), case.output.len(), "{}: {}", loaded.architecture, case.text);
        assert_eq!(output.len(), loaded.signature.outputs as usize);
        let differences = output.iter().zip(&case.output).map(|(got, expected)| (got - expected).abs());
        let difference = differences.fold(0.0, f32::max);
        assert!(difference <= most, "{}, `{}`: {difference:e}", loaded.architecture, case.text);
        let cosine = cosine(&output, &case.output);
        assert!(cosine >= 0.999_999, "{}, `{}`: cosine {cosine}", loaded.architecture, case.text);
    }
}

fn cosine(a: &[f32], b: &[f32]) -> f64 {
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(&a, &b)| f64::from(a) * f64::from(b)).sum::<f64>();
    dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
}

#[test]
fn every_architecture_and_task_is_what_the_library_computes() {
    for architecture in ["bert", "distilbert", "roberta", "xlm-roberta", "mpnet", "albert"] {
        for task in TASKS {
            let folder = data().join("models").join(format!("{architecture}-{task}"));
            let loaded = load(&folder, task);
            assert_eq!(loaded.architecture, architecture);
            assert_eq!(loaded.signature.task, task);
            assert_eq!(loaded.signature.max_tokens, 24, "{architecture}-{task}");
            check(&loaded, &folder.join("golden.json"), 1e-5);
        }
    }
}

#[test]
fn the_passes_leave_only_operators_that_have_kernels() {
    for architecture in ["bert", "distilbert", "roberta", "xlm-roberta", "mpnet", "albert"] {
        for task in TASKS {
            let folder = data().join("models").join(format!("{architecture}-{task}"));
            let mut loaded = load(&folder, task);
            passes::run(&mut loaded.graph);
            for (_, node) in loaded.graph.nodes() {
                let has_kernel = matches!(
                    node.op,
                    Op::Input(_)
                        | Op::Constant(_)
                        | Op::EmbedSum(_)
                        | Op::LayerNorm(_)
                        | Op::Dense(_)
                        | Op::Attention(_)
                        | Op::RelativeBias(_)
                        | Op::Pool(_)
                        | Op::Normalize(_)
                        | Op::Softmax(_)
                        | Op::Activate(_)
                        | Op::Add(_)
                );
                assert!(has_kernel, "{architecture}-{task}: `{}` is left of {}", node.op.name(), node.name);
            }
            check(&loaded, &folder.join("golden.json"), 1e-5);
        }
    }
}

#[test]
fn sixteen_bit_weights_and_shards_are_what_the_library_computes() {
    for name in ["bert-embed-f16", "bert-embed-bf16", "bert-embed-sharded"] {
        let folder = data().join("models").join(name);
        check(&load(&folder, Task::Embed), &folder.join("golden.json"), 1e-5);
    }
}

#[test]
fn a_signature_says_what_the_files_say() {
    let models = data().join("models");
    let bert = load(&models.join("bert-embed"), Task::Embed);
    assert!(bert.signature.normalized);
    assert_eq!(bert.signature.outputs, 16);
    let prompts = [("document".to_owned(), String::new()), ("query".to_owned(), String::new())];
    assert_eq!(bert.signature.prompts, prompts);
    assert_eq!(bert.space["pooling"], "mean");

    let mpnet = load(&models.join("mpnet-embed"), Task::Embed);
    assert_eq!(mpnet.signature.outputs, 8);
    assert_eq!(mpnet.space["modules"], "dense 12 Tanh, dense 8 Identity, normalize");

    let distilbert = load(&models.join("distilbert-classify"), Task::Classify);
    assert_eq!(distilbert.signature.labels, ["negative", "neutral", "positive"]);
    assert!(!distilbert.signature.normalized);
    assert_eq!(load(&models.join("bert-score"), Task::Score).signature.outputs, 1);
}

#[test]
fn what_is_left_out_is_told() {
    let models = data().join("models");
    let notes = |name: &str, task| load(&models.join(name), task).notes.join("\n");
    let bert = notes("bert-embed-bf16", Task::Embed);
    for name in ["bert.pooler.dense.weight", "cls.predictions.bias"] {
        assert!(bert.contains(name), "{bert}");
    }
    assert!(!bert.contains("position_ids"), "{bert}");
    assert!(notes("albert-embed", Task::Embed).contains("no modules.json"));
    assert!(notes("xlm-roberta-embed", Task::Embed).contains("rows and the tokenizer"));
    assert_eq!(notes("bert-score", Task::Score), "");
}

#[test]
fn every_file_that_was_read_is_listed_with_its_digest() {
    let folder = data().join("models/mpnet-embed");
    let files = load(&folder, Task::Embed).files;
    let paths: Vec<&str> = files.iter().map(|file| file.path.as_str()).collect();
    let expected = [
        "1_Pooling/config.json",
        "2_Dense/config.json",
        "2_Dense/model.safetensors",
        "3_Dense/config.json",
        "3_Dense/model.safetensors",
        "4_Normalize/config.json",
        "config.json",
        "config_sentence_transformers.json",
        "model.safetensors",
        "modules.json",
        "sentence_bert_config.json",
        "tokenizer.json",
        "tokenizer_config.json",
    ];
    assert_eq!(paths, expected);
    for file in files {
        let bytes = fs::read(folder.join(&file.path)).expect("the file is there");
        assert_eq!(
            (file.size, file.digest),
            (bytes.len() as u64, modeldeploy_format::Digest::of(&bytes)),
            "{}",
            file.path
        );
    }
}

#[test]
fn fewer_tokens_may_be_asked_for_and_not_more_than_there_are_positions() {
    let folder = data().join("models/bert-embed");
    let ask = |tokens| front::load(&folder, &LoadOptions { task: Task::Embed, max_tokens: Some(tokens) });
    assert_eq!(ask(32).map(|loaded| loaded.signature.max_tokens).ok(), Some(32));
    for tokens in [0, 33] {
        let errors = ask(tokens).expect_err("too many or none");
        assert!(errors[0].to_string().contains("the model takes 4 to 32"), "{errors:?}");
    }
}

#[test]
fn all_minilm_is_what_sentence_transformers_computes() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/models/all-MiniLM-L6-v2");
    if !folder.is_dir() {
        modeldeploy_house::skipped(&format!("{} is not here", folder.display()));
        return;
    }
    let loaded = load(&folder, Task::Embed);
    assert_eq!(loaded.signature.max_tokens, 256);
    assert_eq!(loaded.signature.outputs, 384);
    assert!(loaded.signature.normalized);
    check(&loaded, &data().join("minilm.json"), 1e-5);
}
