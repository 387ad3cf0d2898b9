//! The bytes of a pack where they lie: in one piece, or in several that other packs of the program have, too.
//!
//! One after the other the parts are the pack. Each begins at a multiple of [`ALIGN`] in the pack and in memory, and no section but that
//! of the data, and no tensor, lies in two.

use super::ALIGN;
use super::read::PackError;
use core::ops::Range;

/// The parts of a pack, in their order.
#[derive(Clone, Debug)]
pub(super) struct Parts<'a> {
    /// Each with where it begins in the pack.
    parts: Vec<(usize, &'a [u8])>,
}

impl<'a> Parts<'a> {
    /// Proves how they lie.
    pub(super) fn new(parts: &[&'a [u8]]) -> Result<Parts<'a>, PackError> {
        let mut len = 0_usize;
        let mut placed = Vec::with_capacity(parts.len());
        for &part in parts {
            if !len.is_multiple_of(ALIGN) || !part.as_ptr().addr().is_multiple_of(ALIGN) {
                return Err(PackError::Misaligned);
            }
            placed.push((len, part));
            len += part.len();
        }
        Ok(Parts { parts: placed })
    }

    /// The parts.
    pub(super) fn iter(&self) -> impl Iterator<Item = &'a [u8]> {
        self.parts.iter().map(|(_, part)| *part)
    }

    /// The bytes of a range of the pack; none if they do not lie in one part.
    pub(super) fn get(&self, range: Range<usize>) -> Option<&'a [u8]> {
        if range.is_empty() {
            return Some(&[]);
        }
        let after = self.parts.partition_point(|(start, _)| *start <= range.start);
        let (start, part) = self.parts.get(after.checked_sub(1)?)?;
        part.get(range.start - start..range.end.checked_sub(*start)?)
    }
}
