//! The tree ensembles of ONNX (`ai.onnx.ml`: TreeEnsembleRegressor, TreeEnsembleClassifier, TreeEnsemble), as the converters of scikit-learn,
//! LightGBM and XGBoost write them.
//!
//! Sums are in the numbers that reach the trees, the base values last, as ONNX Runtime adds them with one thread. Of two classes the score
//! is that of the second.

mod flat;
mod lists;
mod question;

use super::codes::{malformed, unsupported};
use super::tree::{NoTree, Node, Split, Tree};
use super::{Ensemble, Link, MAX_FEATURES, MAX_OUTPUTS, Number, codes};
use crate::diagnostic::Diagnostic;
use crate::onnx::{MlTrees, MlValue, ml_trees};
use std::collections::BTreeSet;

/// The most nodes of all trees together, where a leaf of several outputs makes a tree of each.
const MOST_NODES: usize = 1 << 24;

/// The ensemble of a model.
///
/// # Errors
///
/// Everything that is wrong with it; `place` is how errors call the file.
pub fn read_onnx(place: &str, bytes: Vec<u8>) -> Result<Ensemble, Vec<Diagnostic>> {
    let file = ml_trees(bytes).map_err(|why| unsupported(place, why))?;
    let place = format!("{place}, node `{}`", file.node.escape_debug());
    let reader = Reader { file: &file, place: &place };
    match file.operator.as_str() {
        "TreeEnsembleRegressor" => reader.regressor()?.check(&place),
        "TreeEnsembleClassifier" => reader.classifier()?.check(&place),
        "TreeEnsemble" => reader.flat()?.check(&place),
        other => Err(unsupported(&place, format!("operator `{}`", other.escape_debug()))),
    }
}

struct Reader<'a> {
    file: &'a MlTrees,
    place: &'a str,
}

/// What one leaf adds to outputs.
type Weights = Vec<(u32, f64)>;

/// A tree whose leaves add to several outputs.
struct Shared {
    /// What the file calls it.
    number: i64,
    nodes: Vec<SharedNode>,
}

enum SharedNode {
    Leaf(Weights),
    Split(Split),
}

impl Reader<'_> {
    fn regressor(&self) -> Result<Ensemble, Vec<Diagnostic>> {
        let outputs = self.targets()?;
        let trees = self.lists("target", outputs)?;
        let mut ensemble = self.ensemble(&trees, &(0..outputs as u32).collect::<Vec<_>>())?;
        let aggregate = self.text("aggregate_function")?.unwrap_or("SUM");
        ensemble.divisor = self.divisor(aggregate, trees.len())?;
        ensemble.link = self.link(self.text("post_transform")?.unwrap_or("NONE"))?;
        self.based(ensemble, outputs)
    }

    fn classifier(&self) -> Result<Ensemble, Vec<Diagnostic>> {
        let labels = match (self.get("classlabels_strings"), self.get("classlabels_int64s")) {
            (Some(MlValue::Texts(labels)), _) if !labels.is_empty() => labels.len(),
            (_, Some(MlValue::Ints(labels))) => labels.len(),
            _ => return Err(self.wrong("it has no labels")),
        };
        if !(2..=MAX_OUTPUTS).contains(&labels) {
            return Err(self.wrong(format!("it has {labels} labels")));
        }
        let link = self.link(self.text("post_transform")?.unwrap_or("NONE"))?;
        let trees = self.lists("class", labels)?;
        let met: BTreeSet<u32> = trees.iter().flat_map(Shared::outputs).collect();
        // One score of two classes is the second's, whichever the file says; of two scores that do not depend on one another it is that too.
        let chosen: Vec<u32> = match (labels, met.len()) {
            (2, 1) => met.into_iter().collect(),
            (2, _) if link != Link::Softmax => vec![1],
            _ => (0..labels as u32).collect(),
        };
        let mut ensemble = self.ensemble(&trees, &chosen)?;
        ensemble.link = link;
        if chosen.len() < labels && self.numbers("base_values")?.is_some_and(|base| base.len() > 1) {
            return Err(unsupported(self.place, "base values of both classes where one is scored"));
        }
        let outputs = chosen.len();
        self.based(ensemble, outputs)
    }

    fn targets(&self) -> Result<usize, Vec<Diagnostic>> {
        let outputs = self.int("n_targets")?.unwrap_or(1);
        let outputs = usize::try_from(outputs).ok().filter(|count| (1..=MAX_OUTPUTS).contains(count));
        outputs.ok_or_else(|| self.wrong("`n_targets` is no number of outputs"))
    }

    fn link(&self, function: &str) -> Result<Link, Vec<Diagnostic>> {
        match function {
            "NONE" => Ok(Link::Identity),
            "LOGISTIC" => Ok(Link::Sigmoid(1.0)),
            "SOFTMAX" => Ok(Link::Softmax),
            other => Err(unsupported(self.place, format!("the function `{}` of sums", other.escape_debug()))),
        }
    }

    /// What sums are divided by.
    fn divisor(&self, aggregate: &str, trees: usize) -> Result<f64, Vec<Diagnostic>> {
        match aggregate {
            "SUM" => Ok(1.0),
            "AVERAGE" => Ok(trees.max(1) as f64),
            other => Err(unsupported(self.place, format!("the aggregation `{}`", other.escape_debug()))),
        }
    }

    /// The trees, a copy of each for each output that its leaves add to, of those that are chosen.
    fn ensemble(&self, trees: &[Shared], chosen: &[u32]) -> Result<Ensemble, Vec<Diagnostic>> {
        let highest = trees.iter().flat_map(|tree| &tree.nodes).filter_map(|node| match node {
            SharedNode::Split(split) => Some(split.feature),
            SharedNode::Leaf(_) => None,
        });
        let count = match self.file.features {
            Some(count) => count,
            None => highest.max().unwrap_or(0) as usize + 1,
        };
        if !(1..=MAX_FEATURES).contains(&count) {
            return Err(self.wrong(format!("a model of {count} features; 1 to {MAX_FEATURES} are possible")));
        }
        let mut grown = vec![];
        let mut met = 0;
        for tree in trees {
            let outputs: BTreeSet<u32> = tree.outputs().collect();
            for (to, output) in chosen.iter().enumerate().filter(|(_, output)| outputs.contains(output)) {
                met += tree.nodes.len();
                if met > MOST_NODES {
                    let many = format!("more than {MOST_NODES} nodes, each of its outputs counted");
                    return Err(unsupported(self.place, many));
                }
                let of_output = |node: &SharedNode| match node {
                    SharedNode::Leaf(weights) => {
                        Node::Leaf(weights.iter().filter(|(id, _)| id == output).map(|(_, weight)| weight).sum())
                    }
                    SharedNode::Split(split) => Node::Split(split.clone()),
                };
                let nodes: Vec<Node> = tree.nodes.iter().map(of_output).collect();
                let made = Tree::grow(to as u32, &nodes, false);
                grown.push(made.map_err(|NoTree(why)| self.bad(tree.number, why))?);
            }
        }
        let number = |double| if double { Number::F64 } else { Number::F32 };
        Ok(Ensemble {
            features: (0..count).map(|at| format!("x{at}")).collect(),
            inputs: number(self.file.double_inputs),
            sums: number(self.file.doubles),
            base: vec![0.0; chosen.len()],
            trees: grown,
            linear: vec![],
            divisor: 1.0,
            link: Link::Identity,
        })
    }

    /// With the base values, which are added last: each as a tree of one leaf.
    fn based(&self, mut ensemble: Ensemble, outputs: usize) -> Result<Ensemble, Vec<Diagnostic>> {
        let Some(base) = self.numbers("base_values")?.filter(|base| base.iter().any(|value| *value != 0.0)) else {
            return Ok(ensemble);
        };
        if base.len() != outputs {
            return Err(self.wrong(format!("it has {} base values for {outputs} outputs", base.len())));
        }
        if ensemble.divisor != 1.0 {
            return Err(unsupported(self.place, "base values beside an average"));
        }
        for (output, value) in base.into_iter().enumerate() {
            let leaf = Tree::grow(output as u32, &[Node::Leaf(value)], false);
            ensemble.trees.push(leaf.expect("a leaf is a tree"));
        }
        Ok(ensemble)
    }

    fn get(&self, name: &str) -> Option<&MlValue> {
        self.file.attributes.get(name)
    }

    fn int(&self, name: &str) -> Result<Option<i64>, Vec<Diagnostic>> {
        match self.get(name) {
            None => Ok(None),
            Some(MlValue::Int(value)) => Ok(Some(*value)),
            Some(_) => Err(self.wrong(format!("`{name}` is no whole number"))),
        }
    }

    fn text(&self, name: &str) -> Result<Option<&str>, Vec<Diagnostic>> {
        match self.get(name) {
            None => Ok(None),
            Some(MlValue::Text(value)) => Ok(Some(value)),
            Some(_) => Err(self.wrong(format!("`{name}` is no text"))),
        }
    }

    fn ints(&self, name: &str) -> Result<&[i64], Vec<Diagnostic>> {
        match self.get(name) {
            None => Ok(&[]),
            Some(MlValue::Ints(values)) => Ok(values),
            Some(_) => Err(self.wrong(format!("`{name}` is no list of whole numbers"))),
        }
    }

    /// The numbers of an attribute, or of the one that has them as a tensor.
    fn numbers(&self, name: &str) -> Result<Option<Vec<f64>>, Vec<Diagnostic>> {
        let tensor = self.get(&format!("{name}_as_tensor"));
        match tensor.or(self.get(name)) {
            None => Ok(None),
            Some(MlValue::Floats(values)) => Ok(Some(values.clone())),
            Some(_) => Err(self.wrong(format!("`{name}` is no list of numbers"))),
        }
    }

    fn wrong(&self, why: impl Into<String>) -> Vec<Diagnostic> {
        malformed(self.place, why)
    }

    fn bad(&self, tree: i64, why: impl Into<String>) -> Vec<Diagnostic> {
        let place = format!("{}, tree {tree}", self.place);
        vec![Diagnostic::new(codes::BAD_TREE, why).at(place).help("convert the model again")]
    }
}

impl Shared {
    /// The outputs that its leaves add to, some of them more than once.
    fn outputs(&self) -> impl Iterator<Item = u32> + '_ {
        let weights = self.nodes.iter().filter_map(|node| match node {
            SharedNode::Leaf(weights) => Some(weights),
            SharedNode::Split(_) => None,
        });
        weights.flatten().map(|(output, _)| *output)
    }
}
