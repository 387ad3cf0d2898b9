//! The operators before the fifth version: nodes in lists, each with the number of its tree and its own.

use super::question::{Mode, NAMES, question};
use super::{Reader, Shared, SharedNode, Weights};
use crate::diagnostic::Diagnostic;
use crate::onnx::MlValue;
use std::collections::{BTreeMap, BTreeSet, HashMap};

impl Reader<'_> {
    /// The trees in the order in which their numbers are met; what leaves add stands in the attributes that begin with `of`.
    pub(super) fn lists(&self, of: &str, outputs: usize) -> Result<Vec<Shared>, Vec<Diagnostic>> {
        let leaves = self.leaves(of, outputs)?;
        let ints = |name: &str| self.ints(name);
        let (trees, ids) = (ints("nodes_treeids")?, ints("nodes_nodeids")?);
        let (features, yes, no) = (ints("nodes_featureids")?, ints("nodes_truenodeids")?, ints("nodes_falsenodeids")?);
        let values = self.numbers("nodes_values")?.ok_or_else(|| self.wrong("its nodes have no values"))?;
        let Some(MlValue::Texts(modes)) = self.get("nodes_modes") else {
            return Err(self.wrong("it has no `nodes_modes`"));
        };
        let tracks = self.tracks(trees.len())?;
        let lengths = [ids.len(), features.len(), yes.len(), no.len(), values.len(), modes.len(), tracks.len()];
        if lengths != [trees.len(); 7] {
            return Err(self.wrong("the lists of its nodes are of different lengths"));
        }
        let mut places: BTreeMap<i64, Vec<usize>> = BTreeMap::new();
        trees.iter().enumerate().for_each(|(at, tree)| places.entry(*tree).or_default().push(at));
        let mut seen = BTreeSet::new();
        let mut all = vec![];
        for &tree in trees.iter().filter(|tree| seen.insert(**tree)) {
            let own = &places[&tree];
            let place_of: HashMap<i64, u32> =
                own.iter().enumerate().map(|(at, &node)| (ids[node], at as u32)).collect();
            if place_of.len() != own.len() {
                return Err(self.bad(tree, "two nodes have one number"));
            }
            let node = |&at: &usize| -> Result<SharedNode, String> {
                let name = modes[at].as_str();
                if name == "LEAF" {
                    return Ok(SharedNode::Leaf(leaves.get(&(tree, ids[at])).cloned().unwrap_or_default()));
                }
                let mode = NAMES.iter().position(|known| *known == name).and_then(Mode::of);
                let mode =
                    mode.ok_or_else(|| format!("nodes of the mode `{}` are not supported", name.escape_debug()))?;
                let child = |id: i64| {
                    place_of.get(&id).copied().ok_or_else(|| format!("a child is node {id}, which it has not"))
                };
                let children = [child(yes[at])?, child(no[at])?];
                question(mode, values[at], features[at], children, tracks[at] != 0).map(SharedNode::Split)
            };
            let nodes = own.iter().map(node).collect::<Result<Vec<_>, String>>();
            all.push(Shared { number: tree, nodes: nodes.map_err(|why| self.bad(tree, why))? });
        }
        Ok(all)
    }

    /// Which nodes send missing values where those go that pass.
    pub(super) fn tracks(&self, nodes: usize) -> Result<Vec<i64>, Vec<Diagnostic>> {
        let tracks = self.ints("nodes_missing_value_tracks_true")?;
        Ok(if tracks.is_empty() { vec![0; nodes] } else { tracks.to_vec() })
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
}
