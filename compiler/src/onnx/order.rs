//! Nodes in an order in which each stands after those that it waits for.

use super::read::label;
use super::wire::{GraphProto, NodeProto};
use std::collections::{BTreeSet, HashMap};

/// The places of the nodes in such an order: that of the file where it is one.
///
/// # Errors
///
/// The names of some nodes that wait for one another.
pub(super) fn order(nodes: &[&NodeProto]) -> Result<Vec<usize>, Vec<String>> {
    let mut makers: HashMap<&str, usize> = HashMap::new();
    for (at, node) in nodes.iter().enumerate() {
        for output in node.output.iter().filter(|name| !name.is_empty()) {
            makers.entry(output).or_insert(at);
        }
    }
    let mut readers = vec![Vec::new(); nodes.len()];
    let mut waits = vec![0_usize; nodes.len()];
    for (at, node) in nodes.iter().enumerate() {
        let mut reads = node.input.iter().map(String::as_str).collect();
        branches(node, &mut reads);
        let before: BTreeSet<usize> = reads.iter().filter_map(|name| makers.get(name).copied()).collect();
        waits[at] = before.len();
        before.into_iter().for_each(|maker| readers[maker].push(at));
    }
    let mut ready: BTreeSet<usize> = (0..nodes.len()).filter(|&at| waits[at] == 0).collect();
    let mut order = Vec::with_capacity(nodes.len());
    while let Some(at) = ready.pop_first() {
        order.push(at);
        for &reader in &readers[at] {
            waits[reader] -= 1;
            if waits[reader] == 0 {
                ready.insert(reader);
            }
        }
    }
    if order.len() == nodes.len() {
        return Ok(order);
    }
    Err((0..nodes.len()).filter(|&at| waits[at] > 0).take(8).map(|at| format!("`{}`", label(nodes[at]))).collect())
}

/// Every name that the branches of a node read, whoever computes it.
fn branches<'a>(node: &'a NodeProto, reads: &mut Vec<&'a str>) {
    let mut graphs: Vec<&GraphProto> = node.attribute.iter().filter_map(|attribute| attribute.g.as_ref()).collect();
    while let Some(graph) = graphs.pop() {
        reads.extend(graph.output.iter().map(|output| output.name()));
        for node in &graph.node {
            reads.extend(node.input.iter().map(String::as_str));
            graphs.extend(node.attribute.iter().filter_map(|attribute| attribute.g.as_ref()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(name: &str, inputs: &[&str], outputs: &[&str]) -> NodeProto {
        let owned = |names: &[&str]| names.iter().map(ToString::to_string).collect();
        NodeProto { name: Some(name.to_owned()), input: owned(inputs), output: owned(outputs), ..NodeProto::default() }
    }

    #[test]
    fn a_node_stands_after_those_that_it_reads() {
        let nodes = [node("c", &["b", "b"], &["c"]), node("a", &["x"], &["a"]), node("b", &["a", ""], &["b"])];
        assert_eq!(order(&nodes.each_ref()), Ok(vec![1, 2, 0]));
    }

    #[test]
    fn nodes_that_wait_for_one_another_are_named() {
        let nodes = [node("a", &["b"], &["a"]), node("b", &["a"], &["b"]), node("c", &["x"], &["c"])];
        assert_eq!(order(&nodes.each_ref()), Err(vec!["`a`".to_owned(), "`b`".to_owned()]));
    }
}
