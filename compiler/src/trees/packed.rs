//! From an ensemble to a forest: thresholds become columns of small whole numbers, trees become lists of questions.

use super::codes;
use super::tree::{Node, Split, Test, Tree};
use super::{Ensemble, Missing, Number};
use crate::diagnostic::Diagnostic;
use modeldeploy_format::forest::{self, Column, Forest, Parts};
use modeldeploy_format::pack::Aligned;
use std::collections::BTreeMap;

/// The most bytes of a forest: in a pack it is one tensor of words, whose number is 32 bit.
const MOST_BYTES: usize = 1 << 33;

/// The bytes of the forest that computes the ensemble, proved.
///
/// # Errors
///
/// If it is larger than a pack can hold.
pub fn pack(ensemble: &Ensemble, place: &str) -> Result<Aligned, Vec<Diagnostic>> {
    let columns = Columns::gather(&ensemble.trees, ensemble.inputs);
    let trees = ensemble.trees.iter().map(|tree| columns.tree(tree)).collect();
    let parts = Parts {
        features: ensemble.features.len() as u32,
        inputs: ensemble.inputs,
        sums: ensemble.sums,
        base: ensemble.base.clone(),
        linear: ensemble.linear.clone(),
        divisor: ensemble.divisor,
        link: ensemble.link,
        columns: columns.columns,
        trees,
    };
    let bytes = forest::write(&parts);
    if bytes.len() > MOST_BYTES {
        let message = format!("the forest would take {} bytes, and a pack holds {MOST_BYTES}", bytes.len());
        return Err(vec![Diagnostic::new(codes::UNSUPPORTED, message).at(place).help("train fewer or smaller trees")]);
    }
    let bytes = Aligned::copy(&bytes);
    Forest::parse(&bytes).expect("an ensemble that was checked makes a forest");
    Ok(bytes)
}

/// A set of categories of a feature, and whether its members go left.
type Set = (u32, Missing, bool, Box<[u32]>);

/// Values of a feature of which one is met, by their bits.
type Members = (u32, Missing, Box<[u64]>);

/// All that is asked of the features, each question once.
struct Columns {
    /// The column of a feature's numbers, by what happens to missing values.
    numbers: BTreeMap<(u32, Missing), u32>,
    sets: BTreeMap<Set, u32>,
    members: BTreeMap<Members, u32>,
    columns: Vec<(u32, Missing, Column)>,
    inputs: Number,
}

impl Columns {
    fn gather(trees: &[Tree], inputs: Number) -> Columns {
        let mut cuts: BTreeMap<(u32, Missing), Vec<f64>> = BTreeMap::new();
        let mut columns = Columns {
            numbers: BTreeMap::new(),
            sets: BTreeMap::new(),
            members: BTreeMap::new(),
            columns: vec![],
            inputs,
        };
        for split in trees.iter().flat_map(Tree::nodes).filter_map(split) {
            let (feature, missing) = (split.feature, split.missing);
            match &split.test {
                Test::AtMost(_) | Test::Below(_) => {
                    cuts.entry((feature, missing)).or_default().push(cut(&split.test, inputs));
                }
                Test::In(set) | Test::NotIn(set) => {
                    let is_in = matches!(split.test, Test::In(_));
                    let (key, next) = ((feature, missing, is_in, set.clone()), columns.columns.len() as u32);
                    columns.sets.entry(key).or_insert_with(|| {
                        let words = set.to_vec();
                        let column = if is_in { Column::In(words) } else { Column::NotIn(words) };
                        columns.columns.push((feature, missing, column));
                        next
                    });
                }
                Test::Among(values) => {
                    let next = columns.columns.len() as u32;
                    columns.members.entry((feature, missing, bits(values))).or_insert_with(|| {
                        columns.columns.push((feature, missing, Column::Among(values.to_vec())));
                        next
                    });
                }
            }
        }
        for ((feature, missing), mut cuts) in cuts {
            cuts.sort_unstable_by(f64::total_cmp);
            // Zeros of both signs are one cut.
            cuts.dedup();
            columns.numbers.insert((feature, missing), columns.columns.len() as u32);
            columns.columns.push((feature, missing, Column::Cuts(cuts)));
        }
        columns
    }

    fn tree(&self, tree: &Tree) -> forest::Tree {
        let leaves: Vec<f64> = tree.leaves().collect();
        let mut nodes = Vec::with_capacity(leaves.len());
        // In preorder, the leaves to the left of a node are those that were met before it; those of its left child end where its
        // right child begins.
        let firsts = first_leaves(tree);
        for (at, node) in tree.nodes().iter().enumerate() {
            let Some(split) = split(node) else { continue };
            let (column, cut) = self.question(split);
            nodes.push([column, cut, firsts[at], firsts[split.right as usize]]);
        }
        forest::Tree { output: tree.output, nodes, leaves }
    }

    /// The column and the cut of a split.
    fn question(&self, split: &Split) -> (u32, u32) {
        match &split.test {
            Test::AtMost(_) | Test::Below(_) => {
                let column = self.numbers[&(split.feature, split.missing)];
                let Column::Cuts(cuts) = &self.columns[column as usize].2 else { unreachable!("a column of numbers") };
                let asked = cut(&split.test, self.inputs);
                (column, cuts.partition_point(|&cut| cut < asked) as u32)
            }
            Test::In(set) | Test::NotIn(set) => {
                let is_in = matches!(split.test, Test::In(_));
                (self.sets[&(split.feature, split.missing, is_in, set.clone())], 0)
            }
            Test::Among(values) => (self.members[&(split.feature, split.missing, bits(values))], 0),
        }
    }
}

fn bits(values: &[f64]) -> Box<[u64]> {
    values.iter().map(|value| value.to_bits()).collect()
}

fn split(node: &Node) -> Option<&Split> {
    match node {
        Node::Split(split) => Some(split),
        Node::Leaf(_) => None,
    }
}

/// The number for which `x <= cut` is the test: what is below a number is at most the number before it.
fn cut(test: &Test, inputs: Number) -> f64 {
    match *test {
        Test::AtMost(threshold) => threshold,
        Test::Below(threshold) => match inputs {
            // A threshold between two numbers is met by none.
            Number::F32 if Number::F32.round(threshold) != threshold => threshold,
            Number::F32 => f64::from((threshold as f32).next_down()),
            Number::F64 => threshold.next_down(),
        },
        Test::In(_) | Test::NotIn(_) | Test::Among(_) => unreachable!("sets have no cut"),
    }
}

/// The leftmost leaf of each node, counted from the left.
fn first_leaves(tree: &Tree) -> Vec<u32> {
    let mut met = 0;
    let first = |node: &Node| {
        let first = met;
        met += u32::from(matches!(node, Node::Leaf(_)));
        first
    };
    tree.nodes().iter().map(first).collect()
}
