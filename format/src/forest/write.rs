//! Writing a forest: the same parts give the same bytes.

use super::{HEADER, LEAVES_AFTER, Link, MAGIC, Missing, Number, VERSION, WITH_MEMBERS};
use crate::wire::Encoder;

/// All that a forest is.
#[derive(Clone, Debug)]
pub struct Parts {
    /// Values in a row.
    pub features: u32,
    /// What a feature's value is rounded to.
    pub inputs: Number,
    /// What leaves are added in.
    pub sums: Number,
    /// What each output's sum begins with.
    pub base: Vec<f64>,
    /// Linear weights, `[feature][output]`, or none.
    pub linear: Vec<f64>,
    /// What the sums are divided by.
    pub divisor: f64,
    /// From sums to predictions.
    pub link: Link,
    /// What the nodes ask.
    pub columns: Vec<(u32, Missing, Column)>,
    /// The trees, in the order in which they are added.
    pub trees: Vec<Tree>,
}

/// What a column asks of its feature: as [`Asks`](super::Asks), owned.
#[derive(Clone, Debug, PartialEq)]
pub enum Column {
    /// How many of these, which ascend, the value is above.
    Cuts(Vec<f64>),
    /// Whether the category is none of these.
    NotIn(Vec<u32>),
    /// Whether the category is one of these.
    In(Vec<u32>),
    /// Whether the value itself is one of these, which ascend.
    Among(Vec<f64>),
}

/// One tree.
#[derive(Clone, Debug, PartialEq)]
pub struct Tree {
    /// The output that it adds to.
    pub output: u32,
    /// `[column, cut, low, next]` of each question, in preorder.
    pub nodes: Vec<[u32; 4]>,
    /// The leaves from left to right: one more than there are nodes.
    pub leaves: Vec<f64>,
}

/// The bytes of a forest. [`Forest::parse`](super::Forest::parse) proves them.
///
/// # Panics
///
/// If it has 2³² of anything.
pub fn write(parts: &Parts) -> Vec<u8> {
    let most_cuts = parts.columns.iter().map(|(_, _, column)| match column {
        Column::Cuts(cuts) => cuts.len(),
        Column::NotIn(_) | Column::In(_) | Column::Among(_) => 1,
    });
    let most_leaves = parts.trees.iter().map(|tree| tree.leaves.len() - 1);
    let most = most_cuts.chain(most_leaves).max().unwrap_or(0);
    let width = match most {
        _ if parts.columns.len() > 1 << 16 => 4,
        0..=0xff => 1,
        0x100..=0xffff => 2,
        _ => 4,
    };
    let (mut cuts, mut words, mut columns) = (vec![], vec![], Encoder::default());
    for (feature, missing, column) in &parts.columns {
        let (kind, first, count) = match column {
            Column::Cuts(more) => (0, extend(&mut cuts, more), more.len()),
            Column::NotIn(more) => (8, extend(&mut words, more), more.len()),
            Column::In(more) => (16, extend(&mut words, more), more.len()),
            Column::Among(more) => (24, extend(&mut cuts, more), more.len()),
        };
        columns.u32(*feature);
        columns.u32(kind + *missing as u32);
        columns.count(first);
        columns.count(count);
    }
    let (mut nodes, mut leaves, mut trees) = (vec![], vec![], Encoder::default());
    for tree in &parts.trees {
        trees.count(extend(&mut nodes, &tree.nodes));
        trees.count(tree.nodes.len());
        trees.count(extend(&mut leaves, &tree.leaves));
        trees.u32(tree.output);
    }
    let after = leaves.len() + LEAVES_AFTER;
    leaves.resize(after.next_multiple_of(2), 0.0);

    let mut out = Encoder::default();
    let (link, scale) = parts.link.code();
    let number = |number| u32::from(number == Number::F64);
    let members = parts.columns.iter().any(|(_, _, column)| matches!(column, Column::Among(_)));
    let version = if members { WITH_MEMBERS } else { VERSION };
    for word in [MAGIC, version, parts.features] {
        out.u32(word);
    }
    out.count(parts.base.len());
    for word in [number(parts.inputs), number(parts.sums), link, width] {
        out.u32(word);
    }
    for count in [parts.columns.len(), cuts.len(), words.len(), parts.trees.len(), nodes.len(), leaves.len()] {
        out.count(count);
    }
    out.u32(u32::from(!parts.linear.is_empty()));
    out.u32(0);
    out.0.extend(scale.to_le_bytes());
    out.0.extend(parts.divisor.to_le_bytes());
    debug_assert_eq!(out.0.len(), HEADER, "the header is as long as it says");
    for value in parts.base.iter().chain(&parts.linear).chain(&cuts) {
        out.0.extend(value.to_le_bytes());
    }
    for &leaf in &leaves {
        match parts.sums {
            Number::F32 => out.f32(leaf as f32),
            Number::F64 => out.0.extend(leaf.to_le_bytes()),
        }
    }
    out.0.extend(columns.0);
    out.0.extend(trees.0);
    for &field in nodes.iter().flatten() {
        match width {
            4 => out.u32(field),
            _ => out.0.extend((field as u16).to_le_bytes()),
        }
    }
    words.iter().for_each(|&word| out.u32(word));
    out.0
}

/// Where what is added begins.
fn extend<T: Clone>(all: &mut Vec<T>, more: &[T]) -> usize {
    all.extend_from_slice(more);
    all.len() - more.len()
}
