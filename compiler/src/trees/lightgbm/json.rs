//! The JSON of `dump_model`: nodes within nodes.

use super::{Head, bad_tree, categorical, features, grow, is_old, numeric, outputs};
use crate::diagnostic::Diagnostic;
use crate::trees::categories::Room;
use crate::trees::codes::malformed;
use crate::trees::document::Document;
use crate::trees::tree::Node;
use crate::trees::{Ensemble, Missing, Tree};

/// The model that the document is.
pub(in super::super) fn read(place: &str, document: &Document) -> Result<Ensemble, Vec<Diagnostic>> {
    let whole = |key| document.get(key).and_then(Document::whole);
    let Some(said) = document.get("tree_info").and_then(Document::list) else {
        return Err(malformed(place, "neither `tree_info`, which LightGBM writes, nor `learner`, which XGBoost does"));
    };
    let outputs = outputs(place, whole("num_tree_per_iteration"))?;
    let count = features(place, whole("max_feature_idx"))?;
    let names = document.get("feature_names").and_then(Document::list).unwrap_or_default();
    let features: Vec<String> = names.iter().filter_map(Document::text).map(str::to_owned).collect();
    if features.len() != count || names.len() != count {
        return Err(malformed(place, format!("`feature_names` has {} names for {count} features", names.len())));
    }
    let objective = document.get("objective").and_then(Document::text).map(str::to_owned);
    let average = document.get("average_output").and_then(Document::number).is_some_and(|flag| flag != 0.0);
    let old = is_old(document.get("version").and_then(Document::text));
    let head = Head { place, outputs, features, objective, average, old };
    let (mut trees, mut errors, mut room) = (vec![], vec![], Room::new());
    for (at, tree) in said.iter().enumerate() {
        match read_tree(place, at, tree, outputs, &mut room) {
            Ok(tree) => trees.push(tree),
            Err(error) => errors.push(error),
        }
    }
    if errors.is_empty() { head.ensemble(trees) } else { Err(errors) }
}

fn read_tree(place: &str, at: usize, tree: &Document, outputs: usize, room: &mut Room) -> Result<Tree, Diagnostic> {
    let wrong = |why: String| bad_tree(place, at, why);
    let root = tree.get("tree_structure").ok_or_else(|| wrong("`tree_structure` is missing".to_owned()))?;
    // A node's children get the next two places when the node is read.
    let mut open = vec![root];
    let mut nodes = vec![];
    while let Some(&node) = open.get(nodes.len()) {
        let children = [open.len() as u32, open.len() as u32 + 1];
        let read = read_node(node, children, room).map_err(wrong)?;
        if let Node::Split(_) = read {
            for key in ["left_child", "right_child"] {
                open.push(node.get(key).ok_or_else(|| wrong(format!("`{key}` is missing")))?);
            }
        }
        nodes.push(read);
    }
    let leaves = tree.get("num_leaves").and_then(Document::whole);
    let found = nodes.iter().filter(|node| matches!(node, Node::Leaf(_))).count();
    if leaves.is_some_and(|leaves| usize::try_from(leaves) != Ok(found)) {
        return Err(wrong(format!("`num_leaves` is {}, and there are {found}", leaves.unwrap_or_default())));
    }
    grow(place, at, at % outputs, &nodes)
}

fn read_node(node: &Document, children: [u32; 2], room: &mut Room) -> Result<Node, String> {
    let number = |key: &str| node.get(key).and_then(Document::number);
    let text = |key: &str| node.get(key).and_then(Document::text).unwrap_or_default();
    if node.get("leaf_coeff").is_some() {
        return Err("a tree with linear models in its leaves is not supported".to_owned());
    }
    if node.get("split_feature").is_none() {
        return number("leaf_value").map(Node::Leaf).ok_or_else(|| "a node is neither leaf nor split".to_owned());
    }
    let feature = node.get("split_feature").and_then(Document::whole).and_then(|feature| u32::try_from(feature).ok());
    let feature = feature.ok_or("`split_feature` is no number of a feature")?;
    match text("decision_type") {
        "<=" => {
            let threshold = number("threshold").filter(|threshold| !threshold.is_nan());
            let threshold = threshold.ok_or("`threshold` is no number")?;
            let default_left = number("default_left").is_some_and(|left| left != 0.0);
            let missing = match (text("missing_type"), default_left) {
                ("None", _) => Missing::Zero,
                ("Zero", true) => Missing::ZeroLeft,
                ("Zero", false) => Missing::ZeroRight,
                ("NaN", true) => Missing::Left,
                ("NaN", false) => Missing::Right,
                (other, _) => return Err(format!("`missing_type` cannot be `{other}`")),
            };
            Ok(numeric(feature, threshold, missing, children))
        }
        "==" => Ok(categorical(feature, set(node, room)?, children)),
        other => Err(format!("`decision_type` cannot be `{other}`")),
    }
}

/// A set of categories, as `1||10||100`; a set of one may be a number.
fn set(node: &Document, room: &mut Room) -> Result<Box<[u32]>, String> {
    let said = match node.get("threshold") {
        Some(Document::Text(text)) => text.clone(),
        Some(Document::Number(number)) => number.to_string(),
        _ => return Err("`threshold` is no set of categories".to_owned()),
    };
    let code = |category: &str| category.trim().parse().map_err(|_| format!("`{category}` is no category"));
    let codes: Vec<u32> = said.split("||").map(code).collect::<Result<_, _>>()?;
    room.set(codes.into_iter())
}
