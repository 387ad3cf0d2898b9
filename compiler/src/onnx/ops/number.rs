//! What can be computed with, whatever its kind.

use crate::onnx::tensor::Value;
use std::cmp::Ordering;

/// A kind of number that sums and products are made of. Whole numbers wrap, as ONNX's reference does.
pub(super) trait Number: Value + PartialOrd {
    fn add(self, other: Self) -> Self;
    fn sub(self, other: Self) -> Self;
    fn mul(self, other: Self) -> Self;
    /// None where a whole number is divided by 0.
    fn div(self, other: Self) -> Option<Self>;
    /// The remainder with the sign of the divisor; none as with `div`.
    fn modulo(self, other: Self) -> Option<Self>;
    /// The remainder with the sign of the dividend; none as with `div`.
    fn remainder(self, other: Self) -> Option<Self>;
    fn neg(self) -> Self;
    fn abs(self) -> Self;
    fn sign(self) -> Self;
    fn lowest() -> Self;
    fn highest() -> Self;
    fn is_nan(self) -> bool;
    fn of(value: f64) -> Self;
    fn wide(self) -> f64;
    fn pow(self, exponent: f64) -> Self;

    /// The order of numbers, NaN after all others.
    fn order(self, other: Self) -> Ordering {
        self.partial_cmp(&other).unwrap_or_else(|| self.is_nan().cmp(&other.is_nan()))
    }

    /// Whether it takes the place of the largest so far: the first NaN does, as NumPy has it.
    fn above(self, other: Self) -> bool {
        self > other || self.is_nan() && !other.is_nan()
    }

    /// Whether it takes the place of the least so far: the first NaN does.
    fn below(self, other: Self) -> bool {
        self < other || self.is_nan() && !other.is_nan()
    }
}

macro_rules! float {
    ($($ty:ty)*) => {$(
        impl Number for $ty {
            fn add(self, other: Self) -> Self { self + other }
            fn sub(self, other: Self) -> Self { self - other }
            fn mul(self, other: Self) -> Self { self * other }
            fn div(self, other: Self) -> Option<Self> { Some(self / other) }
            fn modulo(self, other: Self) -> Option<Self> { Some(self - (self / other).floor() * other) }
            fn remainder(self, other: Self) -> Option<Self> { Some(self % other) }
            fn neg(self) -> Self { -self }
            fn abs(self) -> Self { self.abs() }
            fn sign(self) -> Self { if self > 0.0 { 1.0 } else if self < 0.0 { -1.0 } else { self } }
            fn lowest() -> Self { Self::NEG_INFINITY }
            fn highest() -> Self { Self::INFINITY }
            fn is_nan(self) -> bool { self.is_nan() }
            fn of(value: f64) -> Self { value as $ty }
            fn wide(self) -> f64 { f64::from(self) }
            fn pow(self, exponent: f64) -> Self { self.powf(exponent as $ty) }
        }
    )*};
}
float! { f32 f64 }

macro_rules! whole {
    ($($ty:ty, $negative:expr;)*) => {$(
        impl Number for $ty {
            fn add(self, other: Self) -> Self { self.wrapping_add(other) }
            fn sub(self, other: Self) -> Self { self.wrapping_sub(other) }
            fn mul(self, other: Self) -> Self { self.wrapping_mul(other) }
            fn div(self, other: Self) -> Option<Self> { (other != 0).then(|| self.wrapping_div(other)) }
            fn modulo(self, other: Self) -> Option<Self> {
                let rest = self.remainder(other)?;
                #[allow(unused_comparisons, reason = "an unsigned number has no sign to differ in")]
                let apart = rest != 0 && (rest < 0) != (other < 0);
                Some(if apart { rest.wrapping_add(other) } else { rest })
            }
            fn remainder(self, other: Self) -> Option<Self> { (other != 0).then(|| self.wrapping_rem(other)) }
            fn neg(self) -> Self { self.wrapping_neg() }
            fn abs(self) -> Self {
                #[allow(unused_comparisons, reason = "an unsigned number is never under 0")]
                if self < 0 { self.wrapping_neg() } else { self }
            }
            fn sign(self) -> Self {
                #[allow(unused_comparisons, reason = "an unsigned number is never under 0")]
                if self > 0 { 1 } else if self < 0 { $negative } else { 0 }
            }
            fn lowest() -> Self { Self::MIN }
            fn highest() -> Self { Self::MAX }
            fn is_nan(self) -> bool { false }
            fn of(value: f64) -> Self { value as $ty }
            fn wide(self) -> f64 { self as f64 }
            fn pow(self, exponent: f64) -> Self {
                // Exact while it is a whole number that is not negative; else as a fraction, cut.
                if exponent >= 0.0 && exponent.fract() == 0.0 && exponent <= f64::from(u32::MAX) {
                    self.wrapping_pow(exponent as u32)
                } else {
                    (self as f64).powf(exponent) as $ty
                }
            }
        }
    )*};
}
whole! { i8, -1; i16, -1; i32, -1; i64, -1; u8, 0; u16, 0; u32, 0; u64, 0; }

/// Does the same with numbers of any kind that can be computed with, each as its own type.
macro_rules! numbers {
    ($tensor:expr, $values:ident => $body:expr) => {
        match $tensor.data() {
            $crate::onnx::tensor::Data::F32($values) => $body,
            $crate::onnx::tensor::Data::F64($values) => $body,
            $crate::onnx::tensor::Data::I8($values) => $body,
            $crate::onnx::tensor::Data::I16($values) => $body,
            $crate::onnx::tensor::Data::I32($values) => $body,
            $crate::onnx::tensor::Data::I64($values) => $body,
            $crate::onnx::tensor::Data::U8($values) => $body,
            $crate::onnx::tensor::Data::U16($values) => $body,
            $crate::onnx::tensor::Data::U32($values) => $body,
            $crate::onnx::tensor::Data::U64($values) => $body,
            _ => Err(format!("numbers are needed, not {}", $tensor)),
        }
    };
}
pub(super) use numbers;

/// Does the same with f32 or f64.
macro_rules! floats {
    ($tensor:expr, $values:ident => $body:expr) => {
        match $tensor.data() {
            $crate::onnx::tensor::Data::F32($values) => $body,
            $crate::onnx::tensor::Data::F64($values) => $body,
            _ => Err(format!("numbers with fractions are needed, not {}", $tensor)),
        }
    };
}
pub(super) use floats;
