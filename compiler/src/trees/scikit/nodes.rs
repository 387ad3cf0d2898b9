//! The trees of `sklearn.tree`: nodes as records, and the values of each.

use super::super::MAX_OUTPUTS;
use super::super::pickle::{Records, Value};
use super::super::tree::{NoTree, Node, Split, Test, Tree};
use super::fields::Reader;
use modeldeploy_format::forest::Missing;

/// What records may hold; only some of it decides.
const FIELDS: [&str; 8] = [
    "left_child",
    "right_child",
    "feature",
    "threshold",
    "impurity",
    "n_node_samples",
    "weighted_n_node_samples",
    "missing_go_to_left",
];

/// The most nodes of all trees together, where several outputs make a tree of each.
const MOST_NODES: usize = 1 << 24;

/// A tree as it is saved.
pub(super) struct Saved<'a> {
    records: Records<'a>,
    /// `[node][output][class]`.
    values: Vec<f64>,
    pub(super) outputs: usize,
    /// 1 where there are none.
    pub(super) classes: usize,
}

/// What the trees of a model have taken so far.
#[derive(Default)]
pub(super) struct Taken {
    bytes: usize,
    nodes: usize,
}

impl<'a> Reader<'a> {
    /// The tree of a `DecisionTreeRegressor` and its like.
    pub(super) fn tree(&self, estimator: &Value, taken: &mut Taken) -> Result<Saved<'a>, String> {
        let estimator = self.instance(estimator).ok_or("no instance of a class")?;
        let tree = self.inner(&estimator, "tree_").ok_or("`tree_` is missing")?;
        let records = self.field(&tree, "nodes").and_then(|nodes| self.pickle.records(nodes));
        let records = records.ok_or("`nodes` are not what they should be")?;
        if let Some(unknown) = records.names().find(|name| !FIELDS.contains(name)) {
            return Err(format!("its nodes have `{}`, which is not known", unknown.escape_debug()));
        }
        // One estimator may stand in many places: the trees take no more bytes than there are.
        taken.bytes += records.bytes();
        if taken.bytes > self.len {
            return Err("there are fewer bytes than the nodes take: one tree stands in several places".to_owned());
        }
        let values = self.field(&tree, "values").and_then(|values| self.pickle.numbers(values));
        let (shape, values) = values.ok_or("`values` are no numbers")?;
        let &[nodes, outputs, classes] = shape.as_slice() else {
            return Err("`values` have not three axes".to_owned());
        };
        let bounds = 1..=MAX_OUTPUTS;
        if nodes != records.len() || !bounds.contains(&outputs) || !bounds.contains(&classes) {
            return Err(format!(
                "values of {nodes} nodes, {outputs} outputs and {classes} classes for {} nodes",
                records.len()
            ));
        }
        Ok(Saved { records, values, outputs, classes })
    }
}

impl Saved<'_> {
    /// Divides the values of each node by what `total` makes of them, unless that is 0.
    pub(super) fn divide(&mut self, total: impl Fn(&[f64]) -> f64) {
        for values in self.values.chunks_exact_mut(self.outputs * self.classes) {
            let total = total(values);
            if total != 0.0 {
                values.iter_mut().for_each(|value| *value /= total);
            }
        }
    }

    /// The tree for one output, whose leaves are what `leaf` makes of a node's values. What has no flag for missing values sends them
    /// right, where what compares as false goes.
    pub(super) fn grow(
        &self,
        output: usize,
        flags: bool,
        taken: &mut Taken,
        leaf: impl Fn(&[f64]) -> f64,
    ) -> Result<Tree, String> {
        taken.nodes += self.records.len();
        if taken.nodes > MOST_NODES {
            return Err(format!("more than {MOST_NODES} nodes, each of its outputs counted"));
        }
        let width = self.outputs * self.classes;
        let node = |at: usize| {
            let field = |name: &str| self.records.number(at, name).ok_or_else(|| format!("its nodes have no `{name}`"));
            let [left, right] = [field("left_child")?, field("right_child")?];
            if left == -1.0 && right == -1.0 {
                return Ok(Node::Leaf(leaf(&self.values[at * width..(at + 1) * width])));
            }
            let threshold = field("threshold")?;
            if threshold.is_nan() {
                return Err("a threshold is NaN".to_owned());
            }
            let goes_left = flags && field("missing_go_to_left").is_ok_and(|flag| flag != 0.0);
            Ok(Node::Split(Split {
                feature: index(field("feature")?)?,
                test: Test::AtMost(threshold),
                missing: if goes_left { Missing::Left } else { Missing::Right },
                left: index(left)?,
                right: index(right)?,
            }))
        };
        let nodes = (0..self.records.len()).map(node).collect::<Result<Vec<_>, String>>()?;
        Tree::grow(output as u32, &nodes, false).map_err(|NoTree(why)| why)
    }
}

/// The number of a child or of a feature.
pub(super) fn index(number: f64) -> Result<u32, String> {
    let whole = number.fract() == 0.0 && (0.0..=f64::from(u32::MAX)).contains(&number);
    if whole { Ok(number as u32) } else { Err(format!("a child or a feature is {number}")) }
}
