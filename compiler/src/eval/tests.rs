//! Suites on engines whose outputs are known by hand.

use super::*;
use crate::suite::{Document, Query, Rank, Search};
use modeldeploy_format::Digest;
use std::collections::HashMap;
use std::sync::Mutex;

/// Outputs by text; remembers what it was asked.
struct Table {
    outputs: HashMap<String, Vec<f32>>,
    asked: Mutex<Vec<String>>,
}

impl Table {
    fn new(outputs: &[(&str, &[f32])]) -> Table {
        let outputs = outputs.iter().map(|(text, values)| ((*text).to_owned(), values.to_vec())).collect();
        Table { outputs, asked: Mutex::default() }
    }
}

impl Engine for Table {
    fn run(&self, texts: &[Text]) -> Result<Vec<Vec<f32>>, Diagnostic> {
        let shown = texts.iter().map(ToString::to_string);
        self.asked.lock().expect("asked").extend(shown.clone());
        shown
            .map(|text| {
                let unknown = || Diagnostic::new(FAILED, format!("`{text}` is not in the table"));
                self.outputs.get(&text).cloned().ok_or_else(unknown)
            })
            .collect()
    }
}

fn signature(task: Task, outputs: u32) -> Signature {
    let labels = if task == Task::Classify { vec!["bad".into(), "good".into()] } else { vec![] };
    Signature {
        task,
        max_tokens: 8,
        outputs,
        normalized: false,
        labels,
        prompts: vec![],
        default_prompt: None,
        features: vec![],
    }
}

fn suite(metrics: &[&str], rank: Rank) -> Suite {
    let document = |id: &str| Document { id: id.into(), text: id.into() };
    let search = Search {
        rank,
        relevant: 1.0,
        documents: ["a", "b", "c", "never"].map(document).to_vec(),
        document_prompt: None,
        queries: vec![
            Query { text: "q".into(), judged: vec![(0, 0.0), (1, 2.0), (2, 1.0)] },
            Query { text: "r".into(), judged: vec![(0, 0.0)] },
        ],
        query_prompt: None,
        judgments: "judged.tsv".into(),
    };
    let metrics = metrics.iter().map(|name| Metric::parse(name).expect("a metric")).collect();
    Suite { shown: "suite.toml".into(), digest: Digest::of(b""), metrics, kind: Kind::Search(search) }
}

fn close(got: f64, expected: f64) {
    assert!((got - expected).abs() < 1e-9, "{got}, by hand {expected}");
}

#[test]
fn judged_documents_are_ranked_by_cosine() {
    // By the reference b, c, a; by the pack b, a, c.
    let base = Table::new(&[("q", &[1., 0.]), ("r", &[0., 1.]), ("a", &[0., 1.]), ("b", &[2., 0.]), ("c", &[3., 4.])]);
    let got = Table::new(&[("q", &[1., 0.]), ("r", &[0., 1.]), ("a", &[1., 1.]), ("b", &[2., 0.]), ("c", &[3., 4.])]);
    let suite = suite(&["ndcg@10", "mrr", "recall@2", "cosine"], Rank::Judged);
    let result = run(&suite, &signature(Task::Embed, 2), &base, &got, &|_, _| {}).expect("an evaluation");
    // (3/log2 2 + 1/log2 4) against (3/log2 2 + 1/log2 3).
    let expected = (3.0 + 0.5) / (3.0 + 1.0 / 3f64.log2());
    close(result.figures[0].base, 1.0);
    close(result.figures[0].got, expected);
    close(result.figures[0].ratio(), expected);
    assert_eq!((result.figures[1].base, result.figures[1].got), (1.0, 1.0));
    assert_eq!((result.figures[2].base, result.figures[2].got), (1.0, 0.5));
    let agreement = result.agreement.expect("vectors");
    close(agreement.min, 0.5f64.sqrt());
    close(agreement.mean, (4.0 + 0.5f64.sqrt()) / 5.0);
    assert_eq!(agreement.worst[0].0, "a");
    close(result.figures[3].got, agreement.mean);
    assert_eq!((result.texts, result.measured, result.without_relevant), (5, 1, 1));
    close(result.largest_difference, 1.0);
    let mut asked = base.asked.into_inner().expect("asked");
    asked.sort();
    assert_eq!(asked, ["a", "b", "c", "q", "r"], "each text once, and none that no query needs");
}

#[test]
fn a_whole_corpus_is_ranked_with_what_was_never_judged() {
    let table = [
        ("q", &[1., 0.][..]),
        ("r", &[0., 1.]),
        ("a", &[0., 1.]),
        ("b", &[1., 0.5]),
        ("c", &[0.5, 1.]),
        ("never", &[1., 0.]),
    ];
    let suite = suite(&["mrr", "recall@1"], Rank::Corpus);
    let (base, got) = (Table::new(&table), Table::new(&table));
    let result = run(&suite, &signature(Task::Embed, 2), &base, &got, &|_, _| {}).expect("an evaluation");
    assert_eq!((result.figures[0].got, result.figures[1].got), (0.5, 0.0));
    assert_eq!(result.agreement.expect("vectors").min, 1.0);
}

#[test]
fn a_cross_encoder_ranks_pairs() {
    let base = Table::new(&[("q | a", &[0.1]), ("q | b", &[0.9]), ("q | c", &[0.5]), ("r | a", &[0.0])]);
    let got = Table::new(&[("q | a", &[0.9]), ("q | b", &[0.5]), ("q | c", &[0.1]), ("r | a", &[0.0])]);
    let evaluate = |rank| run(&suite(&["mrr"], rank), &signature(Task::Score, 1), &base, &got, &|_, _| {});
    let result = evaluate(Rank::Judged).expect("an evaluation");
    assert_eq!((result.figures[0].base, result.figures[0].got), (1.0, 0.5));
    assert_eq!(result.agreement, None);
    let error = evaluate(Rank::Corpus).expect_err("too much").remove(0).to_string();
    assert!(error.contains("MD0612") && error.contains("rank = \"judged\""), "{error}");
}

#[test]
fn prompts_stand_before_the_texts() {
    let mut suite = suite(&["mrr"], Rank::Judged);
    let Kind::Search(search) = &mut suite.kind else { panic!("a search suite") };
    search.query_prompt = Some("query".into());
    let mut signature = signature(Task::Embed, 1);
    signature.prompts = vec![("query".into(), "Q: ".into()), ("passage".into(), "P: ".into())];
    signature.default_prompt = Some("passage".into());
    let table = [("Q: q", &[1.][..]), ("Q: r", &[1.]), ("P: a", &[1.]), ("P: b", &[1.]), ("P: c", &[1.])];
    let engine = || Table::new(&table);
    run(&suite, &signature, &engine(), &engine(), &|_, _| {}).expect("an evaluation");
    signature.prompts.remove(0);
    let error = run(&suite, &signature, &engine(), &engine(), &|_, _| {}).expect_err("no prompt").remove(0).to_string();
    assert!(error.contains("no prompt `query`") && error.contains("it has `passage`"), "{error}");
}

#[test]
fn accuracy_counts_the_likeliest_labels() {
    let example = |text: &str, label: &str| Example { text: text.into(), pair: None, label: label.into() };
    let examples = vec![example("x", "good"), example("y", "bad"), example("z", "good"), example("w", "good")];
    let base = Table::new(&[("x", &[0., 1.]), ("y", &[1., 0.]), ("z", &[0., 1.]), ("w", &[1., 0.])]);
    let got = Table::new(&[("x", &[1., 0.]), ("y", &[1., 0.]), ("z", &[0., 1.]), ("w", &[1., 0.])]);
    let metrics = vec![Metric::Accuracy];
    let mut suite =
        Suite { shown: "s".into(), digest: Digest::of(b""), metrics, kind: Kind::Classify(examples.clone()) };
    let signature = signature(Task::Classify, 2);
    let result = run(&suite, &signature, &base, &got, &|_, _| {}).expect("an evaluation");
    assert_eq!((result.figures[0].base, result.figures[0].got), (0.75, 0.5));
    suite.kind = Kind::Classify(vec![example("x", "ugly")]);
    let error = run(&suite, &signature, &base, &got, &|_, _| {}).expect_err("no label").remove(0).to_string();
    assert!(error.contains("no label `ugly`") && error.contains("bad, good"), "{error}");
}

#[test]
fn a_value_that_is_no_number_names_its_text() {
    let good = [("q", &[1.][..]), ("r", &[1.]), ("a", &[1.]), ("b", &[1.]), ("c", &[1.])];
    let mut bad = good;
    bad[3] = ("b", &[f32::NAN]);
    let suite = suite(&["mrr"], Rank::Judged);
    let error = run(&suite, &signature(Task::Embed, 1), &Table::new(&good), &Table::new(&bad), &|_, _| {});
    let error = error.expect_err("NaN").remove(0).to_string();
    assert!(error.contains("MD0611") && error.contains("text \"b\""), "{error}");
}

#[test]
fn a_suite_of_another_kind_is_refused() {
    let engine = Table::new(&[]);
    let result = run(&suite(&["mrr"], Rank::Judged), &signature(Task::Classify, 2), &engine, &engine, &|_, _| {});
    let error = result.expect_err("misfit").remove(0).to_string();
    assert!(error.contains("MD0612") && error.contains("`search` is for"), "{error}");
}

#[test]
fn progress_ends_at_the_number_of_texts() {
    let names: Vec<String> = (0..100).map(|at| format!("t{at}")).collect();
    let table: Vec<(&str, &[f32])> = names.iter().map(|name| (name.as_str(), &[1.0f32, 2.0][..])).collect();
    let examples = names.iter().map(|text| Example { text: text.clone(), pair: None, label: "good".into() }).collect();
    let metrics = vec![Metric::Accuracy];
    let suite = Suite { shown: "s".into(), digest: Digest::of(b""), metrics, kind: Kind::Classify(examples) };
    let most = Mutex::new((0, 0));
    let progress = |done: usize, all: usize| {
        let mut most = most.lock().expect("one at a time");
        *most = (done.max(most.0), all);
    };
    run(&suite, &signature(Task::Classify, 2), &Table::new(&table), &Table::new(&table), &progress).expect("run");
    assert_eq!(*most.lock().expect("done"), (100, 100));
}
