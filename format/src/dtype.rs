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
}

impl DType {
    /// All of them, in the order of their codes.
    pub const ALL: [DType; 4] = [DType::F32, DType::Bf16, DType::I8, DType::I32];

    /// Bytes of one number.
    pub const fn size(self) -> usize {
        match self {
            DType::F32 | DType::I32 => 4,
            DType::Bf16 => 2,
            DType::I8 => 1,
        }
    }

    /// The name used in texts: `f32`, `bf16`, `i8`, `i32`.
    pub const fn name(self) -> &'static str {
        match self {
            DType::F32 => "f32",
            DType::Bf16 => "bf16",
            DType::I8 => "i8",
            DType::I32 => "i32",
        }
    }

    pub(crate) fn code(self) -> u8 {
        match self {
            DType::F32 => 0,
            DType::Bf16 => 1,
            DType::I8 => 2,
            DType::I32 => 3,
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
        assert_eq!(DType::from_code(4), None);
    }
}
