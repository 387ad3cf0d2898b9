//! The binary format of versions before 2: C structures one after the other, little-endian.

use super::document::linear;
use super::{Head, bad_tree, bounded, grow, names, numeric, weigh};
use crate::diagnostic::Diagnostic;
use crate::trees::codes::{malformed, unsupported};
use crate::trees::tree::Node;
use crate::trees::{Ensemble, Tree};

/// `LearnerModelParam`: base score, features, classes, flags, and words that are kept free.
const LEARNER_BYTES: usize = 136;

/// `GBTreeModelParam`.
const MODEL_BYTES: usize = 160;

/// `TreeParam`.
const TREE_BYTES: usize = 148;

/// `RTree::Node`: parent, two children, feature with the default's bit, threshold or leaf.
const NODE_BYTES: usize = 20;

/// `RTreeNodeStat`, which has no part in predictions.
const STAT_BYTES: usize = 16;

/// `GBLinearModelParam`.
const LINEAR_BYTES: usize = 136;

/// Names of objectives and boosters are shorter.
const MAX_NAME: u64 = 64;

/// What versions from 0.6 on may begin with.
const MARK: &[u8] = b"binf";

/// Whether bytes may be such a file: a name of an objective stands where it should.
pub(in super::super) fn is_binary(bytes: &[u8]) -> bool {
    let mut read = Reader(bytes.strip_prefix(MARK).unwrap_or(bytes));
    read.take(LEARNER_BYTES).is_ok() && read.name().is_ok_and(|name| name.contains(':'))
}

/// The model that the bytes are.
pub(in super::super) fn read(place: &str, bytes: &[u8]) -> Result<Ensemble, Vec<Diagnostic>> {
    let early = |why: String| malformed(place, why);
    let mut read = Reader(bytes.strip_prefix(MARK).unwrap_or(bytes));
    let mut learner = Reader(read.take(LEARNER_BYTES).map_err(early)?);
    let word = |read: &mut Reader<'_>| read.u32().map_err(early);
    let base_score = f32::from_bits(word(&mut learner)?);
    let features = i64::from(word(&mut learner)?);
    let classes = i64::from(word(&mut learner)?.cast_signed());
    let (_attributes, _metrics, major) = (word(&mut learner)?, word(&mut learner)?, word(&mut learner)?);
    let (outputs, features) = bounded(place, classes.max(1), features)?;
    let objective = read.name().map_err(early)?.to_owned();
    let booster = read.name().map_err(early)?.to_owned();
    let features = names(place, vec![], features)?;
    let head = Head { place, features, outputs, objective, base_score: vec![base_score], is_margin: major == 0 };
    match booster.as_str() {
        "gbtree" | "dart" => {
            let trees = read_trees(place, &mut read, outputs, booster == "dart")?;
            head.ensemble(trees, vec![])
        }
        "gblinear" => {
            read.take(LINEAR_BYTES).map_err(early)?;
            let weights = read.floats().map_err(early)?;
            linear(head, weights)
        }
        other => Err(unsupported(place, format!("the booster `{}`", other.escape_default()))),
    }
}

fn read_trees(place: &str, read: &mut Reader<'_>, outputs: usize, dart: bool) -> Result<Vec<Tree>, Vec<Diagnostic>> {
    let early = |why: String| malformed(place, why);
    let mut model = Reader(read.take(MODEL_BYTES).map_err(early)?);
    let count = model.i32().map_err(early)?;
    // A tree takes so many bytes at least: a lie is found before memory is asked for.
    let count = usize::try_from(count).ok().filter(|count| count.saturating_mul(TREE_BYTES) <= read.0.len());
    let count = count.ok_or_else(|| malformed(place, "more trees than there are bytes for"))?;
    let (mut grown, mut errors) = (Vec::with_capacity(count), vec![]);
    for at in 0..count {
        let nodes = read_nodes(read).map_err(|why| malformed(&format!("{place}, tree {at}"), why))?;
        grown.push(nodes);
    }
    let mut groups = Vec::with_capacity(count);
    for _ in 0..count {
        groups.push(read.i32().map_err(early)?);
    }
    if dart && count > 0 {
        let weights = read.floats().map_err(early)?;
        if weights.len() != count {
            return Err(malformed(place, format!("{} weights for {count} trees", weights.len())));
        }
        grown.iter_mut().zip(weights).for_each(|(nodes, weight)| weigh(nodes, weight as f32));
    }
    let mut trees = Vec::with_capacity(count);
    for (at, (nodes, group)) in grown.iter().zip(groups).enumerate() {
        let output = u32::try_from(group).ok().filter(|&output| (output as usize) < outputs);
        let tree = match output {
            Some(output) => grow(place, at, output, nodes),
            None => Err(bad_tree(place, at, format!("a tree of group {group} of {outputs}"))),
        };
        match tree {
            Ok(tree) => trees.push(tree),
            Err(error) => errors.push(error),
        }
    }
    if errors.is_empty() { Ok(trees) } else { Err(errors) }
}

fn read_nodes(read: &mut Reader<'_>) -> Result<Vec<Node>, String> {
    let mut param = Reader(read.take(TREE_BYTES)?);
    let (_roots, count) = (param.i32()?, param.i32()?);
    let (_deleted, _depth, _features, vector) = (param.i32()?, param.i32()?, param.i32()?, param.i32()?);
    if vector > 1 {
        return Err("leaves of several values are not supported".to_owned());
    }
    let count = usize::try_from(count).map_err(|_| format!("a tree of {count} nodes"))?;
    let bytes = count.checked_mul(NODE_BYTES).ok_or("more nodes than can be counted")?;
    let mut nodes_read = Reader(read.take(bytes)?);
    read.take(count.checked_mul(STAT_BYTES).ok_or("more nodes than can be counted")?)?;
    if vector != 0 {
        read.floats()?;
    }
    let mut nodes = Vec::with_capacity(count);
    for _ in 0..count {
        let (_parent, left, right) = (nodes_read.i32()?, nodes_read.i32()?, nodes_read.i32()?);
        let (index, value) = (nodes_read.u32()?, f32::from_bits(nodes_read.u32()?));
        nodes.push(if left == -1 {
            Node::Leaf(f64::from(value))
        } else {
            if value.is_nan() {
                return Err("a threshold is NaN".to_owned());
            }
            let child = |child: i32| u32::try_from(child).map_err(|_| format!("a child is {child}"));
            numeric(index & 0x7fff_ffff, value, index >> 31 == 1, [child(left)?, child(right)?])
        });
    }
    Ok(nodes)
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8], String> {
        let (taken, rest) = self
            .0
            .split_at_checked(count)
            .ok_or_else(|| format!("the file ends early: {count} bytes should stand where {} do", self.0.len()))?;
        self.0 = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], String> {
        self.take(N).map(|bytes| bytes.try_into().expect("as many as were taken"))
    }

    fn i32(&mut self) -> Result<i32, String> {
        self.array().map(i32::from_le_bytes)
    }

    fn u32(&mut self) -> Result<u32, String> {
        self.array().map(u32::from_le_bytes)
    }

    fn name(&mut self) -> Result<&'a str, String> {
        let length = u64::from_le_bytes(self.array()?);
        if length > MAX_NAME {
            return Err(format!("a name of {length} bytes"));
        }
        std::str::from_utf8(self.take(length as usize)?).map_err(|_| "a name is not UTF-8".to_owned())
    }

    /// A counted list of f32.
    fn floats(&mut self) -> Result<Vec<f64>, String> {
        let count = u64::from_le_bytes(self.array()?);
        let bytes = usize::try_from(count).ok().and_then(|count| count.checked_mul(4));
        let bytes = self.take(bytes.ok_or_else(|| format!("a list of {count} numbers"))?)?;
        let words = bytes.as_chunks::<4>().0.iter();
        Ok(words.map(|word| f64::from(f32::from_le_bytes(*word))).collect())
    }
}
