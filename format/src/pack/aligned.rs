//! Bytes on the heap at an address that packs may lie at.

use super::ALIGN;
use core::ops::Deref;

#[derive(Clone, Copy, bytemuck::Pod, bytemuck::Zeroable)]
#[repr(C, align(64))]
struct Line([u8; ALIGN]);

/// Bytes that begin at a multiple of [`ALIGN`], as a pack must.
#[derive(Clone)]
pub struct Aligned {
    lines: Vec<Line>,
    len: usize,
}

impl Aligned {
    /// A copy of `bytes`.
    pub fn copy(bytes: &[u8]) -> Aligned {
        Aligned::filled(bytes.len(), |to| to.copy_from_slice(bytes))
    }

    /// `len` bytes that `fill` writes, of which none that it leaves is other than 0.
    pub(super) fn filled(len: usize, fill: impl FnOnce(&mut [u8])) -> Aligned {
        let mut lines: Vec<Line> = bytemuck::zeroed_vec(len.div_ceil(ALIGN));
        fill(&mut bytemuck::cast_slice_mut(&mut lines)[..len]);
        Aligned { lines, len }
    }
}

impl Deref for Aligned {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &bytemuck::cast_slice(&self.lines)[..self.len]
    }
}
