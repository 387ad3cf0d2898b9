//! XGBoost's models: the document of `save_model`, as JSON or UBJSON, and the binary format of versions before 2.
//!
//! The formats are those of XGBoost's `doc/model.schema`, and of `src/learner.cc`, `src/gbm/gbtree_model.h` and
//! `include/xgboost/tree_model.h` of version 0.9 for the binary one.

mod binary;
mod document;

pub(super) use binary::{is_binary, read as read_binary};
pub(super) use document::read as read_document;

use super::codes::{malformed, unsupported};
use super::tree::{NoTree, Node, Split, Test};
use super::{Ensemble, Link, MAX_FEATURES, MAX_OUTPUTS, Missing, Number, Tree, codes};
use crate::diagnostic::Diagnostic;

/// What both formats say of a model besides its trees.
struct Head<'a> {
    place: &'a str,
    features: Vec<String>,
    /// `num_output_group`: what a row gets.
    outputs: usize,
    objective: String,
    /// As it is saved, one or one for each output.
    base_score: Vec<f32>,
    /// Whether that is what sums begin with, as versions before 1 have it, and not a prediction.
    is_margin: bool,
}

impl Head<'_> {
    fn ensemble(self, trees: Vec<Tree>, linear: Vec<f64>) -> Result<Ensemble, Vec<Diagnostic>> {
        let Head { place, features, outputs, objective, base_score, is_margin } = self;
        let (link, margin) = objective_of(place, &objective)?;
        let margin = if is_margin { |score| score } else { margin };
        let base: Vec<f64> = match base_score.as_slice() {
            [one] => vec![f64::from(margin(*one)); outputs],
            many if many.len() == outputs => many.iter().map(|&score| f64::from(margin(score))).collect(),
            many => return Err(malformed(place, format!("`base_score` has {} values for {outputs}", many.len()))),
        };
        Ok(Ensemble { features, inputs: Number::F32, sums: Number::F32, base, trees, linear, divisor: 1.0, link })
    }
}

/// The number of outputs and of features, if there can be so many.
fn bounded(place: &str, outputs: i64, features: i64) -> Result<(usize, usize), Vec<Diagnostic>> {
    let within = |count: i64, most: usize, what: &str| {
        let fits = usize::try_from(count).ok().filter(|count| (1..=most).contains(count));
        fits.ok_or_else(|| malformed(place, format!("a model cannot have {count} {what}")))
    };
    Ok((within(outputs, MAX_OUTPUTS, "outputs")?, within(features, MAX_FEATURES, "features")?))
}

/// From a score to the margin that sums begin with.
type Margin = fn(f32) -> f32;

/// What an objective makes of sums, and of the base score. `ln` is that of the library `libm`, whose bits are the same on every host: a
/// pack has them.
fn objective_of(place: &str, name: &str) -> Result<(Link, Margin), Vec<Diagnostic>> {
    let same: Margin = |score| score;
    let logit: Margin = |score| -libm::logf(1.0 / score - 1.0);
    let log: Margin = libm::logf;
    Ok(match name {
        "reg:squarederror"
        | "reg:linear"
        | "reg:squaredlogerror"
        | "reg:pseudohubererror"
        | "reg:absoluteerror"
        | "reg:quantileerror"
        | "rank:pairwise"
        | "rank:ndcg"
        | "rank:map"
        | "binary:logitraw" => (Link::Identity, same),
        "binary:logistic" | "reg:logistic" => (Link::Sigmoid(1.0), logit),
        "binary:hinge" => (Link::Step, same),
        "count:poisson" | "reg:gamma" | "reg:tweedie" | "survival:cox" | "survival:aft" => (Link::Exp, log),
        // The class of `multi:softmax` is the one with the greatest probability.
        "multi:softmax" | "multi:softprob" => (Link::Softmax, same),
        _ => return Err(unsupported(place, format!("the objective `{name}` is not known"))),
    })
}

/// A split on a number; what is missing is NaN.
fn numeric(feature: u32, threshold: f32, default_left: bool, [left, right]: [u32; 2]) -> Node {
    Node::Split(Split { feature, test: Test::Below(f64::from(threshold)), missing: missing(default_left), left, right })
}

/// A split on a category: those of the set go right.
fn categorical(feature: u32, set: Box<[u32]>, default_left: bool, [left, right]: [u32; 2]) -> Node {
    Node::Split(Split { feature, test: Test::NotIn(set), missing: missing(default_left), left, right })
}

fn missing(default_left: bool) -> Missing {
    if default_left { Missing::Left } else { Missing::Right }
}

fn bad_tree(place: &str, tree: usize, why: impl Into<String>) -> Diagnostic {
    Diagnostic::new(codes::BAD_TREE, why)
        .at(format!("{place}, tree {tree}"))
        .help("export the model again, as its library writes it")
}

/// The tree of nodes among which may be some that were pruned.
fn grow(place: &str, tree: usize, output: u32, nodes: &[Node]) -> Result<Tree, Diagnostic> {
    Tree::grow(output, nodes, true).map_err(|NoTree(why)| bad_tree(place, tree, why))
}

/// The features' names; where the file has none, `f0`, `f1` and so on, as XGBoost itself calls them.
fn names(place: &str, said: Vec<String>, count: usize) -> Result<Vec<String>, Vec<Diagnostic>> {
    match said.len() {
        0 => Ok((0..count).map(|at| format!("f{at}")).collect()),
        len if len == count => Ok(said),
        len => Err(malformed(place, format!("`feature_names` has {len} names for {count} features"))),
    }
}

/// Each tree's leaves times the tree's own weight, as DART has them.
fn weigh(nodes: &mut [Node], weight: f32) {
    for node in nodes {
        if let Node::Leaf(value) = node {
            *value = f64::from(*value as f32 * weight);
        }
    }
}
