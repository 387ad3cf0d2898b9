//! Tensors of a pack: what they are called, how they are laid out and where they lie.

use crate::DType;

/// Values in one panel: the number of output channels that a kernel computes side by side.
pub const PANEL: usize = 16;

/// Consecutive weights of one channel that an int8 dot-product instruction takes at once.
pub const QUAD: usize = 4;

/// How the numbers of a tensor follow one another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Layout {
    /// Row-major.
    Plain,
    /// Weights `B[n,k]` as `[n/16][k][16]`, f32 or bf16; `n` is filled up with zeros.
    Panels,
    /// Weights `B[n,k]` as `[n/16][k/4][16][4]`, i8 within ±127; `n` and `k` are filled up with zeros.
    QuadPanels,
}

impl Layout {
    pub(crate) fn code(self) -> u8 {
        match self {
            Layout::Plain => 0,
            Layout::Panels => 1,
            Layout::QuadPanels => 2,
        }
    }

    pub(crate) fn from_code(code: u8) -> Option<Layout> {
        [Layout::Plain, Layout::Panels, Layout::QuadPanels].get(usize::from(code)).copied()
    }
}

/// A tensor of a pack. `dims` are the logical ones: `[n]`, or `[rows, columns]`, which for weights is `[n, k]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tensor {
    /// The name, for people: that of the model file where there is one.
    pub name: String,
    /// The type of its numbers.
    pub dtype: DType,
    /// The order of its numbers.
    pub layout: Layout,
    /// One or two logical dimensions.
    pub dims: Vec<u32>,
    /// Where its bytes begin, counted from the start of the pack; a multiple of 64.
    pub offset: u64,
}

impl Tensor {
    /// The number of stored bytes, padding included, or `None` where layout, dtype and dims do not fit one another.
    pub fn bytes(&self) -> Option<u64> {
        let dim = |i: usize| self.dims.get(i).map(|&d| u64::from(d));
        let rows = |count: u64, columns: u64| self.dtype.row_bytes(columns)?.checked_mul(count);
        match (self.layout, self.dims.len(), self.dtype) {
            (Layout::Plain, 1, DType::F32 | DType::Bf16 | DType::I8 | DType::I32) => self.dtype.row_bytes(dim(0)?),
            (Layout::Plain, 2, _) => rows(dim(0)?, dim(1)?),
            (Layout::Panels, 2, DType::F32 | DType::Bf16) => rows(dim(0)?.next_multiple_of(PANEL as u64), dim(1)?),
            (Layout::QuadPanels, 2, DType::I8) => {
                rows(dim(0)?.next_multiple_of(PANEL as u64), dim(1)?.next_multiple_of(QUAD as u64))
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn panels_are_filled_up() {
        let tensor =
            |dtype, layout, dims: &[u32]| Tensor { name: String::new(), dtype, layout, dims: dims.into(), offset: 0 };
        for (dtype, layout, dims, bytes) in [
            (DType::F32, Layout::Plain, &[3, 5][..], Some(60)),
            (DType::F32, Layout::Plain, &[7], Some(28)),
            (DType::F32, Layout::Panels, &[17, 5], Some(32 * 5 * 4)),
            (DType::Bf16, Layout::Panels, &[16, 5], Some(16 * 5 * 2)),
            (DType::I8, Layout::QuadPanels, &[1, 5], Some(16 * 8)),
            (DType::I8, Layout::Panels, &[1, 5], None),
            (DType::U4, Layout::Plain, &[3, 5], Some(9)),
            (DType::U4, Layout::Plain, &[3, 4], Some(6)),
            (DType::U4, Layout::Plain, &[4], None),
            (DType::U4, Layout::QuadPanels, &[16, 4], None),
            (DType::I32, Layout::QuadPanels, &[1, 5], None),
            (DType::F32, Layout::Plain, &[1, 2, 3], None),
            (DType::F32, Layout::Panels, &[u32::MAX, u32::MAX], None),
        ] {
            assert_eq!(tensor(dtype, layout, dims).bytes(), bytes, "{dtype} {layout:?} {dims:?}");
        }
    }
}
