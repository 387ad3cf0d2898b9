//! The kinds of numbers that ONNX's tensors hold, and which of them are known here.

use std::fmt;

/// A kind of number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Elem {
    /// IEEE 754, 32 bit.
    F32,
    /// IEEE 754, 64 bit.
    F64,
    /// IEEE 754, 16 bit.
    F16,
    /// The upper half of an f32.
    BF16,
    /// Signed, 8 bit.
    I8,
    /// Signed, 16 bit.
    I16,
    /// Signed, 32 bit.
    I32,
    /// Signed, 64 bit.
    I64,
    /// Unsigned, 8 bit.
    U8,
    /// Unsigned, 16 bit.
    U16,
    /// Unsigned, 32 bit.
    U32,
    /// Unsigned, 64 bit.
    U64,
    /// True or false.
    Bool,
    /// A code: float8e4m3fn.
    F8E4M3Fn,
    /// A code: float8e4m3fnuz.
    F8E4M3FnUz,
    /// A code: float8e5m2.
    F8E5M2,
    /// A code: float8e5m2fnuz.
    F8E5M2FnUz,
    /// A code: uint4.
    U4,
    /// A code: int4.
    I4,
    /// A code: float4e2m1.
    F4E2M1,
    /// A code: float8e8m0.
    F8E8M0,
    /// A code: uint2.
    U2,
    /// A code: int2.
    I2,
}

/// `TensorProto.DataType` by number: its name there, and what it is here.
const TYPES: [(i32, &str, Option<Elem>); 27] = [
    (0, "undefined", None),
    (1, "float32", Some(Elem::F32)),
    (2, "uint8", Some(Elem::U8)),
    (3, "int8", Some(Elem::I8)),
    (4, "uint16", Some(Elem::U16)),
    (5, "int16", Some(Elem::I16)),
    (6, "int32", Some(Elem::I32)),
    (7, "int64", Some(Elem::I64)),
    (8, "string", None),
    (9, "bool", Some(Elem::Bool)),
    (10, "float16", Some(Elem::F16)),
    (11, "float64", Some(Elem::F64)),
    (12, "uint32", Some(Elem::U32)),
    (13, "uint64", Some(Elem::U64)),
    (14, "complex64", None),
    (15, "complex128", None),
    (16, "bfloat16", Some(Elem::BF16)),
    (17, "float8e4m3fn", Some(Elem::F8E4M3Fn)),
    (18, "float8e4m3fnuz", Some(Elem::F8E4M3FnUz)),
    (19, "float8e5m2", Some(Elem::F8E5M2)),
    (20, "float8e5m2fnuz", Some(Elem::F8E5M2FnUz)),
    (21, "uint4", Some(Elem::U4)),
    (22, "int4", Some(Elem::I4)),
    (23, "float4e2m1", Some(Elem::F4E2M1)),
    (24, "float8e8m0", Some(Elem::F8E8M0)),
    (25, "uint2", Some(Elem::U2)),
    (26, "int2", Some(Elem::I2)),
];

impl Elem {
    /// The kind that ONNX has under a number.
    ///
    /// # Errors
    ///
    /// The name of a kind that is not computed with, or the number of one that ONNX does not have.
    pub fn of(number: i64) -> Result<Elem, String> {
        match TYPES.iter().find(|row| i64::from(row.0) == number) {
            Some((_, _, Some(elem))) => Ok(*elem),
            Some((_, name, None)) => Err(format!("numbers of type {name} are not supported")),
            None => Err(format!("{number} is no type of numbers")),
        }
    }

    /// ONNX's name for it.
    pub fn name(self) -> &'static str {
        TYPES.iter().find(|row| row.2 == Some(self)).map_or("", |row| row.1)
    }

    /// How many bits a number takes in a file.
    pub fn bits(self) -> usize {
        match self {
            Elem::U2 | Elem::I2 => 2,
            Elem::U4 | Elem::I4 | Elem::F4E2M1 => 4,
            Elem::I8 | Elem::U8 | Elem::Bool => 8,
            Elem::F8E4M3Fn | Elem::F8E4M3FnUz | Elem::F8E5M2 | Elem::F8E5M2FnUz | Elem::F8E8M0 => 8,
            Elem::F16 | Elem::BF16 | Elem::I16 | Elem::U16 => 16,
            Elem::F32 | Elem::I32 | Elem::U32 => 32,
            Elem::F64 | Elem::I64 | Elem::U64 => 64,
        }
    }

    /// How many bytes so many numbers take in a file, if they can be counted.
    pub(super) fn bytes(self, count: usize) -> Option<usize> {
        count.checked_mul(self.bits()).map(|bits| bits.div_ceil(8))
    }

    /// Whether it has fractions.
    pub fn is_float(self) -> bool {
        matches!(self, Elem::F32 | Elem::F64 | Elem::F16 | Elem::BF16)
    }
}

impl fmt::Display for Elem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
