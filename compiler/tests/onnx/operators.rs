//! `docs/onnx.md` lists the operators that there are, with the node tests that each passes. Where it does not, the list is written anew, and
//! the test fails once.

use crate::nodes::{Outcome, outcomes};
use modeldeploy_compiler::onnx::{NEWEST, OLDEST, rows};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

const BEGIN: &str = "<!-- operators: written by compiler/tests/onnx/operators.rs -->\n";
const END: &str = "<!-- end of operators -->\n";

#[test]
fn the_guide_lists_every_operator_with_the_node_tests_that_it_passes() {
    let Some(outcomes) = outcomes() else { return };
    let mut passed: BTreeMap<&str, usize> = BTreeMap::new();
    for outcome in outcomes.values() {
        let Outcome::Passed(model) = outcome else { continue };
        model.operators().into_iter().for_each(|name| *passed.entry(name).or_default() += 1);
    }
    let mut table = "| operator | kind | opsets | node tests |\n| --- | --- | --- | --- |\n".to_owned();
    let mut listed: Vec<_> = rows().collect();
    listed.sort_by_key(|row| row.name);
    for row in listed {
        let (since, until) = (row.since.max(OLDEST), row.until.unwrap_or(NEWEST));
        let passed = passed.get(row.name).map_or("–".to_owned(), usize::to_string);
        table.push_str(&format!("| {} | {} | {since}–{until} | {passed} |\n", row.name, row.family));
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/onnx.md");
    let text = fs::read_to_string(&path).expect("the guide");
    let (before, rest) = text.split_once(BEGIN).expect("the list begins");
    let (_, after) = rest.split_once(END).expect("the list ends");
    let new = format!("{before}{BEGIN}\n{table}\n{END}{after}");
    if new != text {
        fs::write(&path, new).expect("written");
        panic!("docs/onnx.md did not list the operators as they are, and is written anew: look at it and commit it");
    }
}
