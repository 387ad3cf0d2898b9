//! Where there is no matrix unit: the same names, which nothing can be made of.

/// Proof of a matrix unit, of which this architecture has none.
#[derive(Clone, Copy, Debug)]
pub struct Matrix(Never);

/// Nothing is one. Private, so that code for units that are there is not taken for unreachable.
#[derive(Clone, Copy, Debug)]
enum Never {}

/// The depth of a step.
pub(crate) const STEP: usize = 64;
/// The most rows of a tile.
pub(crate) const ROWS: usize = 16;

/// Sums of two tiles of rows, each by two panels.
pub(crate) struct Sums(pub(crate) [[[[i32; 16]; ROWS]; 2]; 2]);

impl Matrix {
    /// There is nothing to measure.
    pub fn peak(self, _fours: u64) -> u64 {
        match self.0 {}
    }

    pub(crate) fn tiles(self, _rows: usize) -> Self {
        match self.0 {}
    }

    pub(crate) fn walk(
        &mut self,
        _rows: [Option<&[u8]>; 2],
        _stride: usize,
        _panels: [&[i8]; 2],
        _steps: usize,
    ) -> Self {
        match self.0 {}
    }

    pub(crate) fn step(&self, _at: usize) {
        match self.0 {}
    }

    pub(crate) fn store(self, _sums: &mut Sums) {
        match self.0 {}
    }
}
