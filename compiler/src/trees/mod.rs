//! Tree ensembles, from the files that their libraries write to one [`Ensemble`], with a plain evaluator that everything else is
//! held against.
//!
//! A reader takes bytes and trusts none of them: every count is held against the bytes that are there, every tree is proved to be
//! one (`Tree::grow`), and what this program does not compute is an error that names it. [`read`] tells the formats apart by their
//! first bytes, never by a file's name.

mod categories;
pub mod codes;
mod document;
mod lightgbm;
mod link;
mod onnx;
mod packed;
mod pickle;
mod probes;
mod scikit;
mod tree;
mod walk;
mod xgboost;

pub use modeldeploy_format::forest::{Link, Missing, Number};
pub use onnx::read_onnx;
pub use packed::pack;
pub use probes::probes;
pub use tree::{Node, Split, Test, Tree};

use crate::diagnostic::Diagnostic;

/// The most features of a model: what a row may take is bounded before memory is asked for.
pub const MAX_FEATURES: usize = 1 << 20;

/// The most outputs of a model.
pub const MAX_OUTPUTS: usize = 1 << 16;

/// A sum of trees: for a row of features, `link((base + Σ leaf) / divisor)` for each output.
///
/// The trees stand in the order in which their library adds them, so that the sum has its bits.
#[derive(Clone, Debug, PartialEq)]
pub struct Ensemble {
    /// The names of the features, in the order of a row's values.
    pub features: Vec<String>,
    /// What a feature's value is rounded to before it is compared.
    pub inputs: Number,
    /// What the leaves are added in.
    pub sums: Number,
    /// What each output's sum begins with; as many as there are outputs.
    pub base: Vec<f64>,
    /// The trees.
    pub trees: Vec<Tree>,
    /// Weights of a linear model (`gblinear`), `[feature][output]`; none of trees.
    pub linear: Vec<f64>,
    /// What the sums are divided by: the number of rounds where a forest is averaged, else 1.
    pub divisor: f64,
    /// From sums to predictions.
    pub link: Link,
}

impl Ensemble {
    /// How many values a row gets.
    pub fn outputs(&self) -> usize {
        self.base.len()
    }

    /// What the trees are, where every part is right by itself: features and outputs that exist, numbers that are finite.
    ///
    /// # Errors
    ///
    /// Everything that does not fit.
    pub fn check(self, place: &str) -> Result<Ensemble, Vec<Diagnostic>> {
        let mut errors = vec![];
        let mut wrong = |message: String| {
            errors.push(Diagnostic::new(codes::BAD_TREE, message).at(place).help("export the model again"));
        };
        // What is added in f32 is f32: the pack has it so, and the walk must add the same.
        let is_added = |value: f64| value.is_finite() && self.sums.round(value) == value;
        let finite = |values: &[f64]| values.iter().all(|&value| is_added(value));
        if self.features.is_empty() || self.features.len() > MAX_FEATURES {
            wrong(format!("a model of {} features; 1 to {MAX_FEATURES} are possible", self.features.len()));
        }
        if self.base.is_empty() || self.base.len() > MAX_OUTPUTS {
            wrong(format!("a model of {} outputs; 1 to {MAX_OUTPUTS} are possible", self.base.len()));
        }
        if !finite(&self.base) || !finite(&self.linear) || !self.divisor.is_finite() || self.divisor <= 0.0 {
            wrong("a number that every row gets is not finite, or not of the kind that is added".to_owned());
        }
        if !self.linear.is_empty() && self.linear.len() != self.features.len() * self.base.len() {
            wrong(format!("a linear model of {} weights; features × outputs are needed", self.linear.len()));
        }
        for (at, tree) in self.trees.iter().enumerate() {
            if tree.output as usize >= self.base.len() {
                wrong(format!("tree {at} adds to output {}, and there are {}", tree.output, self.base.len()));
            }
            for node in tree.nodes() {
                match node {
                    Node::Leaf(value) if !is_added(*value) => wrong(format!("a leaf of tree {at} is {value}")),
                    Node::Split(split) if split.feature as usize >= self.features.len() => wrong(format!(
                        "a node of tree {at} asks for feature {}, and there are {}",
                        split.feature,
                        self.features.len()
                    )),
                    Node::Split(Split { test: Test::AtMost(threshold) | Test::Below(threshold), .. })
                        if threshold.is_nan()
                            || (*threshold == f64::NEG_INFINITY
                                && matches!(node, Node::Split(Split { test: Test::Below(_), .. }))) =>
                    {
                        wrong(format!("a threshold of tree {at} is {threshold}"));
                    }
                    Node::Split(Split { test: Test::Among(values), .. })
                        if values.iter().any(|value| value.is_nan()) || !values.is_sorted_by(|a, b| a < b) =>
                    {
                        wrong(format!("the members of a set of tree {at} do not ascend"));
                    }
                    _ => {}
                }
            }
        }
        if errors.is_empty() { Ok(self) } else { Err(errors) }
    }
}

/// Reads a model file of LightGBM (text or JSON), XGBoost (JSON, UBJSON, or the binary format of versions before 2), or of scikit-learn (a
/// pickle, or what joblib writes). Nothing in a pickle is executed.
///
/// # Errors
///
/// Everything that is wrong with it; `place` is how errors call the file.
pub fn read(place: &str, bytes: &[u8]) -> Result<Ensemble, Vec<Diagnostic>> {
    let text = bytes.trim_ascii_start();
    if text.starts_with(b"tree\n") || text.starts_with(b"tree\r\n") {
        return lightgbm::read_text(place, bytes)?.check(place);
    }
    if scikit::is_pickle(bytes) {
        return scikit::read(place, bytes)?.check(place);
    }
    if text.starts_with(b"{") {
        // UBJSON has a marker of a length where JSON has white space, a quote or the end.
        let ubjson = bytes.get(1).is_some_and(|byte| b"iUIlL$#".contains(byte));
        let document = if ubjson { document::ubjson(bytes) } else { document::json(bytes) };
        let document = document.map_err(|why| {
            let form = if ubjson { "UBJSON" } else { "JSON" };
            let help = "download or export the file again, as its library writes it";
            vec![Diagnostic::new(codes::MALFORMED, format!("the file is not {form}: {why}")).at(place).help(help)]
        })?;
        return match document.get("learner") {
            Some(_) => xgboost::read_document(place, &document)?.check(place),
            None => lightgbm::read_document(place, &document)?.check(place),
        };
    }
    if xgboost::is_binary(bytes) {
        return xgboost::read_binary(place, bytes)?.check(place);
    }
    Err(vec![
        Diagnostic::new(codes::NOT_TREES, "not a model file of trees that is known")
            .at(place)
            .help("LightGBM: `booster.save_model(\"model.txt\")`; XGBoost: `booster.save_model(\"model.ubj\")`; scikit-learn: `joblib.dump(model, \"model.pkl\")`"),
    ])
}
