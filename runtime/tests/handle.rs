//! What handles answer, by task, from models that one can work out by hand: their outputs are means over the tokens, which are
//! 0, the bytes of the text, and 1; after a pair 1 stands again, and what follows the first 1 is of type 1.

#[path = "packs/mod.rs"]
mod packs;

use modeldeploy::format::Task;
use modeldeploy::model::{
    AnyModel, Classification, ClassifyModel, Compiled, EmbedModel, Engine, Facts, Handle, Model, ScoreModel, Space,
};
use modeldeploy::session::Threads;
use modeldeploy::{Embedding, Error};
use packs::{means, token_of};
use std::sync::OnceLock;

struct Encoder;
struct Ranker;
struct Mood;

const FACTS: Facts = Facts {
    task: Task::Embed,
    max_tokens: 16,
    outputs: 2,
    normalized: false,
    labels: &[],
    prompts: &["document", "query"],
    gate: None,
};

macro_rules! model {
    ($model:ident: $trait:ident, $facts:expr) => {
        impl Model for $model {
            type Space = Space<1, 2>;
            const NAME: &'static str = stringify!($model);
            const VERSION: &'static str = "1.0.0";
            const DIGEST: &'static str = "sha256:00";
            const SPACE: &'static str = "sha256:00";
            const FACTS: Facts = $facts;

            fn engine() -> Result<&'static Engine<'static>, Error> {
                static ENGINE: OnceLock<Engine<'static>> = OnceLock::new();
                Ok(ENGINE.get_or_init(|| {
                    let pack = Box::leak(Box::new(means::build(Self::FACTS.task)));
                    Engine::new(Self::NAME, pack).expect("an engine")
                }))
            }
        }
        impl AnyModel for $model {
            const COMPILED: Compiled = Compiled::texts::<$model>();
        }
        impl $trait for $model {}
    };
}

model!(Encoder: EmbedModel, FACTS);
model!(Ranker: ScoreModel, Facts { task: Task::Score, outputs: 1, prompts: &[], ..FACTS });
model!(Mood: ClassifyModel, Facts { task: Task::Classify, outputs: 3, labels: &means::LABELS, prompts: &[], ..FACTS });

/// The sum of the ids of a text's bytes.
fn sum(text: &str) -> f64 {
    text.bytes().map(|byte| f64::from(token_of(byte))).sum()
}

/// The mean id of a text between 0 and 1.
fn mean(text: &str) -> f64 {
    (sum(text) + 1.0) / (text.len() + 2) as f64
}

#[track_caller]
fn near(got: f32, expected: f64) {
    assert!((f64::from(got) - expected).abs() <= 1e-5 * expected.abs().max(1.0), "{got} is not {expected}");
}

#[track_caller]
fn is_mean_of(vector: &Embedding<Encoder>, text: &str) {
    near(vector.as_slice()[0], mean(text));
    near(vector.as_slice()[1], 1.0);
}

#[test]
fn threads_are_asked_for_by_the_handle_and_change_no_bit() {
    let handle: Handle<Encoder> = Handle::new();
    let alone = handle.embed("abc").expect("a vector");
    for count in [2, 1] {
        handle.set_threads(Threads::for_test(count)).expect("an engine");
        assert_eq!(handle.embed("abc").expect("a vector"), alone);
        assert_eq!(Encoder::engine().expect("an engine").options().threads.count(), count);
    }
}

#[test]
fn a_prompt_stands_before_each_text_and_the_default_one_where_none_is_named() {
    let handle: Handle<Encoder> = Handle::new();
    is_mean_of(&handle.embed("abc").expect("a vector"), "d: abc");
    is_mean_of(&handle.embed_with_prompt("query", "abc").expect("a vector"), "q: abc");
    is_mean_of(&handle.embed("").expect("a vector"), "d: ");
    let texts = ["abc".to_owned(), String::new(), "手".to_owned()];
    let vectors = handle.embed_batch_with_prompt("query", &texts).expect("vectors");
    assert_eq!(vectors.len(), texts.len());
    for (vector, text) in vectors.iter().zip(&texts) {
        is_mean_of(vector, &format!("q: {text}"));
    }
    let unknown = [
        handle.embed_with_prompt("passage", "abc").expect_err("no such prompt"),
        handle.embed_batch_with_prompt("passage", &["abc"]).expect_err("no such prompt"),
    ];
    for error in unknown {
        assert_eq!(error.to_string(), "no prompt `passage`; there is `document`, `query`");
    }
}

#[test]
fn a_batch_of_vectors_is_in_order_however_many_there_are() {
    let handle: Handle<Encoder> = Handle::new();
    let texts: Vec<String> = (0..300).map(|i| "abcdefghij"[..i % 8].to_owned() + &i.to_string()).collect();
    let vectors = handle.embed_batch(&texts).expect("vectors");
    assert_eq!(vectors.len(), texts.len());
    for (vector, text) in vectors.iter().zip(&texts) {
        is_mean_of(vector, &format!("d: {text}"));
    }
    assert!(handle.embed_batch(&[""; 0]).expect("none").is_empty());
}

/// The score by hand: the second text and the 1 behind it are of type 1.
fn score(query: &str, document: &str) -> f64 {
    let tokens = (query.len() + document.len() + 3) as f64;
    (sum(query) + sum(document) + 2.0 + 100.0 * (document.len() + 1) as f64) / tokens
}

#[test]
fn a_score_is_of_the_query_and_the_document_in_that_order() {
    let handle: Handle<Ranker> = Handle::new();
    for (query, document) in [("ab", "cde"), ("cde", "ab"), ("", "x"), ("x", ""), ("手", "机")] {
        near(handle.score(query, document).expect("a score"), score(query, document));
    }
    let documents: Vec<String> = (0..150).map(|i| i.to_string()).collect();
    let scores = handle.score_batch("abc", &documents).expect("scores");
    assert_eq!(scores.len(), documents.len());
    for (got, document) in scores.iter().zip(&documents) {
        near(*got, score("abc", document));
    }
    assert!(handle.score_batch("abc", &[""; 0]).expect("none").is_empty());
}

/// The classification of these logits by the textbook.
#[track_caller]
fn is_class_of(got: &Classification, label: &str, logits: [f64; 3]) {
    let total: f64 = logits.iter().map(|logit| logit.exp()).sum();
    assert_eq!(got.label, label, "{got:?}");
    assert_eq!(got.all.len(), 3);
    for ((name, probability), (expected, logit)) in got.all.iter().zip(means::LABELS.iter().zip(logits)) {
        assert_eq!(name, expected);
        near(*probability, logit.exp() / total);
        if *name == label {
            assert_eq!(got.probability, *probability);
        }
    }
}

#[test]
fn a_class_is_the_likeliest_label_and_of_equal_ones_the_first() {
    let handle: Handle<Mood> = Handle::new();
    let class = |text: &str| handle.classify(text).expect("a class");
    is_class_of(&class("ab"), "high", [mean("ab"), 5.0, 0.0]);
    is_class_of(&class(""), "five", [0.5, 5.0, 0.0]);
    // 0, 12, 7, 1: their mean is 5 too.
    assert_eq!(["b", "h"].map(sum), [12.0, 7.0]);
    is_class_of(&class("bh"), "high", [5.0, 5.0, 0.0]);

    let texts = ["", "ab", "bh", "ccc"];
    let classes = handle.classify_batch(&texts).expect("classes");
    assert_eq!(classes, texts.map(class));
    is_class_of(&classes[3], "five", [mean("ccc"), 5.0, 0.0]);
    assert!(handle.classify_batch(&[""; 0]).expect("none").is_empty());
}

#[test]
fn the_class_of_a_pair_knows_its_second_text() {
    let handle: Handle<Mood> = Handle::new();
    // 0, "c" (2), 1, then six of type 1: "ccccc" and 1.
    let class = handle.classify_pair("c", "ccccc").expect("a class");
    is_class_of(&class, "pair", [(6.0 * 2.0 + 2.0) / 9.0, 5.0, 10.0 * 6.0 / 9.0]);
    let turned = handle.classify_pair("ccccc", "c").expect("a class");
    is_class_of(&turned, "five", [(6.0 * 2.0 + 2.0) / 9.0, 5.0, 10.0 * 2.0 / 9.0]);
}
