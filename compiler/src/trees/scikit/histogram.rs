//! Gradient boosting over histograms: what training began with, and after it the trees' own values, in f64. Values are compared as f64,
//! and missing ones go where each node says.

use super::super::pickle::Records;
use super::super::tree::{NoTree, Node, Split, Test, Tree};
use super::super::{Ensemble, Link, MAX_OUTPUTS, Missing, Number};
use super::categorical::Categories;
use super::fields::{Instance, Reader};
use super::nodes::index;
use super::{Wrong, features};

/// What records may hold; only some of it decides.
const FIELDS: [&str; 13] = [
    "value",
    "count",
    "feature_idx",
    "num_threshold",
    "missing_go_to_left",
    "left",
    "right",
    "gain",
    "depth",
    "is_leaf",
    "bin_threshold",
    "is_categorical",
    "bitset_idx",
];

pub(super) fn read(reader: &Reader<'_>, model: &Instance<'_>) -> Result<Ensemble, Wrong> {
    let link = match reader.class_of(model, "_loss") {
        Some("LeastSquares" | "LeastAbsoluteDeviation" | "HalfSquaredError" | "AbsoluteError" | "PinballLoss") => {
            Link::Identity
        }
        Some("Poisson" | "HalfPoissonLoss" | "HalfGammaLoss") => Link::Exp,
        Some("BinaryCrossEntropy" | "HalfBinomialLoss") => Link::Sigmoid(1.0),
        Some("CategoricalCrossEntropy" | "HalfMultinomialLoss") => Link::Softmax,
        other => {
            let loss = other.unwrap_or("none").escape_debug();
            return Err(Wrong::Unsupported(format!("the class `{}` with the loss `{loss}`", model.name())));
        }
    };
    let features = features(reader, model)?;
    let mut categories = Categories::read(reader, model, features.len())?;
    let base = reader.field(model, "_baseline_prediction").and_then(|base| {
        reader.pickle.numbers(base).map(|(_, base)| base).or_else(|| Some(vec![reader.pickle.number(base)?]))
    });
    let base = base.filter(|base| (1..=MAX_OUTPUTS).contains(&base.len()));
    let base = base.ok_or(Wrong::Missing("_baseline_prediction"))?;
    let rounds = reader.field(model, "_predictors").and_then(|rounds| reader.pickle.list(rounds));
    let (mut trees, mut bytes) = (vec![], 0);
    for round in rounds.ok_or(Wrong::Missing("_predictors"))? {
        let round = reader.pickle.list(round).filter(|round| round.len() == base.len());
        for (output, predictor) in round.ok_or(Wrong::Missing("_predictors"))?.iter().enumerate() {
            let at = trees.len();
            let predictor = reader.instance(predictor);
            let records = predictor.as_ref().and_then(|it| reader.pickle.records(reader.field(it, "nodes")?));
            let records = records.ok_or_else(|| Wrong::Tree(at, "`nodes` are not what they should be".to_owned()))?;
            let sets = predictor.and_then(|it| reader.numbers(&it, "raw_left_cat_bitsets")).unwrap_or_default();
            bytes += records.bytes() + size_of::<u32>() * sets.len();
            if bytes > reader.len {
                let why = "there are fewer bytes than the nodes and sets take: one tree stands in several places";
                return Err(Wrong::Tree(at, why.to_owned()));
            }
            trees.push(tree(&records, &sets, &mut categories, output, at)?);
        }
    }
    Ok(Ensemble { features, inputs: Number::F64, sums: Number::F64, base, trees, linear: vec![], divisor: 1.0, link })
}

/// Words of a set of numbers of categories.
const SET: usize = 8;

fn tree(
    records: &Records<'_>,
    sets: &[f64],
    categories: &mut Categories,
    output: usize,
    at: usize,
) -> Result<Tree, Wrong> {
    let wrong = |why| Wrong::Tree(at, why);
    if let Some(unknown) = records.names().find(|name| !FIELDS.contains(name)) {
        return Err(wrong(format!("its nodes have `{}`, which is not known", unknown.escape_debug())));
    }
    let node = |node: usize| {
        let field = |name: &str| records.number(node, name).ok_or_else(|| wrong(format!("its nodes have no `{name}`")));
        if field("is_leaf")? != 0.0 {
            return Ok(Node::Leaf(field("value")?));
        }
        let number = |name: &str| index(field(name)?).map_err(wrong);
        let (asked, left, right) = (number("feature_idx")?, number("left")?, number("right")?);
        let feature = categories.feature(asked).map_err(wrong)?;
        let missing_goes_left = field("missing_go_to_left")? != 0.0;
        if field("is_categorical")? != 0.0 {
            let set = number("bitset_idx")? as usize;
            let words = sets.chunks_exact(SET).nth(set);
            let words = words.ok_or_else(|| wrong(format!("its node {node} has no set of categories {set}")))?;
            // What is missing or not known goes with those for whom the test does not hold.
            let test = categories.test(asked, words, !missing_goes_left).map_err(wrong)?;
            let (left, right) = if missing_goes_left { (right, left) } else { (left, right) };
            return Ok(Node::Split(Split { feature, test, missing: Missing::Right, left, right }));
        }
        let threshold = field("num_threshold")?;
        if threshold.is_nan() {
            return Err(wrong("a threshold is NaN".to_owned()));
        }
        let missing = if missing_goes_left { Missing::Left } else { Missing::Right };
        Ok(Node::Split(Split { feature, test: Test::AtMost(threshold), missing, left, right }))
    };
    let nodes = (0..records.len()).map(node).collect::<Result<Vec<_>, Wrong>>()?;
    Tree::grow(output as u32, &nodes, false).map_err(|NoTree(why)| wrong(why))
}
