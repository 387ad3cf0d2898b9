//! The inner loop of a matrix product: `R` rows and `P` panels walked together along k, and where their sums go, checked once.
#![expect(unsafe_code, reason = "the inner loop of the products reads without a bounds check per load")]

use std::marker::PhantomData;

/// `R` rows of `a` (`row_stride` apart) and `P` panels of `b` (`panel_stride` apart), both read in steps:
/// `AN` values of each row, `BN` of each panel.
pub(crate) struct Walk<'a, A, const AN: usize, B, const BN: usize, const R: usize, const P: usize> {
    rows: *const A,
    row_stride: usize,
    panels: *const B,
    panel_stride: usize,
    steps: usize,
    life: PhantomData<(&'a [A], &'a [B])>,
}

impl<'a, A: Copy, const AN: usize, B, const BN: usize, const R: usize, const P: usize> Walk<'a, A, AN, B, BN, R, P> {
    /// # Panics
    ///
    /// If a row or a panel is shorter than `steps`.
    #[inline(always)]
    pub(crate) fn new(a: &'a [A], row_stride: usize, b: &'a [B], panel_stride: usize, steps: usize) -> Self {
        assert!(fits(a.len(), R, row_stride, steps, AN), "rows are shorter than the walk");
        assert!(fits(b.len(), P, panel_stride, steps, BN), "panels are shorter than the walk");
        Self { rows: a.as_ptr(), row_stride, panels: b.as_ptr(), panel_stride, steps, life: PhantomData }
    }

    /// All steps, in ascending order of k.
    #[inline(always)]
    pub(crate) fn steps(&self) -> Steps<'_, 'a, A, AN, B, BN, R, P> {
        Steps { walk: self, at: 0 }
    }
}

/// Whether `count` runs of `steps · each` values, `stride` apart, lie within `len`.
#[inline(always)]
fn fits(len: usize, count: usize, stride: usize, steps: usize, each: usize) -> bool {
    let last = (count - 1).checked_mul(stride);
    let run = steps.checked_mul(each);
    last.zip(run).and_then(|(last, run)| last.checked_add(run)).is_some_and(|end| end <= len)
}

/// The steps yet to come.
pub(crate) struct Steps<'w, 'a, A, const AN: usize, B, const BN: usize, const R: usize, const P: usize> {
    walk: &'w Walk<'a, A, AN, B, BN, R, P>,
    at: usize,
}

impl<'w, 'a, A, const AN: usize, B, const BN: usize, const R: usize, const P: usize> Iterator
    for Steps<'w, 'a, A, AN, B, BN, R, P>
{
    type Item = Step<'w, 'a, A, AN, B, BN, R, P>;

    #[inline(always)]
    fn next(&mut self) -> Option<Self::Item> {
        let at = self.at;
        if at == self.walk.steps {
            return None;
        }
        self.at = at + 1;
        Some(Step { walk: self.walk, at })
    }
}

/// One step along k; that it exists proves that it lies within every row and panel.
pub(crate) struct Step<'w, 'a, A, const AN: usize, B, const BN: usize, const R: usize, const P: usize> {
    walk: &'w Walk<'a, A, AN, B, BN, R, P>,
    at: usize,
}

impl<'a, A: Copy, const AN: usize, B, const BN: usize, const R: usize, const P: usize>
    Step<'_, 'a, A, AN, B, BN, R, P>
{
    /// Which step it is.
    #[inline(always)]
    pub(crate) fn index(&self) -> usize {
        self.at
    }

    /// This step's values of row `r`.
    #[inline(always)]
    pub(crate) fn row(&self, r: usize) -> [A; AN] {
        assert!(r < R);
        // SAFETY: r < R and at < steps, so the offset lies within the slice whose extent `Walk::new` checked.
        let at = unsafe { self.walk.rows.add(r * self.walk.row_stride + self.at * AN) };
        // SAFETY: `Walk::new` checked that AN values lie there; an array of A is aligned as A is.
        unsafe { *at.cast::<[A; AN]>() }
    }

    /// This step's values of panel `p`.
    #[inline(always)]
    pub(crate) fn panel(&self, p: usize) -> &'a [B; BN] {
        assert!(p < P);
        // SAFETY: p < P and at < steps, so the offset lies within the slice whose extent `Walk::new` checked.
        let at = unsafe { self.walk.panels.add(p * self.walk.panel_stride + self.at * BN) };
        // SAFETY: `Walk::new` checked that BN values lie there, borrowed for 'a.
        unsafe { &*at.cast::<[B; BN]>() }
    }
}

/// `R` rows of `P` times sixteen values to read, `stride` apart.
pub(crate) struct Block<'a, const R: usize, const P: usize> {
    first: *const f32,
    stride: usize,
    life: PhantomData<&'a [f32]>,
}

impl<'a, const R: usize, const P: usize> Block<'a, R, P> {
    /// # Panics
    ///
    /// If the values end before the block.
    #[inline(always)]
    pub(crate) fn new(values: &'a [f32], stride: usize) -> Self {
        assert!(fits(values.len(), R, stride, P, 16), "values end before the block");
        Self { first: values.as_ptr(), stride, life: PhantomData }
    }

    /// The sixteen values of row `r` from `16 · p` on.
    #[inline(always)]
    pub(crate) fn at(&self, r: usize, p: usize) -> &'a [f32; 16] {
        assert!(r < R && p < P);
        // SAFETY: r < R and p < P, so the offset lies within the slice whose extent `new` checked.
        let at = unsafe { self.first.add(r * self.stride + 16 * p) };
        // SAFETY: `new` checked that sixteen values lie there, borrowed for 'a.
        unsafe { &*at.cast::<[f32; 16]>() }
    }
}
