//! The number types that tensors are stored in.

use core::fmt;

/// The type of a stored number, little-endian.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DType {
    /// IEEE 754 single precision.
    F32,
    /// The upper half of an [`F32`](DType::F32): storage only, arithmetic is done in f32.
    Bf16,
    /// Signed 8 bit.
    I8,
    /// Signed 32 bit.
    I32,
    /// Unsigned 4 bit, two a byte, the first in the lower half; each row is filled up to a whole byte. Only for tables.
    U4,
}

impl DType {
    /// All of them, in the order of their codes.
    pub const ALL: [DType; 5] = [DType::F32, DType::Bf16, DType::I8, DType::I32, DType::U4];

    /// Bytes of a row of so many numbers, or `None` where they cannot be counted.
    pub const fn row_bytes(self, columns: u64) -> Option<u64> {
        match self {
            DType::F32 | DType::I32 => columns.checked_mul(4),
            DType::Bf16 => columns.checked_mul(2),
            DType::I8 => Some(columns),
            DType::U4 => Some(columns.div_ceil(2)),
        }
    }

    /// The name used in texts: `f32`, `bf16`, `i8`, `i32`, `u4`.
    pub const fn name(self) -> &'static str {
        match self {
            DType::F32 => "f32",
            DType::Bf16 => "bf16",
            DType::I8 => "i8",
            DType::I32 => "i32",
            DType::U4 => "u4",
        }
    }

    pub(crate) fn code(self) -> u8 {
        match self {
            DType::F32 => 0,
            DType::Bf16 => 1,
            DType::I8 => 2,
            DType::I32 => 3,
            DType::U4 => 4,
        }
    }

    pub(crate) fn from_code(code: u8) -> Option<DType> {
        DType::ALL.get(usize::from(code)).copied()
    }
}

impl fmt::Display for DType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_comes_back() {
        for dtype in DType::ALL {
            assert_eq!(DType::from_code(dtype.code()), Some(dtype), "{dtype}");
        }
        assert_eq!(DType::from_code(5), None);
    }
}
