//! The sums of a forest for many rows: `out[row] = link((base + Σ leaf) / divisor)`.
//!
//! Rows go in blocks of up to 128. First each column of a block becomes small whole numbers, by a binary search in its cuts; then,
//! tree by tree, all questions of a tree are put to all rows, in preorder: who stands at the leftmost leaf of a question's subtree and
//! answers yes goes to the leftmost leaf of its right child. That is two comparisons and a selection of bytes, for 32 rows in one
//! AVX2 instruction each, with no branch and no gather, and after the last question each row stands at its leaf. A few rows are
//! walked instead.
//!
//! Bound by those comparisons: about 30 a tree where a walk needs 6 or so, but a walk's are each a load that waits for another. See
//! `benches/forest.rs`. Exact: the comparisons are those of whole numbers, and each row's leaves are added in the trees' order, so
//! that every instruction set and every batch gives the bits of the library that trained the model.

mod bin;
mod columns;
mod link;
mod walk;

use crate::isa::{Isa, Kernel, Simd};
use bin::{Bin, Leaf};
use modeldeploy_format::forest::{Forest, LEAVES_AFTER, Leaves, Nodes, Number};

/// Rows of the largest block.
const BLOCK: usize = 128;

/// So few rows are walked one by one: at 500 trees of 31 leaves a walk takes 8 µs and a block of 32 rows 55 (`benches/forest.rs`).
const WALKED: usize = 6;

/// What the kernel needs of memory beside its rows and its outputs. Made once, it serves any number of rows.
#[derive(Clone, Debug)]
pub struct ForestScratch {
    small: Vec<i8>,
    medium: Vec<i16>,
    large: Vec<i32>,
    f32_sums: Vec<f32>,
    f64_sums: Vec<f64>,
}

impl ForestScratch {
    /// What `forest` needs.
    #[must_use]
    pub fn new(forest: &Forest<'_>) -> ForestScratch {
        let columns = forest.columns() * BLOCK;
        let sums = forest.outputs() * BLOCK;
        let mut scratch = ForestScratch {
            small: Vec::new(),
            medium: Vec::new(),
            large: Vec::new(),
            f32_sums: Vec::new(),
            f64_sums: Vec::new(),
        };
        match forest.nodes() {
            Nodes::Small(_) => scratch.small = vec![0; columns],
            Nodes::Medium(_) => scratch.medium = vec![0; columns],
            Nodes::Large(_) => scratch.large = vec![0; columns],
        }
        match forest.leaves() {
            Leaves::F32(_) => scratch.f32_sums = vec![0.0; sums],
            Leaves::F64(_) => scratch.f64_sums = vec![0.0; sums],
        }
        scratch
    }
}

/// Writes the predictions of `rows[n, features]` to `out[n, outputs]`; NaN stands where a value is missing. Allocates nothing.
///
/// # Panics
///
/// If `rows` or `out` is not as long as that, or the scratch is another forest's.
pub fn forest(isa: Isa, forest: &Forest<'_>, rows: &[f64], out: &mut [f64], scratch: &mut ForestScratch) {
    assert!(rows.len().is_multiple_of(forest.features()), "rows are not whole rows of features");
    assert_eq!(rows.len() / forest.features() * forest.outputs(), out.len(), "an output for each row");
    let ForestScratch { small, medium, large, f32_sums, f64_sums } = scratch;
    match (forest.nodes(), forest.leaves()) {
        (Nodes::Small(nodes), Leaves::F32(leaves)) => {
            isa.run(Sum { forest, nodes, leaves, rows, out, columns: small, sums: f32_sums });
        }
        (Nodes::Small(nodes), Leaves::F64(leaves)) => {
            isa.run(Sum { forest, nodes, leaves, rows, out, columns: small, sums: f64_sums });
        }
        (Nodes::Medium(nodes), Leaves::F32(leaves)) => {
            isa.run(Sum { forest, nodes, leaves, rows, out, columns: medium, sums: f32_sums });
        }
        (Nodes::Medium(nodes), Leaves::F64(leaves)) => {
            isa.run(Sum { forest, nodes, leaves, rows, out, columns: medium, sums: f64_sums });
        }
        (Nodes::Large(nodes), Leaves::F32(leaves)) => {
            isa.run(Sum { forest, nodes, leaves, rows, out, columns: large, sums: f32_sums });
        }
        (Nodes::Large(nodes), Leaves::F64(leaves)) => {
            isa.run(Sum { forest, nodes, leaves, rows, out, columns: large, sums: f64_sums });
        }
    }
}

struct Sum<'a, B: Bin, L> {
    forest: &'a Forest<'a>,
    nodes: &'a [[B::Field; 4]],
    leaves: &'a [L],
    rows: &'a [f64],
    out: &'a mut [f64],
    columns: &'a mut [B],
    sums: &'a mut [L],
}

impl<B: Bin, L: Leaf> Kernel for Sum<'_, B, L> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(mut self, _s: S) {
        let (features, outputs) = (self.forest.features(), self.forest.outputs());
        let mut rows = self.rows;
        let mut done = 0;
        while !rows.is_empty() {
            let left = rows.len() / features;
            // The last rows take the smallest block that holds them.
            let taken = left.min(BLOCK);
            let (block, rest) = rows.split_at(taken * features);
            match taken {
                0..=32 => self.block::<32>(block, done),
                33..=64 => self.block::<64>(block, done),
                65..=96 => self.block::<96>(block, done),
                _ => self.block::<BLOCK>(block, done),
            }
            rows = rest;
            done += taken * outputs;
        }
    }
}

impl<B: Bin, L: Leaf> Sum<'_, B, L> {
    /// Up to `N` rows, whose predictions go to `out[at..]`.
    #[inline(always)]
    fn block<const N: usize>(&mut self, rows: &[f64], at: usize) {
        let (forest, outputs) = (self.forest, self.forest.outputs());
        let count = rows.len() / forest.features();
        columns::fill::<B, N>(forest, rows, &mut self.columns[..forest.columns() * N]);
        let columns = self.columns.as_chunks::<N>().0;
        let sums = self.sums[..outputs * N].as_chunks_mut::<N>().0;
        for (sums, &base) in sums.iter_mut().zip(forest.base()) {
            sums.fill(L::of(base));
        }
        let mut nodes = self.nodes;
        let mut leaves = self.leaves;
        for &[_, questions, _, output] in forest.trees() {
            let (of_tree, rest) = nodes.split_at(questions as usize);
            nodes = rest;
            let sums = &mut sums[output as usize];
            if count <= WALKED {
                for (row, sum) in sums[..count].iter_mut().enumerate() {
                    *sum = *sum + leaves[walk::leaf(of_tree, columns, row)];
                }
                leaves = &leaves[questions as usize + 1..];
                continue;
            }
            let mut place = [B::default(); N];
            for node in of_tree {
                let [column, cut, low, next] = *node;
                let column = &columns[B::index(column)];
                let (cut, low, next) = (B::cut(cut), B::leaf(low), B::leaf(next));
                for (place, &value) in place.iter_mut().zip(column) {
                    *place = if (value > cut) & (*place == low) { next } else { *place };
                }
            }
            B::add(leaves, &place, sums);
            leaves = &leaves[questions as usize + 1..];
        }
        debug_assert!(leaves.len() >= LEAVES_AFTER, "every tree's leaves were taken");
        self.finish::<N>(rows, count, at);
    }

    /// From sums to predictions.
    #[inline(always)]
    fn finish<const N: usize>(&mut self, rows: &[f64], count: usize, at: usize) {
        let (forest, outputs) = (self.forest, self.forest.outputs());
        let sums = self.sums[..outputs * N].as_chunks_mut::<N>().0;
        if !forest.linear().is_empty() {
            for (at, row) in rows.chunks(forest.features()).enumerate() {
                for (&value, weights) in row.iter().zip(forest.linear().chunks(outputs)).filter(|(x, _)| !x.is_nan()) {
                    let value = L::of(forest.inputs().round(value));
                    for (sums, &weight) in sums.iter_mut().zip(weights) {
                        sums[at] = sums[at] + value * L::of(weight);
                    }
                }
            }
        }
        let divisor = forest.divisor();
        let out = &mut self.out[at..at + count * outputs];
        for (at, out) in out.chunks_mut(outputs).enumerate() {
            for (out, sums) in out.iter_mut().zip(sums.iter()) {
                *out = if divisor == 1.0 { sums[at].into() } else { (sums[at] / L::of(divisor)).into() };
            }
            link::apply(forest.link(), out, if L::SINGLE { Number::F32 } else { Number::F64 });
        }
    }
}

#[cfg(test)]
mod tests;
