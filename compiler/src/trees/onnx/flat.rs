//! The operator of the fifth version: inner nodes of all trees in one list, leaves in another, and the roots.

use super::question::{Mode, question};
use super::{Reader, Shared, SharedNode};
use crate::diagnostic::Diagnostic;
use crate::trees::Ensemble;
use std::collections::HashMap;

/// The aggregations and the functions of sums, by their numbers.
const AGGREGATES: [&str; 4] = ["AVERAGE", "SUM", "MIN", "MAX"];
const FUNCTIONS: [&str; 5] = ["NONE", "SOFTMAX", "LOGISTIC", "SOFTMAX_ZERO", "PROBIT"];

/// The mode of a test for one of several numbers.
const MEMBER: i64 = 6;

/// The lists of the nodes and of the leaves.
struct Lists<'a> {
    modes: &'a [i64],
    values: Vec<f64>,
    features: &'a [i64],
    children: [&'a [i64]; 2],
    are_leaves: [&'a [i64]; 2],
    tracks: Vec<i64>,
    /// Of each node of the mode [`MEMBER`], its numbers.
    members: HashMap<usize, Vec<f64>>,
    targets: &'a [i64],
    weights: Vec<f64>,
}

impl Reader<'_> {
    pub(super) fn flat(&self) -> Result<Ensemble, Vec<Diagnostic>> {
        let outputs = self.targets()?;
        let named = |name: &str, usual: i64, names: &[&'static str]| {
            let number = self.int(name)?.unwrap_or(usual);
            let known = usize::try_from(number).ok().and_then(|at| names.get(at).copied());
            known.ok_or_else(|| self.wrong(format!("`{name}` cannot be {number}")))
        };
        let aggregate = named("aggregate_function", 1, &AGGREGATES)?;
        let link = self.link(named("post_transform", 0, &FUNCTIONS)?)?;
        let lists = self.read_lists(outputs)?;
        let mut taken = vec![false; lists.modes.len()];
        let roots = self.ints("tree_roots")?;
        let trees = roots
            .iter()
            .enumerate()
            .map(|(at, &root)| lists.tree(at as i64, root, &mut taken).map_err(|why| self.bad(at as i64, why)));
        let trees = trees.collect::<Result<Vec<_>, _>>()?;
        let mut ensemble = self.ensemble(&trees, &(0..outputs as u32).collect::<Vec<_>>())?;
        ensemble.divisor = self.divisor(aggregate, trees.len())?;
        ensemble.link = link;
        Ok(ensemble)
    }

    fn read_lists(&self, outputs: usize) -> Result<Lists<'_>, Vec<Diagnostic>> {
        let modes = self.ints("nodes_modes")?;
        let numbers = |name: &str| self.numbers(name)?.ok_or_else(|| self.wrong(format!("it has no `{name}`")));
        let lists = Lists {
            modes,
            values: numbers("nodes_splits")?,
            features: self.ints("nodes_featureids")?,
            children: [self.ints("nodes_truenodeids")?, self.ints("nodes_falsenodeids")?],
            are_leaves: [self.ints("nodes_trueleafs")?, self.ints("nodes_falseleafs")?],
            tracks: self.tracks(modes.len())?,
            members: self.members(modes)?,
            targets: self.ints("leaf_targetids")?,
            weights: numbers("leaf_weights")?,
        };
        let ([yes, no], [yes_leaf, no_leaf]) = (lists.children, lists.are_leaves);
        let lengths = [yes, no, yes_leaf, no_leaf, lists.features, &lists.tracks].map(<[i64]>::len);
        if lengths != [modes.len(); 6] || lists.values.len() != modes.len() {
            return Err(self.wrong("the lists of its nodes are of different lengths"));
        }
        if lists.targets.len() != lists.weights.len() {
            return Err(self.wrong("the lists of its leaves are of different lengths"));
        }
        let beyond = lists.targets.iter().find(|target| usize::try_from(**target).map_or(true, |it| it >= outputs));
        match beyond {
            Some(target) => Err(self.wrong(format!("a leaf adds to output {target}, and there are {outputs}"))),
            None => Ok(lists),
        }
    }

    /// The numbers of each node of the mode [`MEMBER`]: in their order, NaN after each.
    fn members(&self, modes: &[i64]) -> Result<HashMap<usize, Vec<f64>>, Vec<Diagnostic>> {
        let values = self.numbers("membership_values")?.unwrap_or_default();
        let nodes: Vec<usize> = (0..modes.len()).filter(|&at| modes[at] == MEMBER).collect();
        let mut sets: Vec<Vec<f64>> = values.split(|value| value.is_nan()).map(<[f64]>::to_vec).collect();
        // What stands after the last NaN.
        let rest = sets.pop().unwrap_or_default();
        if sets.len() != nodes.len() || !rest.is_empty() {
            let message =
                format!("`membership_values` has {} lists that end with NaN for {} nodes", sets.len(), nodes.len());
            return Err(self.wrong(message));
        }
        Ok(nodes.into_iter().zip(sets).collect())
    }
}

impl Lists<'_> {
    /// The tree of a root. A node is of one tree, and stands once in it.
    fn tree(&self, number: i64, root: i64, taken: &mut [bool]) -> Result<Shared, String> {
        // A node of the file, or a leaf.
        let mut open = vec![(root, false)];
        let mut nodes = vec![];
        let root = usize::try_from(root).ok().filter(|&root| root < self.modes.len());
        if let Some(root) = root
            && self.are_leaves.iter().all(|leaves| leaves[root] != 0)
            && self.children[0][root] == self.children[1][root]
        {
            // A tree of one leaf: both children of a node that asks nothing.
            open = vec![(self.children[0][root], true)];
            taken[root] = true;
        }
        let mut next = 0;
        while let Some(&(at, is_leaf)) = open.get(next) {
            next += 1;
            let (kind, count) = if is_leaf { ("leaf", self.weights.len()) } else { ("node", self.modes.len()) };
            let at = usize::try_from(at).ok().filter(|&at| at < count);
            let at = at.ok_or_else(|| format!("a child is a {kind} that is not there"))?;
            if is_leaf {
                nodes.push(SharedNode::Leaf(vec![(self.targets[at] as u32, self.weights[at])]));
                continue;
            }
            if std::mem::replace(&mut taken[at], true) {
                return Err(format!("two paths lead to node {at}"));
            }
            let children = [0, 1].map(|side| {
                open.push((self.children[side][at], self.are_leaves[side][at] != 0));
                open.len() as u32 - 1
            });
            let mode = match self.members.get(&at) {
                Some(members) => Some(Mode::Member(members.clone())),
                None => usize::try_from(self.modes[at]).ok().and_then(Mode::of),
            };
            let mode = mode.ok_or_else(|| format!("nodes of the mode {} are not known", self.modes[at]))?;
            let split = question(mode, self.values[at], self.features[at], children, self.tracks[at] != 0)?;
            nodes.push(SharedNode::Split(split));
        }
        Ok(Shared { number, nodes })
    }
}
