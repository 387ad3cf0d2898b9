//! One row through one tree, question by question: for a few rows that is less than to put every question to a whole block.

use super::bin::Bin;

/// The leaf of the row that stands at `row` in every column, counted from the left.
///
/// The questions stand in preorder: those of the left child follow their parent, and those of the right child follow them. So a place
/// is the range of leaves that are left, and the number of its question.
#[inline(always)]
pub(super) fn leaf<B: Bin, const N: usize>(nodes: &[[B::Field; 4]], columns: &[[B; N]], row: usize) -> usize {
    let (mut at, mut start, mut end) = (0, 0, nodes.len() + 1);
    while end - start > 1 {
        let [column, cut, _, next] = nodes[at];
        let next = B::index(next);
        let right = columns[B::index(column)][row] > B::cut(cut);
        at += if right { next - start } else { 1 };
        (start, end) = if right { (next, end) } else { (start, next) };
    }
    start
}
