//! The one allocation in which a session computes.
//!
//! A step writes to a few ranges and reads others. [`Arena::split`] gives the written ranges apart from one another and from all
//! the rest, so that the borrow checker holds what `Artifact::parse` proved of the plan: no output lies over an input, but where
//! both are one place, which is written alone.

use super::SessionError;
use core::ops::Range;
use modeldeploy_format::pack::ALIGN;

/// The most ranges that one step writes.
const MOST: usize = 3;

#[derive(Clone, Copy, bytemuck::Pod, bytemuck::Zeroable)]
#[repr(C, align(64))]
struct Line([u8; ALIGN]);

/// Bytes that begin at a multiple of 64.
pub(super) struct Arena {
    lines: Vec<Line>,
}

/// What a step may read: all of the arena that it does not write.
pub(super) struct Inputs<'a> {
    /// Ascending, each with the place of its first byte.
    gaps: [(usize, &'a [u8]); MOST + 1],
}

impl Arena {
    /// `bytes` zeros, filled up to whole lines. Pages that are never written take no memory.
    pub(super) fn new(bytes: usize) -> Result<Arena, SessionError> {
        let lines = bytemuck::allocation::try_zeroed_vec(bytes.div_ceil(ALIGN));
        lines.map(|lines| Arena { lines }).map_err(|()| SessionError::Memory { bytes })
    }

    pub(super) fn len(&self) -> usize {
        self.lines.len() * ALIGN
    }

    /// The bytes of `place`.
    pub(super) fn bytes(&self, place: Range<usize>) -> &[u8] {
        &bytemuck::cast_slice(&self.lines)[place]
    }

    /// The ranges `outs` to write, and all else to read.
    ///
    /// # Panics
    ///
    /// If they overlap, do not ascend or lie outside: the places of a proved program never do.
    pub(super) fn split<const N: usize>(&mut self, outs: [Range<usize>; N]) -> ([&mut [u8]; N], Inputs<'_>) {
        const { assert!(N <= MOST) };
        let mut order: [usize; N] = core::array::from_fn(|i| i);
        order.sort_unstable_by_key(|&i| outs[i].start);
        let mut rest: &mut [u8] = bytemuck::cast_slice_mut(&mut self.lines);
        let mut at = 0;
        let mut written: [&mut [u8]; N] = core::array::from_fn(|_| Default::default());
        let mut gaps: [(usize, &[u8]); MOST + 1] = [(0, &[]); MOST + 1];
        for (gap, i) in gaps.iter_mut().zip(order) {
            let (before, after) = rest.split_at_mut(outs[i].start - at);
            let (out, after) = after.split_at_mut(outs[i].len());
            *gap = (at, before);
            written[i] = out;
            rest = after;
            at = outs[i].end;
        }
        gaps[N] = (at, rest);
        (written, Inputs { gaps })
    }
}

impl<'a> Inputs<'a> {
    /// The bytes of `place`.
    ///
    /// # Panics
    ///
    /// If the step writes to some of them: the places of a proved program never overlap so.
    pub(super) fn bytes(&self, place: Range<usize>) -> &'a [u8] {
        let gap = self.gaps.iter().rev().find(|(start, bytes)| !bytes.is_empty() && *start <= place.start);
        let (start, bytes) = gap.expect("an input lies outside of the arena");
        &bytes[place.start - start..place.end - start]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_lies_apart_from_what_is_read() {
        let mut arena = Arena::new(200).expect("200 bytes");
        assert_eq!(arena.len(), 256);
        let ([b, a], inputs) = arena.split([100..104, 0..8]);
        (a[0], b[3]) = (7, 9);
        assert_eq!(inputs.bytes(8..100).len(), 92);
        assert_eq!(inputs.bytes(104..256).len(), 152);
        assert_eq!(arena.bytes(0..8), [7, 0, 0, 0, 0, 0, 0, 0]);
        assert_eq!(arena.bytes(100..104), [0, 0, 0, 9]);
        assert!(arena.bytes(0..1).as_ptr().addr().is_multiple_of(ALIGN));
    }

    #[test]
    #[should_panic(expected = "out of range")]
    fn an_input_that_is_written_is_refused() {
        let mut arena = Arena::new(64).expect("64 bytes");
        let (_, inputs) = arena.split([8..16, 32..36]);
        inputs.bytes(4..12);
    }
}
