//! Near misses: nodes that an encoder's graph is not made of, each refused by name, beside those that it is made of.

use super::super::config::{self, Config};
use super::check::check;
use super::{Imported, import};
use crate::onnx::tests::{Node, int, node, of_ids, tensor, with};
use modeldeploy_format::Task;

const WIDTH: i64 = 16;
const ROWS: i64 = 160;

fn config() -> Config {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/models/bert-embed/config.json");
    let text = std::fs::read(path).expect("a configuration");
    config::parse("config.json", &text).unwrap_or_else(|errors| panic!("{errors:?}"))
}

/// `x` is the table's rows for the tokens; `last` makes the outputs of it.
fn made(opset: i64, last: Vec<Node>, outputs: &[&str]) -> Result<Imported, Vec<String>> {
    let table = tensor("table", &[ROWS, WIDTH], &vec![0.5; (ROWS * WIDTH) as usize]);
    let ones = tensor("ones", &[WIDTH], &[1.0; WIDTH as usize]);
    let mut nodes = vec![node("Gather", &["table", "input_ids"], &["x"])];
    nodes.extend(last);
    let model = of_ids(opset, nodes, vec![table, ones], outputs).expect("a model");
    let made = import(&model, "model.onnx", &config(), Task::Embed, 16);
    made.map_err(|errors| errors.iter().map(ToString::to_string).collect())
}

fn refused(made: Result<Imported, Vec<String>>, part: &str) {
    let errors = made.err().expect(part);
    assert!(errors.len() == 1 && errors[0].starts_with("error[MD0115]") && errors[0].contains(part), "{errors:#?}");
}

#[test]
fn a_graph_that_computes_another_thing_than_its_file_is_refused() {
    let model = |op: &str| {
        let table = tensor("table", &[ROWS, WIDTH], &vec![0.5; (ROWS * WIDTH) as usize]);
        let nodes = vec![node("Gather", &["table", "input_ids"], &["x"]), node(op, &["x"], &["y"])];
        of_ids(17, nodes, vec![table], &["y"]).expect("a model")
    };
    let imported = import(&model("Relu"), "model.onnx", &config(), Task::Embed, 16);
    let imported = imported.unwrap_or_else(|errors| panic!("{errors:?}"));
    let mut graph = imported.emit.graph().clone();
    graph.set_outputs([imported.value.expect("a value")]);
    let held = |op: &str| check(&model(op), "model.onnx", &config(), &graph, ("y", 16));
    assert!(held("Relu").is_ok());
    let errors = held("Tanh").expect_err("0.5 is not its hyperbolic tangent");
    let said = errors[0].to_string();
    assert!(said.starts_with("error[MD0117]") && said.contains("for a text of 1 token the graph"), "{said}");
}

#[test]
fn softmax_is_over_the_last_axis_whatever_its_opset_means() {
    let softmax = || node("Softmax", &["x"], &["y"]);
    assert!(made(13, vec![softmax()], &["y"]).is_ok(), "the last axis");
    // Before opset 13 it went over all axes from 1 on.
    refused(made(12, vec![softmax()], &["y"]), "operator `Softmax`: it goes over another axis than the last");
    assert!(made(12, vec![with(softmax(), int("axis", 2))], &["y"]).is_ok(), "the last axis alone");
    refused(made(13, vec![with(softmax(), int("axis", 1))], &["y"]), "it goes over another axis than the last");
}

#[test]
fn outputs_of_a_node_past_its_first_are_refused_by_name() {
    let layer = node("LayerNormalization", &["x", "ones"], &["normal", "mean"]);
    let add = node("Add", &["x", "mean"], &["y"]);
    refused(
        made(17, vec![layer, add], &["y"]),
        "operator `LayerNormalization`: its output `mean` is not its first, and no other is known",
    );
}

#[test]
fn of_several_outputs_that_could_be_meant_the_known_name_is() {
    let two = |first: &str, second: &str| vec![node("Relu", &["x"], &[first]), node("Tanh", &["x"], &[second])];
    let taken = |outputs: [&str; 2]| {
        let made = made(17, two(outputs[0], outputs[1]), &outputs);
        let made = made.unwrap_or_else(|errors| panic!("{errors:?}"));
        let value = made.value.expect("a value");
        format!("{:?}", made.emit.graph().node(value).op)
    };
    assert!(taken(["hidden_states.0", "last_hidden_state"]).starts_with("Tanh"));
    assert!(taken(["token_embeddings", "hidden_states.1"]).starts_with("Relu"));
    refused(
        made(17, two("first", "second"), &["first", "second"]),
        "any of the outputs `first`, `second` could be the one that is asked for",
    );
}
