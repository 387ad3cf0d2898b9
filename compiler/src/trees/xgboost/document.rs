//! The document of `save_model`, whether it was JSON or UBJSON.

use super::{Head, bad_tree, bounded, categorical, grow, names, numeric, weigh};
use crate::diagnostic::Diagnostic;
use crate::trees::categories::Room;
use crate::trees::codes::{UNSUPPORTED, malformed, unsupported};
use crate::trees::document::Document;
use crate::trees::tree::Node;
use crate::trees::{Ensemble, Number, Tree};

/// The model that the document is.
pub(in super::super) fn read(place: &str, document: &Document) -> Result<Ensemble, Vec<Diagnostic>> {
    let learner = Part { place, path: "learner".to_owned(), value: document.get("learner") };
    let params = learner.part("learner_model_param");
    let booster = learner.part("gradient_booster");
    let classes = params.whole("num_class")?;
    let targets = params.part("num_target").value.and_then(Document::whole).unwrap_or(1);
    let (outputs, count) = bounded(place, classes.max(targets).max(1), params.whole("num_feature")?)?;
    let said = learner.part("feature_names").value.and_then(Document::list).unwrap_or_default();
    let features = names(place, said.iter().filter_map(Document::text).map(str::to_owned).collect(), count)?;
    let objective = learner.part("objective").text("name")?.to_owned();
    let base_score = base_score(params.text("base_score")?)
        .ok_or_else(|| malformed(place, "`base_score` of `learner_model_param` is no number"))?;
    let head = Head { place, features, outputs, objective, base_score, is_margin: false };
    match booster.text("name")? {
        "gbtree" => {
            let trees = read_trees(&booster.part("model"), outputs, None)?;
            check_stop(&learner, &booster.part("model"), trees.len() / outputs)?;
            head.ensemble(trees, vec![])
        }
        "dart" => {
            let weights = booster.numbers("weight_drop")?;
            let trees = read_trees(&booster.part("gbtree").part("model"), outputs, Some(&weights))?;
            check_stop(&learner, &booster.part("gbtree").part("model"), trees.len() / outputs)?;
            head.ensemble(trees, vec![])
        }
        "gblinear" => {
            let weights = booster.part("model").numbers("weights")?;
            linear(head, weights.into_iter().map(|weight| Number::F32.round(weight)).collect())
        }
        other => Err(unsupported(place, format!("the booster `{other}`"))),
    }
}

/// Refuses a model that was stopped early and still has the rounds after its best: some of XGBoost's interfaces use all, some the best.
fn check_stop(learner: &Part<'_>, model: &Part<'_>, trees: usize) -> Result<(), Vec<Diagnostic>> {
    let Some(best) = learner.part("attributes").part("best_iteration").value.and_then(Document::whole) else {
        return Ok(());
    };
    let parallel = model.part("gbtree_model_param").part("num_parallel_tree").value.and_then(Document::whole);
    let rounds = trees as i64 / parallel.unwrap_or(1).max(1);
    if best.saturating_add(1) >= rounds {
        return Ok(());
    }
    let what = format!("{rounds} rounds of which `best_iteration` says that the best is {best}");
    let help = "save the rounds that are meant: `booster[: booster.best_iteration + 1].save_model(\"model.ubj\")`";
    Err(vec![Diagnostic::new(UNSUPPORTED, what).at(learner.place).help(help)])
}

/// A number, or a list of them, as version 3.1 writes it.
fn base_score(text: &str) -> Option<Vec<f32>> {
    let inside = text.trim().trim_start_matches('[').trim_end_matches(']');
    inside.split(',').map(|number| number.trim().parse().ok()).collect()
}

/// Weights `[feature][output]`, and last the biases, which are part of every sum.
pub(super) fn linear(mut head: Head<'_>, mut weights: Vec<f64>) -> Result<Ensemble, Vec<Diagnostic>> {
    let (features, outputs) = (head.features.len(), head.outputs);
    if weights.len() != (features + 1) * outputs {
        let wanted = (features + 1) * outputs;
        return Err(malformed(
            head.place,
            format!("a linear model of {} weights where {wanted} belong", weights.len()),
        ));
    }
    let biases = weights.split_off(features * outputs);
    let score = std::mem::replace(&mut head.base_score, vec![0.0]);
    let mut ensemble = Head { base_score: score, ..head }.ensemble(vec![], weights)?;
    for (base, bias) in ensemble.base.iter_mut().zip(biases) {
        *base = f64::from(bias as f32 + *base as f32);
    }
    Ok(ensemble)
}

/// A value of the document, and the way to it.
struct Part<'a> {
    place: &'a str,
    path: String,
    value: Option<&'a Document>,
}

impl<'a> Part<'a> {
    fn part(&self, key: &str) -> Part<'a> {
        let value = self.value.and_then(|value| value.get(key));
        Part { place: self.place, path: format!("{}.{key}", self.path), value }
    }

    fn read<T>(
        &self,
        key: &str,
        wanted: &str,
        read: impl FnOnce(&'a Document) -> Option<T>,
    ) -> Result<T, Vec<Diagnostic>> {
        let part = self.part(key);
        let value = part.value.ok_or_else(|| malformed(self.place, format!("`{}` is missing", part.path)))?;
        read(value).ok_or_else(|| malformed(self.place, format!("`{}` is not {wanted}", part.path)))
    }

    fn whole(&self, key: &str) -> Result<i64, Vec<Diagnostic>> {
        self.read(key, "a whole number", Document::whole)
    }

    fn text(&self, key: &str) -> Result<&'a str, Vec<Diagnostic>> {
        self.read(key, "a text", Document::text)
    }

    fn list(&self, key: &str) -> Result<&'a [Document], Vec<Diagnostic>> {
        self.read(key, "a list", Document::list)
    }

    fn numbers(&self, key: &str) -> Result<Vec<f64>, Vec<Diagnostic>> {
        self.read(key, "a list of numbers", Document::numbers)
    }

    fn wholes(&self, key: &str) -> Result<Vec<i64>, Vec<Diagnostic>> {
        self.read(key, "a list of whole numbers", Document::wholes)
    }
}

fn read_trees(model: &Part<'_>, outputs: usize, weights: Option<&[f64]>) -> Result<Vec<Tree>, Vec<Diagnostic>> {
    let trees = model.list("trees")?;
    let groups = model.wholes("tree_info")?;
    if groups.len() != trees.len() || weights.is_some_and(|weights| weights.len() != trees.len()) {
        return Err(malformed(model.place, format!("other weights or groups than the {} trees", trees.len())));
    }
    let (mut read, mut errors, mut room) = (vec![], vec![], Room::new());
    for (at, (tree, &group)) in trees.iter().zip(&groups).enumerate() {
        let output = u32::try_from(group).ok().filter(|&output| (output as usize) < outputs);
        let tree = Part { place: model.place, path: format!("trees[{at}]"), value: Some(tree) };
        match (output, read_nodes(&tree, at, &mut room)) {
            (None, _) => errors.push(bad_tree(model.place, at, format!("a tree of group {group} of {outputs}"))),
            (_, Err(mut more)) => errors.append(&mut more),
            (Some(output), Ok(mut nodes)) => {
                if let Some(weights) = weights {
                    weigh(&mut nodes, weights[at] as f32);
                }
                match grow(model.place, at, output, &nodes) {
                    Ok(tree) => read.push(tree),
                    Err(error) => errors.push(error),
                }
            }
        }
    }
    if errors.is_empty() { Ok(read) } else { Err(errors) }
}

fn read_nodes(tree: &Part<'_>, at: usize, room: &mut Room) -> Result<Vec<Node>, Vec<Diagnostic>> {
    let left = tree.wholes("left_children")?;
    let right = tree.wholes("right_children")?;
    let features = tree.wholes("split_indices")?;
    // In JSON they are decimals, which mean the nearest f32.
    let conditions: Vec<f64> = tree.numbers("split_conditions")?.into_iter().map(|it| Number::F32.round(it)).collect();
    let default_left = tree.numbers("default_left")?;
    let kinds = match tree.part("split_type").value {
        Some(_) => tree.wholes("split_type")?,
        None => vec![0; left.len()],
    };
    let lengths = [right.len(), features.len(), conditions.len(), default_left.len(), kinds.len()];
    let wrong = |why: String| vec![bad_tree(tree.place, at, why)];
    if lengths.iter().any(|&len| len != left.len()) {
        return Err(wrong(format!("its lists are of different lengths: {} and {lengths:?}", left.len())));
    }
    let size = tree.part("tree_param").part("size_leaf_vector").value.and_then(Document::whole).unwrap_or(0);
    if size > 1 {
        return Err(unsupported(
            &format!("{}, tree {at}", tree.place),
            "leaves of several values (`multi_output_tree`)",
        ));
    }
    let sets = Sets::read(tree, at)?;
    let mut nodes = Vec::with_capacity(left.len());
    for node in 0..left.len() {
        if left[node] == -1 {
            nodes.push(Node::Leaf(conditions[node]));
            continue;
        }
        let index = |value: i64, what: &str| u32::try_from(value).map_err(|_| wrong(format!("a {what} is {value}")));
        let children = [index(left[node], "child")?, index(right[node], "child")?];
        let feature = index(features[node], "feature")?;
        let default_left = default_left[node] != 0.0;
        nodes.push(match kinds[node] {
            0 if conditions[node].is_nan() => return Err(wrong("a threshold is NaN".to_owned())),
            0 => numeric(feature, conditions[node] as f32, default_left, children),
            1 => categorical(feature, sets.get(node as i64, room).map_err(wrong)?, default_left, children),
            kind => return Err(wrong(format!("a split of the unknown kind {kind}"))),
        });
    }
    Ok(nodes)
}

/// The sets of categories of one tree: of `categories`, each node of `categories_nodes` has a segment.
struct Sets {
    nodes: Vec<i64>,
    segments: Vec<i64>,
    sizes: Vec<i64>,
    categories: Vec<i64>,
}

impl Sets {
    fn read(tree: &Part<'_>, at: usize) -> Result<Sets, Vec<Diagnostic>> {
        let list = |key| match tree.part(key).value {
            Some(_) => tree.wholes(key),
            None => Ok(vec![]),
        };
        let sets = Sets {
            nodes: list("categories_nodes")?,
            segments: list("categories_segments")?,
            sizes: list("categories_sizes")?,
            categories: list("categories")?,
        };
        if sets.segments.len() != sets.nodes.len() || sets.sizes.len() != sets.nodes.len() || !sets.nodes.is_sorted() {
            return Err(vec![bad_tree(
                tree.place,
                at,
                "its sets of categories are out of order, or of different numbers",
            )]);
        }
        // One after the other, as XGBoost writes them: sets that share their categories would be more than the file has.
        let ends = sets.segments.iter().zip(&sets.sizes).map(|(&segment, &size)| segment.checked_add(size));
        if !ends.zip(sets.segments.iter().skip(1)).all(|(end, &next)| end == Some(next)) {
            return Err(vec![bad_tree(tree.place, at, "its sets of categories do not follow one another")]);
        }
        Ok(sets)
    }

    /// The set of a node, as bits.
    fn get(&self, node: i64, room: &mut Room) -> Result<Box<[u32]>, String> {
        let at =
            self.nodes.binary_search(&node).map_err(|_| format!("node {node} splits on categories and has none"))?;
        let range = usize::try_from(self.segments[at]).ok().zip(usize::try_from(self.sizes[at]).ok());
        let range = range.and_then(|(start, size)| Some(start..start.checked_add(size)?));
        let codes = range.and_then(|range| self.categories.get(range));
        let codes = codes.ok_or_else(|| format!("the categories of node {node} lie outside"))?;
        let code = |&code: &i64| u32::try_from(code).map_err(|_| format!("{code} is no category"));
        let codes: Vec<u32> = codes.iter().map(code).collect::<Result<_, _>>()?;
        room.set(codes.into_iter())
    }
}
