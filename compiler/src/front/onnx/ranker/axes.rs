//! What shape a value of the file has in the graph.
//!
//! Axes of one are left out, for exporters put them in and take them out where a batch is of one or a size is broadcast. So is the axis of
//! candidates of what is of the user alone. The axis of the rows, candidates or items, comes first, wherever it stands in the file; the others
//! keep their order. Scores of items by items have three axes: heads, of which there may be one, and twice the items.

use crate::graph::Dim;
use crate::onnx::{Size, Source};

/// The shape of a value in the graph, and where the axes of the file are in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Form {
    /// The axes in the graph.
    pub(super) dims: Vec<Dim>,
    /// For each axis of the file the one in the graph, if it has one.
    pub(super) places: Vec<Option<usize>>,
}

impl Form {
    /// The form of a value of these sizes. `single` says that the file scores one candidate at a time.
    pub(super) fn of(sizes: &[Size], source: Source, single: bool) -> Result<Form, String> {
        let candidates = source == Source::Candidates;
        let count = |of: Size| sizes.iter().filter(|size| **size == of).count();
        let (items, rows) = (count(Size::Tokens), count(Size::Candidates));
        if candidates && items > 0 {
            return Err("it puts each candidate beside the items of the session, which is not known".to_owned());
        }
        if candidates && !single && rows != 1 {
            let how = if rows == 0 { "puts candidates together" } else { "puts candidates beside candidates" };
            return Err(format!("it {how}, and each must be scored by itself"));
        }
        let kept: Vec<usize> = (0..sizes.len())
            .filter(|&at| match sizes[at] {
                Size::Fixed(size) => size != 1,
                Size::Tokens => true,
                Size::Candidates => candidates,
            })
            .collect();
        let fixed = |at: &usize| matches!(sizes[*at], Size::Fixed(_));
        let mut dims = Vec::new();
        let mut places = vec![None; sizes.len()];
        let put = |dims: &mut Vec<Dim>, places: &mut Vec<Option<usize>>, at: usize| {
            places[at] = Some(dims.len());
            dims.push(match sizes[at] {
                Size::Fixed(size) => Dim::Fixed(size),
                Size::Tokens => Dim::Tokens,
                Size::Candidates => Dim::Candidates,
            });
        };
        if items > 1 {
            let heads: Vec<usize> = kept.iter().copied().filter(fixed).collect();
            if items > 2 || heads.len() > 1 {
                return Err("it has more axes of items than scores by heads have".to_owned());
            }
            match heads[..] {
                [heads] => put(&mut dims, &mut places, heads),
                _ => dims.push(Dim::Fixed(1)),
            }
            kept.iter().filter(|at| !fixed(at)).for_each(|&at| put(&mut dims, &mut places, at));
            return Ok(Form { dims, places });
        }
        if candidates && single {
            dims.push(Dim::Candidates);
        }
        kept.iter().filter(|at| !fixed(at)).for_each(|&at| put(&mut dims, &mut places, at));
        kept.iter().filter(|at| fixed(at)).for_each(|&at| put(&mut dims, &mut places, at));
        Ok(Form { dims, places })
    }

    /// Whether it is scores of items by items.
    pub(super) fn is_scores(&self) -> bool {
        self.dims.iter().filter(|dim| **dim == Dim::Tokens).count() == 2
    }

    /// The axis of the file that stands at one of the graph.
    pub(super) fn from(&self, axis: usize) -> Option<usize> {
        self.places.iter().position(|place| *place == Some(axis))
    }
}

/// Where the axes of rows split the numbers of a value, in order: how many of fixed size stand before each. Numbers that are only given
/// another shape keep their rows where this is the same.
pub(super) fn splits(sizes: &[Size]) -> Vec<(Size, usize)> {
    let mut before = 1_usize;
    let mut found = Vec::new();
    for &size in sizes {
        match size {
            Size::Fixed(size) => before = before.saturating_mul(size),
            rows => found.push((rows, before)),
        }
    }
    found
}

/// An axis that may be counted from the end.
pub(super) fn counted(axis: i64, rank: usize) -> Result<usize, String> {
    let axis = if axis < 0 { axis.saturating_add(rank as i64) } else { axis };
    usize::try_from(axis)
        .ok()
        .filter(|&axis| axis < rank)
        .ok_or_else(|| format!("there is no axis {axis} among {rank}"))
}
