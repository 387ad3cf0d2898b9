//! The text format: a head of `key=value` lines, then a block of them for each tree, up to `end of trees`.

use super::{Head, bad_tree, categorical, features, grow, is_old, numeric, outputs};
use crate::diagnostic::Diagnostic;
use crate::trees::categories::Room;
use crate::trees::codes::{malformed, unsupported};
use crate::trees::tree::Node;
use crate::trees::{Ensemble, Missing, Tree};
use std::collections::BTreeMap;
use std::str::FromStr;

/// The bits of a node's `decision_type`.
const CATEGORICAL: u8 = 1;
const DEFAULT_LEFT: u8 = 2;
const MISSING_SHIFT: u8 = 2;

/// The model that the text is.
pub(in super::super) fn read(place: &str, bytes: &[u8]) -> Result<Ensemble, Vec<Diagnostic>> {
    let text = std::str::from_utf8(bytes)
        .map_err(|error| malformed(place, format!("byte {} is not UTF-8", error.valid_up_to())))?;
    // What follows the trees, importances and parameters, has no part in predictions.
    let cut_short = || malformed(place, "the line `end of trees` is missing: the file was cut short");
    let ended = text.split_once("end of trees");
    // Versions before 2.2 went on with the importances at once.
    let (text, _) = ended.or_else(|| text.split_once("\nfeature importances:")).ok_or_else(cut_short)?;
    let (mut head, mut blocks) = (Block::default(), vec![]);
    let mut block = &mut head;
    for line in text.lines().map(str::trim_end).filter(|line| !line.is_empty()) {
        let (key, value) = line.split_once('=').unwrap_or((line, ""));
        if key == "Tree" {
            if value.parse() != Ok(blocks.len()) {
                return Err(malformed(place, format!("`{line}` stands where tree {} should", blocks.len())));
            }
            blocks.push(Block::default());
            block = blocks.last_mut().expect("was pushed");
        } else if block.0.insert(key, value).is_some() {
            return Err(malformed(place, format!("`{key}` stands twice in one block")));
        }
    }
    let mut head = read_head(place, &head)?;
    if ended.is_none() && !head.old {
        return Err(cut_short());
    }
    if ended.is_none() && head.average {
        // The leaves of their forests were predictions: no function was to come.
        head.objective = None;
    }
    let said = head_trees(&text[..text.find("\nTree=").unwrap_or(text.len())]);
    if said.is_some_and(|said| said != blocks.len()) {
        return Err(malformed(place, format!("`tree_sizes` has other trees than the {} that are there", blocks.len())));
    }
    let (mut trees, mut errors, mut room) = (vec![], vec![], Room::new());
    for (at, block) in blocks.iter().enumerate() {
        match read_tree(place, at, block, head.outputs, &mut room) {
            Ok(tree) => trees.push(tree),
            Err(mut more) => errors.append(&mut more),
        }
    }
    if errors.is_empty() { head.ensemble(trees) } else { Err(errors) }
}

/// The number of trees that the head says, where it says one.
fn head_trees(head: &str) -> Option<usize> {
    let sizes = head.lines().find_map(|line| line.strip_prefix("tree_sizes="))?;
    Some(sizes.split_ascii_whitespace().count())
}

fn read_head<'a>(place: &'a str, head: &Block<'_>) -> Result<Head<'a>, Vec<Diagnostic>> {
    let whole = |key| head.0.get(key).and_then(|value| value.parse().ok());
    let outputs = outputs(place, whole("num_tree_per_iteration"))?;
    let count = features(place, whole("max_feature_idx"))?;
    let names = head.0.get("feature_names").copied().unwrap_or_default();
    let features: Vec<String> = names.split_ascii_whitespace().map(str::to_owned).collect();
    if features.len() != count {
        return Err(malformed(place, format!("`feature_names` has {} names for {count} features", features.len())));
    }
    let objective = head.0.get("objective").map(|&objective| objective.to_owned());
    let (average, old) = (head.0.contains_key("average_output"), is_old(head.0.get("version").copied()));
    Ok(Head { place, outputs, features, objective, average, old })
}

/// The lines of the head or of one tree.
#[derive(Default)]
struct Block<'a>(BTreeMap<&'a str, &'a str>);

impl Block<'_> {
    fn one<T: FromStr>(&self, key: &str) -> Result<T, String> {
        let value = self.0.get(key).ok_or_else(|| format!("`{key}` is missing"))?;
        value.parse().map_err(|_| format!("`{key}` cannot be `{value}`"))
    }

    /// The `count` values of a key.
    fn list<T: FromStr>(&self, key: &str, count: usize) -> Result<Vec<T>, String> {
        let words = self.0.get(key).ok_or_else(|| format!("`{key}` is missing"))?.split_ascii_whitespace();
        let found: Vec<T> = words
            .map(|word| word.parse().map_err(|_| format!("`{key}` cannot hold `{word}`")))
            .collect::<Result<_, _>>()?;
        if found.len() == count { Ok(found) } else { Err(format!("`{key}` has {} values for {count}", found.len())) }
    }
}

fn read_tree(
    place: &str,
    at: usize,
    block: &Block<'_>,
    outputs: usize,
    room: &mut Room,
) -> Result<Tree, Vec<Diagnostic>> {
    if block.0.get("is_linear").is_some_and(|&linear| linear != "0") {
        return Err(unsupported(&format!("{place}, tree {at}"), "a tree with linear models in its leaves"));
    }
    let nodes = read_nodes(block, room).map_err(|why| vec![bad_tree(place, at, why)])?;
    grow(place, at, at % outputs, &nodes).map_err(|error| vec![error])
}

/// The splits, then the leaves: a child `c` that is negative is the leaf `!c`.
fn read_nodes(block: &Block<'_>, room: &mut Room) -> Result<Vec<Node>, String> {
    let leaves: usize = block.one("num_leaves")?;
    let values: Vec<f64> = block.list("leaf_value", leaves)?;
    // One value a leaf was read: there are no more splits than there are bytes.
    let splits = leaves.checked_sub(1).ok_or("a tree without a leaf")?;
    if splits == 0 {
        return Ok(vec![Node::Leaf(values[0])]);
    }
    let feature: Vec<u32> = block.list("split_feature", splits)?;
    let threshold: Vec<f64> = block.list("threshold", splits)?;
    let decision: Vec<u8> = block.list("decision_type", splits)?;
    let left: Vec<i64> = block.list("left_child", splits)?;
    let right: Vec<i64> = block.list("right_child", splits)?;
    let categories: usize = block.one("num_cat")?;
    let sets = if categories > 0 { Some(Sets::read(block, categories)?) } else { None };
    let child = |child: i64| {
        let (place, end) = if child < 0 { (!child, leaves) } else { (child, splits) };
        let fits = usize::try_from(place).is_ok_and(|place| place < end);
        let first = if child < 0 { splits } else { 0 };
        if fits {
            Ok((first + place as usize) as u32)
        } else {
            Err(format!("a child is {child}, and there are {splits} splits"))
        }
    };
    let mut nodes = Vec::with_capacity(splits + leaves);
    for node in 0..splits {
        let children = [child(left[node])?, child(right[node])?];
        nodes.push(if decision[node] & CATEGORICAL != 0 {
            let sets = sets.as_ref().ok_or("a split on a category, and `num_cat` is 0")?;
            categorical(feature[node], room.copy(sets.get(threshold[node])?)?, children)
        } else {
            if threshold[node].is_nan() {
                return Err("a threshold is NaN".to_owned());
            }
            let default_left = decision[node] & DEFAULT_LEFT != 0;
            let missing = match (decision[node] >> MISSING_SHIFT, default_left) {
                (0, _) => Missing::Zero,
                (1, true) => Missing::ZeroLeft,
                (1, false) => Missing::ZeroRight,
                (2, true) => Missing::Left,
                (2, false) => Missing::Right,
                _ => return Err(format!("`decision_type` cannot be {}", decision[node])),
            };
            numeric(feature[node], threshold[node], missing, children)
        });
    }
    nodes.extend(values.into_iter().map(Node::Leaf));
    Ok(nodes)
}

/// The sets of categories of one tree, as bits.
struct Sets {
    bounds: Vec<usize>,
    words: Vec<u32>,
}

impl Sets {
    fn read(block: &Block<'_>, count: usize) -> Result<Sets, String> {
        let bounds: Vec<usize> =
            block.list("cat_boundaries", count.checked_add(1).ok_or("`num_cat` is no number of sets")?)?;
        let words = block.list("cat_threshold", bounds[count])?;
        if bounds[0] != 0 || !bounds.is_sorted() {
            return Err("`cat_boundaries` does not ascend from 0".to_owned());
        }
        Ok(Sets { bounds, words })
    }

    /// The set of that number, which stands where a threshold would.
    fn get(&self, threshold: f64) -> Result<&[u32], String> {
        let last = self.bounds.len() - 1;
        if threshold.fract() != 0.0 || !(0.0..last as f64).contains(&threshold) {
            return Err(format!("a split asks for the set of categories {threshold}, and there are {last}"));
        }
        let at = threshold as usize;
        Ok(&self.words[self.bounds[at]..self.bounds[at + 1]])
    }
}
