//! Files of sessions of one length, read with what stands before the items of shorter ones: they give what PyTorch gives for such sessions.

use crate::rankers::exports;
use modeldeploy::format::features::{List, Value};
use modeldeploy::isa::Isa;
use modeldeploy::rank::{Engine, For};
use modeldeploy_compiler::front::{LoadedRanker, LoadedScorer, RankerOptions, load_ranker};
use modeldeploy_compiler::{emit, passes};
use std::fs;

/// Of a session of ids, or of ids and seconds.
fn specification(dwell: bool, pads: bool) -> String {
    let pad = |text: &str| if pads { text.to_owned() } else { String::new() };
    let mut text = format!(
        "[feature.item]\ntype = \"id\"\nsize = 40\n[feature.session]\nof = \"session\"\ntype = \"id\"\nsize = 40\nunknown-id = 0\n{}",
        pad("pad-id = 0\n")
    );
    if dwell {
        let pad = pad("pad = 0\n");
        text.push_str(&format!("[feature.dwell]\nof = \"session\"\ntype = \"number\"\ndefault = 0\n{pad}"));
    }
    text
}

fn loaded(name: &str, exporter: &str, pads: bool, options: RankerOptions) -> Result<LoadedRanker, Vec<String>> {
    let dir = tempfile::tempdir().expect("a folder");
    let copy = |from: &str, to: &str| fs::copy(exports().join(from), dir.path().join(to)).expect(from);
    copy(&format!("{name}-{exporter}.onnx"), "model.onnx");
    copy(&format!("requests/{name}.jsonl"), "golden.jsonl");
    fs::write(dir.path().join("features.toml"), specification(name.starts_with("gru"), pads)).expect("a file");
    load_ranker(dir.path(), options).map_err(|errors| errors.iter().map(ToString::to_string).collect())
}

/// A line of `golden.jsonl`: the lists of the session in the order of the features, the candidates and their scores.
fn request(line: &str, dwell: bool) -> (Vec<Vec<f64>>, Vec<f64>, Vec<f64>) {
    let json: serde_json::Value = serde_json::from_str(line).expect("JSON");
    let numbers = |json: &serde_json::Value| -> Vec<f64> {
        json.as_array().expect("a list").iter().map(|it| it.as_f64().expect("a number")).collect()
    };
    let session = &json["session"];
    let lists = if dwell { vec![&session["session"], &session["dwell"]] } else { vec![&session["session"]] };
    let items = json["candidates"].as_array().expect("a list").iter().map(|it| it["item"].as_f64().expect("an id"));
    (lists.into_iter().map(numbers).collect(), items.collect(), numbers(&json["scores"]))
}

#[test]
fn sessions_that_are_filled_up_get_pytorchs_scores() {
    for (name, exporters) in [
        ("sasrec-fixed", &["torchscript", "dynamo"][..]),
        ("sasrec-fixed-newer", &["torchscript", "dynamo"]),
        ("transformer-fixed", &["torchscript", "dynamo"]),
        ("masked-fixed", &["torchscript", "dynamo"]),
        ("gru-fixed", &["torchscript"]),
    ] {
        let dwell = name.starts_with("gru");
        for exporter in exporters {
            let LoadedRanker { scorer, features, signature, .. } =
                loaded(name, exporter, true, RankerOptions::default()).unwrap_or_else(|errors| panic!("{errors:#?}"));
            assert_eq!(signature.max_tokens, 12, "{name}: as long as the file has them");
            let LoadedScorer::Network(mut graph, _) = scorer else { panic!("{name} is a network") };
            passes::run(&mut graph);
            let pack = emit::network(&graph, &signature, &features, &[]).unwrap_or_else(|errors| panic!("{errors:?}"));
            let lines = fs::read_to_string(exports().join(format!("requests/{name}.jsonl"))).expect("requests");
            assert!(lines.lines().count() >= 5, "{name}");
            for isa in Isa::available() {
                let engine = Engine::with_isa("the pack", &pack, isa).expect("an engine");
                for line in lines.lines() {
                    let (session, items, scores) = request(line, dwell);
                    let lists: Vec<List<'_>> = session.iter().map(|list| List::Numbers(list)).collect();
                    let rows = items.iter().map(|&item| [Value::Number(item)]);
                    let mut got = vec![];
                    let asked = For { user: &[], session: &lists };
                    engine.run_values(asked, rows, |scores| got.push(scores[0])).expect("scores");
                    let length = session[0].len();
                    let off = got.iter().zip(&scores).map(|(got, want)| (got - want).abs()).fold(0.0, f64::max);
                    let most = scores.iter().fold(1.0_f64, |most, score| most.max(score.abs()));
                    assert!(
                        got.len() == scores.len() && off <= 2e-5 * most,
                        "{name}-{exporter} on {isa}, {length} items: {got:?} and {scores:?}"
                    );
                }
            }
        }
    }
}

#[test]
fn sessions_of_one_length_are_refused_where_nothing_fills_them_up() {
    let refused = |pads, max_items, said: &str| {
        let options = RankerOptions { max_items, ..RankerOptions::default() };
        let errors = loaded("sasrec-fixed", "torchscript", pads, options).expect_err(said);
        assert!(errors.iter().any(|error| error.starts_with("error[MD0116]") && error.contains(said)), "{errors:#?}");
    };
    refused(false, None, "say what stands before those of fewer than 12, `pad-id` in features.toml");
    refused(true, Some(50), "its sessions have 12 items, and the most items are 50; say `max-length = 12`");
}

#[test]
fn an_id_past_the_table_fills_nothing_up() {
    let dir = tempfile::tempdir().expect("a folder");
    fs::copy(exports().join("sasrec-fixed-dynamo.onnx"), dir.path().join("model.onnx")).expect("a model");
    let text = specification(false, true).replace("pad-id = 0", "pad-id = 40");
    fs::write(dir.path().join("features.toml"), text).expect("a file");
    let errors = load_ranker(dir.path(), RankerOptions::default()).expect_err("there is no such row");
    let said = "feature `session` is filled up with 40, and the model's table for it has 40 rows";
    assert!(errors.len() == 1 && errors[0].to_string().contains(said), "{errors:?}");
}
