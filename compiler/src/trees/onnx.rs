//! The tree ensembles of ONNX (`ai.onnx.ml`: TreeEnsembleRegressor, TreeEnsembleClassifier), as the converters of scikit-learn, LightGBM and
//! XGBoost write them.
//!
//! Sums are in the numbers of the input, the base values last, as ONNX Runtime adds them with one thread. Of two classes the score is that of
//! the second.

use super::codes::{malformed, unsupported};
use super::tree::{NoTree, Node, Split, Test};
use super::{Ensemble, Link, MAX_FEATURES, MAX_OUTPUTS, Missing, Number, Tree, codes};
use crate::diagnostic::Diagnostic;
use crate::onnx::{MlTrees, MlValue, ml_trees};
use std::collections::{BTreeMap, BTreeSet, HashMap};

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
        other => Err(unsupported(&place, format!("operator `{}`", other.escape_debug()))),
    }
}

struct Reader<'a> {
    file: &'a MlTrees,
    place: &'a str,
}

/// What one leaf adds to outputs.
type Weights = Vec<(u32, f64)>;

impl Reader<'_> {
    fn regressor(&self) -> Result<Ensemble, Vec<Diagnostic>> {
        let outputs = self.int("n_targets")?.unwrap_or(1);
        let outputs = usize::try_from(outputs).ok().filter(|count| (1..=MAX_OUTPUTS).contains(count));
        let outputs = outputs.ok_or_else(|| self.wrong("`n_targets` is no number of outputs"))?;
        let leaves = self.leaves("target", outputs)?;
        let mut ensemble = self.ensemble(&leaves, &(0..outputs as u32).collect::<Vec<_>>())?;
        match self.text("aggregate_function")?.unwrap_or("SUM") {
            "SUM" => {}
            "AVERAGE" => ensemble.divisor = self.trees()?.len().max(1) as f64,
            other => return Err(unsupported(self.place, format!("the aggregation `{}`", other.escape_debug()))),
        }
        ensemble.link = self.link()?;
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
        let link = self.link()?;
        let leaves = self.leaves("class", labels)?;
        let met: BTreeSet<u32> = leaves.values().flatten().map(|(class, _)| *class).collect();
        // One score of two classes is the second's, whichever the file says; of two scores that do not depend on one another it is that too.
        let chosen: Vec<u32> = match (labels, met.len()) {
            (2, 1) => met.into_iter().collect(),
            (2, _) if link != Link::Softmax => vec![1],
            _ => (0..labels as u32).collect(),
        };
        let mut ensemble = self.ensemble(&leaves, &chosen)?;
        ensemble.link = link;
        if chosen.len() < labels && self.numbers("base_values")?.is_some_and(|base| base.len() > 1) {
            return Err(unsupported(self.place, "base values of both classes where one is scored"));
        }
        let outputs = chosen.len();
        self.based(ensemble, outputs)
    }

    fn link(&self) -> Result<Link, Vec<Diagnostic>> {
        match self.text("post_transform")?.unwrap_or("NONE") {
            "NONE" => Ok(Link::Identity),
            "LOGISTIC" => Ok(Link::Sigmoid(1.0)),
            "SOFTMAX" => Ok(Link::Softmax),
            other => Err(unsupported(self.place, format!("the function `{}` of sums", other.escape_debug()))),
        }
    }

    /// What each leaf adds, by tree and node.
    fn leaves(&self, of: &str, outputs: usize) -> Result<HashMap<(i64, i64), Weights>, Vec<Diagnostic>> {
        let ints = |name: &str| self.ints(&format!("{of}_{name}"));
        let (trees, nodes, ids) = (ints("treeids")?, ints("nodeids")?, ints("ids")?);
        let weights =
            self.numbers(&format!("{of}_weights"))?.ok_or_else(|| self.wrong("its leaves have no weights"))?;
        if [nodes.len(), ids.len(), weights.len()] != [trees.len(); 3] {
            return Err(self.wrong("the lists of its leaves are of different lengths"));
        }
        let mut leaves: HashMap<(i64, i64), Weights> = HashMap::new();
        for at in 0..trees.len() {
            let id = u32::try_from(ids[at]).ok().filter(|&id| (id as usize) < outputs);
            let id =
                id.ok_or_else(|| self.wrong(format!("a leaf adds to output {}, and there are {outputs}", ids[at])))?;
            leaves.entry((trees[at], nodes[at])).or_default().push((id, weights[at]));
        }
        Ok(leaves)
    }

    /// The trees' numbers in their order.
    fn trees(&self) -> Result<Vec<i64>, Vec<Diagnostic>> {
        let mut seen = BTreeSet::new();
        Ok(self.ints("nodes_treeids")?.iter().copied().filter(|tree| seen.insert(*tree)).collect())
    }

    /// The trees, a copy of each for each output that its leaves add to, of those that are chosen.
    fn ensemble(&self, leaves: &HashMap<(i64, i64), Weights>, chosen: &[u32]) -> Result<Ensemble, Vec<Diagnostic>> {
        let ints = |name: &str| self.ints(name);
        let (trees, ids) = (ints("nodes_treeids")?, ints("nodes_nodeids")?);
        let (features, yes, no) = (ints("nodes_featureids")?, ints("nodes_truenodeids")?, ints("nodes_falsenodeids")?);
        let values = self.numbers("nodes_values")?.ok_or_else(|| self.wrong("its nodes have no values"))?;
        let Some(MlValue::Texts(modes)) = self.get("nodes_modes") else {
            return Err(self.wrong("it has no `nodes_modes`"));
        };
        let tracks = match self.get("nodes_missing_value_tracks_true") {
            Some(MlValue::Ints(tracks)) if !tracks.is_empty() => tracks.clone(),
            _ => vec![0; trees.len()],
        };
        let lengths = [ids.len(), features.len(), yes.len(), no.len(), values.len(), modes.len(), tracks.len()];
        if lengths != [trees.len(); 7] {
            return Err(self.wrong("the lists of its nodes are of different lengths"));
        }
        let mut places: BTreeMap<i64, Vec<usize>> = BTreeMap::new();
        trees.iter().enumerate().for_each(|(at, tree)| places.entry(*tree).or_default().push(at));
        let highest = features.iter().copied().max().unwrap_or(0);
        let count = match self.file.features {
            Some(count) => count,
            None => usize::try_from(highest).unwrap_or(usize::MAX).saturating_add(1),
        };
        if !(1..=MAX_FEATURES).contains(&count) {
            return Err(self.wrong(format!("a model of {count} features; 1 to {MAX_FEATURES} are possible")));
        }
        let mut grown = vec![];
        let mut met = 0;
        for tree in self.trees()? {
            let own = &places[&tree];
            let place_of: HashMap<i64, u32> =
                own.iter().enumerate().map(|(at, &node)| (ids[node], at as u32)).collect();
            if place_of.len() != own.len() {
                return Err(self.bad(tree, "two nodes have one number"));
            }
            let adds = own.iter().filter_map(|&node| leaves.get(&(tree, ids[node]))).flatten();
            let outputs: BTreeSet<u32> = adds.map(|(output, _)| *output).collect();
            for (to, output) in chosen.iter().enumerate().filter(|(_, output)| outputs.contains(output)) {
                met += own.len();
                if met > MOST_NODES {
                    return Err(unsupported(
                        self.place,
                        format!("more than {MOST_NODES} nodes, each of its outputs counted"),
                    ));
                }
                let node = |&at: &usize| -> Result<Node, String> {
                    let child = |id: i64| {
                        place_of.get(&id).copied().ok_or_else(|| format!("a child is node {id}, which it has not"))
                    };
                    let (test, turned) = match modes[at].as_str() {
                        "LEAF" => {
                            let weights = leaves.get(&(tree, ids[at])).into_iter().flatten();
                            return Ok(Node::Leaf(
                                weights.filter(|(id, _)| id == output).map(|(_, weight)| weight).sum(),
                            ));
                        }
                        "BRANCH_LEQ" => (Test::AtMost(values[at]), false),
                        "BRANCH_LT" => (Test::Below(values[at]), false),
                        "BRANCH_GT" => (Test::AtMost(values[at]), true),
                        "BRANCH_GTE" => (Test::Below(values[at]), true),
                        other => return Err(format!("nodes of the mode `{}` are not supported", other.escape_debug())),
                    };
                    let feature =
                        u32::try_from(features[at]).map_err(|_| format!("it asks for feature {}", features[at]))?;
                    let (mut left, mut right) = (child(yes[at])?, child(no[at])?);
                    // A missing value fails every test, unless the node says that it goes where those go that pass.
                    let mut goes_left = tracks[at] != 0;
                    if turned {
                        std::mem::swap(&mut left, &mut right);
                        goes_left = !goes_left;
                    }
                    let missing = if goes_left { Missing::Left } else { Missing::Right };
                    Ok(Node::Split(Split { feature, test, missing, left, right }))
                };
                let nodes = own.iter().map(node).collect::<Result<Vec<_>, String>>();
                let nodes = nodes.map_err(|why| self.bad(tree, why))?;
                let made = Tree::grow(to as u32, &nodes, false).map_err(|NoTree(why)| self.bad(tree, why))?;
                grown.push(made);
            }
        }
        let number = if self.file.doubles { Number::F64 } else { Number::F32 };
        Ok(Ensemble {
            features: (0..count).map(|at| format!("x{at}")).collect(),
            inputs: number,
            sums: number,
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
