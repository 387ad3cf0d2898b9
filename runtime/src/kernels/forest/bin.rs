//! The whole numbers that columns and places are, and the numbers that leaves are.

use core::ops::{Add, Div, Mul};
use modeldeploy_format::forest::LEAVES_AFTER;

/// A column's value, or a place among the leaves of a tree. Values are stored less their middle, so that comparisons are signed, as
/// AVX2 has them; places are only ever compared for being the same.
pub(super) trait Bin: Copy + Default + PartialOrd {
    /// A field of a node.
    type Field: Copy;

    /// The column of a node, or another field as a number.
    fn index(field: Self::Field) -> usize;

    /// The cut of a node.
    fn cut(field: Self::Field) -> Self;

    /// A leaf of a node.
    fn leaf(field: Self::Field) -> Self;

    /// The value of a column.
    fn value(count: usize) -> Self;

    /// Adds the leaf at each place to each sum; the tree's leaves stand first.
    fn add<L: Leaf, const N: usize>(leaves: &[L], places: &[Self; N], sums: &mut [L; N]);
}

impl Bin for i8 {
    type Field = u16;

    #[inline(always)]
    fn index(field: u16) -> usize {
        usize::from(field)
    }

    #[inline(always)]
    fn cut(field: u16) -> i8 {
        (field as u8 ^ 0x80).cast_signed()
    }

    #[inline(always)]
    fn leaf(field: u16) -> i8 {
        (field as u8).cast_signed()
    }

    #[inline(always)]
    fn value(count: usize) -> i8 {
        (count as u8 ^ 0x80).cast_signed()
    }

    #[inline(always)]
    fn add<L: Leaf, const N: usize>(leaves: &[L], places: &[i8; N], sums: &mut [L; N]) {
        // With all that a byte can be there, no place needs a check.
        let leaves: &[L; LEAVES_AFTER + 1] = leaves.first_chunk().expect("a forest has leaves after its last");
        for (sum, place) in sums.iter_mut().zip(places) {
            *sum = *sum + leaves[usize::from(place.cast_unsigned())];
        }
    }
}

impl Bin for i16 {
    type Field = u16;

    #[inline(always)]
    fn index(field: u16) -> usize {
        usize::from(field)
    }

    #[inline(always)]
    fn cut(field: u16) -> i16 {
        (field ^ 0x8000).cast_signed()
    }

    #[inline(always)]
    fn leaf(field: u16) -> i16 {
        field.cast_signed()
    }

    #[inline(always)]
    fn value(count: usize) -> i16 {
        (count as u16 ^ 0x8000).cast_signed()
    }

    #[inline(always)]
    fn add<L: Leaf, const N: usize>(leaves: &[L], places: &[i16; N], sums: &mut [L; N]) {
        for (sum, place) in sums.iter_mut().zip(places) {
            *sum = *sum + leaves[usize::from(place.cast_unsigned())];
        }
    }
}

impl Bin for i32 {
    type Field = u32;

    #[inline(always)]
    fn index(field: u32) -> usize {
        field as usize
    }

    #[inline(always)]
    fn cut(field: u32) -> i32 {
        (field ^ 0x8000_0000).cast_signed()
    }

    #[inline(always)]
    fn leaf(field: u32) -> i32 {
        field.cast_signed()
    }

    #[inline(always)]
    fn value(count: usize) -> i32 {
        (count as u32 ^ 0x8000_0000).cast_signed()
    }

    #[inline(always)]
    fn add<L: Leaf, const N: usize>(leaves: &[L], places: &[i32; N], sums: &mut [L; N]) {
        for (sum, place) in sums.iter_mut().zip(places) {
            *sum = *sum + leaves[place.cast_unsigned() as usize];
        }
    }
}

/// A number that leaves are added in.
pub(super) trait Leaf: Copy + Add<Output = Self> + Mul<Output = Self> + Div<Output = Self> + Into<f64> {
    /// Whether it is f32.
    const SINGLE: bool;

    /// The nearest number.
    fn of(value: f64) -> Self;
}

impl Leaf for f32 {
    const SINGLE: bool = true;

    #[inline(always)]
    fn of(value: f64) -> f32 {
        value as f32
    }
}

impl Leaf for f64 {
    const SINGLE: bool = false;

    #[inline(always)]
    fn of(value: f64) -> f64 {
        value
    }
}
