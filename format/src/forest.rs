//! A forest: a tree ensemble in the order in which the kernel reads it.
//!
//! ```text
//! header   80 bytes: what it is, how many of each of the following
//! base     f64 an output: what its sum begins with
//! linear   f64 [feature][output], or nothing
//! cuts     f64: those of each numeric column, ascending; of a column of members, these
//! leaves   f64, or f32 where the sums are f32: those of each tree, from left to right, and 255 that nobody reads
//! columns  four u32 each: feature, test and missing value, and where its cuts or words lie
//! trees    four u32 each: first node, nodes, first leaf, output
//! nodes    four u16 each, or u32 where those do not suffice: column, cut, and the two leaves of the question
//! words    u32: sets of categories as bits
//! ```
//!
//! A *column* is what a question needs of a feature, as a small whole number: how many of its cuts the value is above; of a set of
//! categories or of members, 0 for left and 1 for right. With it every question of every library is the same: *is the column above the cut?*, and
//! the comparison of whole numbers has the bits of the library's own comparison. Where a missing value goes is part of the column.
//!
//! A *node* stands in preorder. Who is at the node's leftmost leaf, `low`, and answers yes, goes to `next`, the leftmost leaf of its
//! right child; all others stay. After the last node everyone is at their leaf: nothing branches.
//!
//! Everything is little-endian and used in place; in a pack it is one tensor of i32 words.

mod write;

pub use write::{Column, Parts, Tree, write};

use core::fmt;

pub(crate) const MAGIC: u32 = u32::from_le_bytes(*b"MDTR");
/// The version of forests, and that of those that ask for members: readers of before do not know these.
pub(crate) const VERSION: u32 = 1;
pub(crate) const WITH_MEMBERS: u32 = 2;
pub(crate) const HEADER: usize = 80;

/// Leaves after the last: a kernel looks a leaf of a small tree up in 256 that surely are there.
pub const LEAVES_AFTER: usize = 255;

/// The numbers with which a library computes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Number {
    /// Single precision.
    F32,
    /// Double precision.
    F64,
}

impl Number {
    /// The nearest number of this kind.
    pub fn round(self, value: f64) -> f64 {
        match self {
            Number::F32 => f64::from(value as f32),
            Number::F64 => value,
        }
    }
}

/// Which values are missing, and where they go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Missing {
    /// NaN goes left.
    Left,
    /// NaN goes right.
    Right,
    /// NaN is 0.
    Zero,
    /// NaN and 0 (within ±[`ZERO`]) go left.
    ZeroLeft,
    /// NaN and 0 go right.
    ZeroRight,
}

impl Missing {
    const ALL: [Missing; 5] = [Missing::Left, Missing::Right, Missing::Zero, Missing::ZeroLeft, Missing::ZeroRight];
}

/// What LightGBM takes for 0: its `kZeroThreshold`, the f32 nearest to 1e-35.
pub const ZERO: f64 = 1e-35_f32 as f64;

/// From sums to predictions: the function of a model's objective.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Link {
    /// The sum itself: regression, ranking.
    Identity,
    /// `1 / (1 + exp(-s · x))`.
    Sigmoid(f64),
    /// `exp(x) / Σ exp(x)` over the outputs.
    Softmax,
    /// `exp(x)`: Poisson, gamma, Tweedie.
    Exp,
    /// `x · |x|`: LightGBM's regression on square roots.
    Square,
    /// `ln(1 + exp(x))`.
    Softplus,
    /// 1 where the sum is positive, else 0: XGBoost's hinge.
    Step,
}

impl Link {
    fn code(self) -> (u32, f64) {
        match self {
            Link::Identity => (0, 0.0),
            Link::Sigmoid(scale) => (1, scale),
            Link::Softmax => (2, 0.0),
            Link::Exp => (3, 0.0),
            Link::Square => (4, 0.0),
            Link::Softplus => (5, 0.0),
            Link::Step => (6, 0.0),
        }
    }

    fn from_code(code: u32, scale: f64) -> Option<Link> {
        let known =
            [Link::Identity, Link::Sigmoid(scale), Link::Softmax, Link::Exp, Link::Square, Link::Softplus, Link::Step];
        known.get(code as usize).copied().filter(|_| scale.is_finite())
    }
}

/// What a column asks of its feature.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Asks<'a> {
    /// How many of these, which ascend, the value is above.
    Cuts(&'a [f64]),
    /// Whether the category is none of these: bit `c % 32` of word `c / 32`.
    NotIn(&'a [u32]),
    /// Whether the category is one of these.
    In(&'a [u32]),
    /// Whether the value itself is one of these, which ascend.
    Among(&'a [f64]),
}

/// The nodes of a forest, `[column, cut, low, next]` each.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Nodes<'a> {
    /// Cuts and leaves are below 256.
    Small(&'a [[u16; 4]]),
    /// Cuts and leaves are below 65,536.
    Medium(&'a [[u16; 4]]),
    /// All others.
    Large(&'a [[u32; 4]]),
}

/// The leaves of a forest.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Leaves<'a> {
    /// Added in f32.
    F32(&'a [f32]),
    /// Added in f64.
    F64(&'a [f64]),
}

impl Leaves<'_> {
    fn len(&self) -> usize {
        match self {
            Leaves::F32(leaves) => leaves.len(),
            Leaves::F64(leaves) => leaves.len(),
        }
    }
}

/// A forest that has been proved: a view of its bytes.
#[derive(Clone, Copy, Debug)]
pub struct Forest<'a> {
    features: usize,
    inputs: Number,
    link: Link,
    divisor: f64,
    base: &'a [f64],
    linear: &'a [f64],
    cuts: &'a [f64],
    leaves: Leaves<'a>,
    columns: &'a [[u32; 4]],
    trees: &'a [[u32; 4]],
    nodes: Nodes<'a>,
    words: &'a [u32],
}

/// Why bytes are not a forest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForestError(pub(crate) String);

impl fmt::Display for ForestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the forest is damaged: {}", self.0)
    }
}

impl std::error::Error for ForestError {}

fn wrong<T>(what: impl Into<String>) -> Result<T, ForestError> {
    Err(ForestError(what.into()))
}

impl<'a> Forest<'a> {
    /// Proves a forest: after this no count, no index and no cut can be wrong, for any bytes.
    ///
    /// # Errors
    ///
    /// Other bytes than [`write()`] makes, or bytes that do not begin at a multiple of eight.
    pub fn parse(bytes: &'a [u8]) -> Result<Forest<'a>, ForestError> {
        let Some((header, mut rest)) = bytes.split_at_checked(HEADER) else { return wrong("it ends early") };
        let word = |at: usize| u32::from_le_bytes(header[at * 4..at * 4 + 4].try_into().expect("four bytes"));
        let double = |at: usize| f64::from_le_bytes(header[at..at + 8].try_into().expect("eight bytes"));
        if word(0) != MAGIC || ![VERSION, WITH_MEMBERS].contains(&word(1)) {
            return wrong("it is none, or of another version; build the pack again");
        }
        let (features, outputs) = (word(2) as usize, word(3) as usize);
        let number = |code| match code {
            0 => Ok(Number::F32),
            1 => Ok(Number::F64),
            other => wrong(format!("numbers of the unknown kind {other}")),
        };
        let (inputs, sums) = (number(word(4))?, number(word(5))?);
        let Some(link) = Link::from_code(word(6), double(64)) else {
            return wrong(format!("the unknown link {}", word(6)));
        };
        let [width, columns, cuts, words, trees, nodes, leaves, linear] = [7, 8, 9, 10, 11, 12, 13, 14].map(word);
        let divisor = double(72);
        let mut take = |count: usize, size: usize| {
            let taken = count.checked_mul(size).and_then(|bytes| rest.split_at_checked(bytes));
            let Some((taken, left)) = taken else { return wrong("it ends early") };
            rest = left;
            Ok(taken)
        };
        let linear = match linear {
            0 => 0,
            1 => features.saturating_mul(outputs),
            other => return wrong(format!("linear weights of the unknown kind {other}")),
        };
        let base = cast(take(outputs, 8)?)?;
        let linear = cast(take(linear, 8)?)?;
        let cuts = cast(take(cuts as usize, 8)?)?;
        let leaves = match sums {
            Number::F64 => Leaves::F64(cast(take(leaves as usize, 8)?)?),
            // As many as fill whole eights, so that what follows is aligned.
            Number::F32 if leaves.is_multiple_of(2) => Leaves::F32(cast(take(leaves as usize, 4)?)?),
            Number::F32 => return wrong("an odd number of leaves"),
        };
        let columns = cast(take(columns as usize, 16)?)?;
        let trees = cast(take(trees as usize, 16)?)?;
        let nodes = match width {
            1 => Nodes::Small(cast(take(nodes as usize, 8)?)?),
            2 => Nodes::Medium(cast(take(nodes as usize, 8)?)?),
            4 => Nodes::Large(cast(take(nodes as usize, 16)?)?),
            other => return wrong(format!("nodes of the unknown width {other}")),
        };
        let words = cast(take(words as usize, 4)?)?;
        if !rest.is_empty() {
            return wrong("bytes stand after its end");
        }
        let forest =
            Forest { features, inputs, link, divisor, base, linear, cuts, leaves, columns, trees, nodes, words };
        forest.prove(word(1))?;
        Ok(forest)
    }

    fn prove(&self, version: u32) -> Result<(), ForestError> {
        if self.features == 0 || self.base.is_empty() {
            return wrong("it has no feature or no output");
        }
        if !(self.divisor.is_finite() && self.divisor > 0.0) {
            return wrong("what it divides by is no number");
        }
        // One after the other, all cuts, words, nodes and leaves belong to somebody, and to one alone.
        let (mut cuts, mut words) = (0, 0);
        let kinds = if version == WITH_MEMBERS { 4 } else { 3 };
        for (at, &[feature, code, first, count]) in self.columns.iter().enumerate() {
            let (all, next) =
                if !(8..24).contains(&code) { (self.cuts.len(), &mut cuts) } else { (self.words.len(), &mut words) };
            let known = (code % 8) < Missing::ALL.len() as u32 && code < kinds * 8 && (code >= 8 || count > 0);
            let inside = first as usize == *next && count as usize <= all - *next;
            *next += count as usize;
            if feature as usize >= self.features || !known || !inside {
                return wrong(format!("column {at} lies outside"));
            }
            if let Asks::Cuts(cuts) | Asks::Among(cuts) = self.asks(at)
                && (!cuts.is_sorted_by(|a, b| a < b) || cuts.iter().any(|cut| cut.is_nan()))
            {
                return wrong(format!("the cuts of column {at} do not ascend"));
            }
        }
        match self.nodes {
            Nodes::Small(nodes) => self.prove_trees(nodes, 1 << 8),
            Nodes::Medium(nodes) => self.prove_trees(nodes, 1 << 16),
            Nodes::Large(nodes) => self.prove_trees(nodes, 1 << 31),
        }
    }

    /// Every tree is one: its nodes are the preorder of questions that take a range of leaves apart until each is alone.
    fn prove_trees<T: Copy + Into<u32>>(&self, nodes: &[[T; 4]], most: u64) -> Result<(), ForestError> {
        let after = self.leaves.len().checked_sub(LEAVES_AFTER);
        let Some(leaves) = after else { return wrong("leaves after the last are missing") };
        let mut open: Vec<(u32, u32)> = vec![];
        let (mut next_node, mut next_leaf) = (0, 0);
        for (at, &[first, count, leaf, output]) in self.trees.iter().enumerate() {
            let end = first as usize + count as usize;
            let outside = first as usize != next_node || leaf as usize != next_leaf;
            (next_node, next_leaf) = (end, leaf as usize + count as usize + 1);
            if outside
                || end > nodes.len()
                || next_leaf > leaves
                || output as usize >= self.base.len()
                || u64::from(count) >= most
            {
                return wrong(format!("tree {at} lies outside"));
            }
            open.clear();
            open.push((0, count + 1));
            let mut of_tree = nodes[first as usize..end].iter();
            while let Some((start, end)) = open.pop() {
                if end - start == 1 {
                    continue;
                }
                let Some(node) = of_tree.next() else { return wrong(format!("tree {at} has too few nodes")) };
                let [column, cut, low, next] = node.map(Into::into);
                let Some(&[_, code, _, cuts]) = self.columns.get(column as usize) else {
                    return wrong(format!("tree {at} asks for a column that is not there"));
                };
                // As many bins as cuts and one more must be numbers of this width.
                let bins = if code < 8 { u64::from(cuts) } else { 1 };
                if u64::from(cut) >= bins || bins >= most {
                    return wrong(format!("a cut of tree {at} is not there"));
                }
                if low != start || next <= start || next >= end {
                    return wrong(format!("tree {at} is none"));
                }
                open.push((next, end));
                open.push((start, next));
            }
            if of_tree.next().is_some() {
                return wrong(format!("tree {at} has too many nodes"));
            }
        }
        Ok(())
    }

    /// Values in a row.
    pub fn features(&self) -> usize {
        self.features
    }

    /// Values that a row gets.
    pub fn outputs(&self) -> usize {
        self.base.len()
    }

    /// What a feature's value is rounded to.
    pub fn inputs(&self) -> Number {
        self.inputs
    }

    /// From sums to predictions.
    pub fn link(&self) -> Link {
        self.link
    }

    /// What the sums are divided by.
    pub fn divisor(&self) -> f64 {
        self.divisor
    }

    /// What each output's sum begins with.
    pub fn base(&self) -> &'a [f64] {
        self.base
    }

    /// Linear weights, `[feature][output]`, or none.
    pub fn linear(&self) -> &'a [f64] {
        self.linear
    }

    /// How many columns there are.
    pub fn columns(&self) -> usize {
        self.columns.len()
    }

    /// The feature of a column, and where its missing values go.
    ///
    /// # Panics
    ///
    /// If there is no such column.
    pub fn column(&self, at: usize) -> (usize, Missing) {
        let [feature, code, ..] = self.columns[at];
        (feature as usize, Missing::ALL[code as usize % 8])
    }

    /// What a column asks.
    ///
    /// # Panics
    ///
    /// If there is no such column.
    pub fn asks(&self, at: usize) -> Asks<'a> {
        let [_, code, first, count] = self.columns[at];
        let range = first as usize..first as usize + count as usize;
        match code / 8 {
            0 => Asks::Cuts(&self.cuts[range]),
            1 => Asks::NotIn(&self.words[range]),
            2 => Asks::In(&self.words[range]),
            _ => Asks::Among(&self.cuts[range]),
        }
    }

    /// The trees, `[first node, nodes, first leaf, output]` each, in the order in which they are added.
    pub fn trees(&self) -> &'a [[u32; 4]] {
        self.trees
    }

    /// All nodes.
    pub fn nodes(&self) -> Nodes<'a> {
        self.nodes
    }

    /// All leaves.
    pub fn leaves(&self) -> Leaves<'a> {
        self.leaves
    }
}

fn cast<T: bytemuck::AnyBitPattern>(bytes: &[u8]) -> Result<&[T], ForestError> {
    bytemuck::try_cast_slice(bytes).or_else(|_| wrong("it does not lie at a multiple of 8 bytes"))
}
