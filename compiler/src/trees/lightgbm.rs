//! LightGBM's models: the text that `save_model` writes, and the JSON of `dump_model`.
//!
//! The formats are those of LightGBM's `src/boosting/gbdt_model_text.cpp` and `src/io/tree.cpp`, versions 2 to 4.

mod json;
mod text;

pub(super) use json::read as read_document;
pub(super) use text::read as read_text;

use super::codes::{malformed, unsupported};
use super::tree::{NoTree, Node, Split, Test};
use super::{Ensemble, Link, MAX_FEATURES, MAX_OUTPUTS, Missing, Number, Tree, codes};
use crate::diagnostic::Diagnostic;

/// What both formats say of a model besides its trees.
struct Head<'a> {
    place: &'a str,
    /// `num_tree_per_iteration`: tree `i` adds to output `i % outputs`.
    outputs: usize,
    features: Vec<String>,
    /// As `binary sigmoid:1`; absent where the objective is the user's own, whose predictions are the sums.
    objective: Option<String>,
    /// `average_output`: a random forest.
    average: bool,
    /// Whether `version` is one of those that LightGBM wrote before 2.3.
    old: bool,
}

/// Whether a file is of LightGBM before 2.3.
fn is_old(version: Option<&str>) -> bool {
    matches!(version, None | Some("v1" | "v2"))
}

impl Head<'_> {
    fn ensemble(self, trees: Vec<Tree>) -> Result<Ensemble, Vec<Diagnostic>> {
        let Head { place, outputs, features, objective, average, old } = self;
        if !trees.len().is_multiple_of(outputs) {
            return Err(malformed(place, format!("{} trees are not whole rounds of {outputs}", trees.len())));
        }
        let rounds = trees.len() / outputs;
        if average && rounds == 0 {
            return Err(malformed(place, "a random forest without trees"));
        }
        let divisor = if average { rounds as f64 } else { 1.0 };
        let link = match objective {
            None => Link::Identity,
            Some(objective) if average && old => link_of_old_forest(place, &objective, outputs, &trees)?,
            Some(objective) => link(place, &objective)?,
        };
        let base = vec![0.0; outputs];
        Ok(Ensemble { features, inputs: Number::F64, sums: Number::F64, base, trees, linear: vec![], divisor, link })
    }
}

/// The number of outputs, if there can be so many.
fn outputs(place: &str, said: Option<i64>) -> Result<usize, Vec<Diagnostic>> {
    let outputs = said.ok_or_else(|| malformed(place, "`num_tree_per_iteration` is missing or no number"))?;
    usize::try_from(outputs)
        .ok()
        .filter(|outputs| (1..=MAX_OUTPUTS).contains(outputs))
        .ok_or_else(|| malformed(place, format!("`num_tree_per_iteration` cannot be {outputs}")))
}

/// The number of features, if there can be so many.
fn features(place: &str, last: Option<i64>) -> Result<usize, Vec<Diagnostic>> {
    let last = last.ok_or_else(|| malformed(place, "`max_feature_idx` is missing or no number"))?;
    usize::try_from(last)
        .ok()
        .filter(|&last| last < MAX_FEATURES)
        .map(|last| last + 1)
        .ok_or_else(|| malformed(place, format!("`max_feature_idx` cannot be {last}")))
}

/// What the objective makes of the sums.
fn link(place: &str, objective: &str) -> Result<Link, Vec<Diagnostic>> {
    let mut words = objective.split_ascii_whitespace();
    let name = words.next().unwrap_or_default();
    let mut sigmoid = 1.0;
    let mut square = false;
    for word in words {
        match word.split_once(':') {
            Some(("sigmoid", scale)) => {
                let scale: Option<f64> = scale.parse().ok().filter(|scale: &f64| *scale > 0.0 && scale.is_finite());
                sigmoid = scale.ok_or_else(|| malformed(place, format!("the objective's `{word}` is no number")))?;
            }
            // They have no part in predictions.
            Some(_) => {}
            None if word == "sqrt" => square = true,
            None => return Err(unsupported(place, format!("the objective `{objective}` is not known"))),
        }
    }
    Ok(match name {
        // Versions before 2.2 kept it for `huber`; those that write no `sqrt` there compute none.
        "regression" | "regression_l2" | "regression_l1" | "huber" | "fair" | "quantile" | "mape" if square => {
            Link::Square
        }
        _ if square => return Err(unsupported(place, format!("the objective `{objective}`"))),
        "regression" | "regression_l2" | "regression_l1" | "huber" | "fair" | "quantile" | "mape" | "lambdarank"
        | "rank_xendcg" | "custom" => Link::Identity,
        "poisson" | "gamma" | "tweedie" => Link::Exp,
        "binary" | "multiclassova" => Link::Sigmoid(sigmoid),
        "cross_entropy" | "xentropy" => Link::Sigmoid(1.0),
        "cross_entropy_lambda" | "xentlambda" => Link::Softplus,
        "multiclass" => Link::Softmax,
        _ => return Err(unsupported(place, format!("the objective `{objective}` is not known"))),
    })
}

/// What the objective makes of the average of a forest of before 2.3. Until 2.2.2 the leaves of a forest were predictions; 2.2.3 wrote
/// the same `version`, with sums in the leaves as all later ones do. Where the leaves themselves do not tell, it is an error.
fn link_of_old_forest(place: &str, objective: &str, outputs: usize, trees: &[Tree]) -> Result<Link, Vec<Diagnostic>> {
    let link = link(place, objective)?;
    let all = |is: fn(f64) -> bool| trees.iter().flat_map(Tree::leaves).all(is);
    match link {
        Link::Identity => Ok(link),
        Link::Sigmoid(_) if outputs == 1 => {
            Ok(if all(|leaf| (0.0..=1.0).contains(&leaf)) { Link::Identity } else { link })
        }
        // No prediction of these is negative.
        Link::Exp | Link::Softplus if !all(|leaf| leaf >= 0.0) => Ok(link),
        _ => Err(unsupported(
            place,
            format!(
                "a random forest of LightGBM before 2.3 with the objective `{objective}`: whether its leaves are sums cannot be told"
            ),
        )),
    }
}

/// A split on a number, as `missing_type` and `default_left` have it.
fn numeric(feature: u32, threshold: f64, missing: Missing, children: [u32; 2]) -> Node {
    let [left, right] = children;
    Node::Split(Split { feature, test: Test::AtMost(threshold), missing, left, right })
}

/// A split on a category: those of the set go left, all others and NaN right.
fn categorical(feature: u32, set: Box<[u32]>, children: [u32; 2]) -> Node {
    let [left, right] = children;
    Node::Split(Split { feature, test: Test::In(set), missing: Missing::Right, left, right })
}

fn bad_tree(place: &str, tree: usize, why: impl Into<String>) -> Diagnostic {
    Diagnostic::new(codes::BAD_TREE, why)
        .at(format!("{place}, tree {tree}"))
        .help("export the model again, as its library writes it")
}

fn grow(place: &str, tree: usize, output: usize, nodes: &[Node]) -> Result<Tree, Diagnostic> {
    Tree::grow(output as u32, nodes, false).map_err(|NoTree(why)| bad_tree(place, tree, why))
}
