//! Kinds of numbers into one another.

use super::{Call, Limit, Operator, row};
use crate::onnx::elem::Elem;
use crate::onnx::small::{self, F4E2M1, F8E4M3Fn, F8E4M3FnUz, F8E5M2, F8E5M2FnUz, F8E8M0, I2, I4, Layout, U2, U4};
use crate::onnx::tensor::{Data, Tensor, Value, any};
use half::{bf16, f16};

pub(super) const OPERATORS: &[Operator] = &[
    row("Cast", 6, (1, 1), &["to", "saturate", "round_mode"], cast)
        .limits(&[Limit::Since("saturate", 19), Limit::Since("round_mode", 24)]),
    row("CastLike", 15, (2, 2), &["saturate", "round_mode"], |call| rounded(call, call.input(1)?.elem()))
        .limits(&[Limit::Since("saturate", 19), Limit::Since("round_mode", 24)]),
    row("BitCast", 26, (1, 1), &["to"], bits),
];

fn cast(call: &Call<'_>) -> Result<Tensor, String> {
    let kind = call.attributes.int("to")?.ok_or("it does not say to what")?;
    rounded(call, Elem::of(kind)?)
}

/// What the node says of numbers that its kind has not.
fn rounded(call: &Call<'_>, elem: Elem) -> Result<Tensor, String> {
    let saturate = call.attributes.flag_or("saturate", true)?;
    with(call.input(0)?, elem, saturate, call.attributes.text_or("round_mode", "up")?)
}

/// A number of any kind between two kinds: whole numbers stay whole, and a float is rounded once.
trait Cast: Copy {
    /// Exact for every kind but 64-bit whole numbers, which are rounded.
    fn float(self) -> f64;
    /// The same to be rounded once more, to fewer bits: what 64-bit whole numbers lose is kept as an odd last bit.
    fn sticky(self) -> f64 {
        self.float()
    }
    /// A whole number, cut where it has a fraction, as C has it.
    fn whole(self) -> i128;
}

macro_rules! cast {
    ($($ty:ty: $float:expr, $whole:expr;)*) => {$(
        impl Cast for $ty {
            fn float(self) -> f64 {
                let f: fn($ty) -> f64 = $float;
                f(self)
            }

            fn whole(self) -> i128 {
                let f: fn($ty) -> i128 = $whole;
                f(self)
            }
        }
    )*};
}
cast! {
    f32: |x| x.into(), |x| x as i128;
    f64: |x| x, |x| x as i128;
    f16: |x| x.to_f64(), |x| x.to_f64() as i128;
    bf16: |x| x.to_f64(), |x| x.to_f64() as i128;
    i8: |x| x.into(), |x| x.into();
    i16: |x| x.into(), |x| x.into();
    i32: |x| x.into(), |x| x.into();
    u8: |x| x.into(), |x| x.into();
    u16: |x| x.into(), |x| x.into();
    u32: |x| x.into(), |x| x.into();
    bool: |x| f64::from(u8::from(x)), |x| x.into();
    F8E4M3Fn: |x| small::E4M3FN.decode(x.0), |x| x.float() as i128;
    F8E4M3FnUz: |x| small::E4M3FNUZ.decode(x.0), |x| x.float() as i128;
    F8E5M2: |x| small::E5M2.decode(x.0), |x| x.float() as i128;
    F8E5M2FnUz: |x| small::E5M2FNUZ.decode(x.0), |x| x.float() as i128;
    F8E8M0: |x| small::power(x.0), |x| x.float() as i128;
    F4E2M1: |x| small::E2M1.decode(x.0), |x| x.float() as i128;
    U4: |x| x.0.into(), |x| x.0.into();
    I4: |x| small::signed(x.0, 4).into(), |x| small::signed(x.0, 4).into();
    U2: |x| x.0.into(), |x| x.0.into();
    I2: |x| small::signed(x.0, 2).into(), |x| small::signed(x.0, 2).into();
}

macro_rules! long {
    ($($ty:ty)*) => {$(
        impl Cast for $ty {
            fn float(self) -> f64 {
                self as f64
            }

            fn sticky(self) -> f64 {
                let (near, own) = (self as f64, i128::from(self));
                let bits = near.to_bits();
                let toward_zero = if (near as i128).unsigned_abs() > own.unsigned_abs() { bits - 1 } else { bits };
                f64::from_bits(if near as i128 == own { bits } else { toward_zero | 1 })
            }

            fn whole(self) -> i128 {
                self.into()
            }
        }
    )*};
}
long! { i64 u64 }

/// A number to be rounded once more, to 16 bits: what f32 loses is kept as an odd last bit.
fn odd(x: f64) -> f32 {
    let near = x as f32;
    let wide = f64::from(near);
    if wide == x || !near.is_finite() {
        return near;
    }
    let bits = near.to_bits();
    f32::from_bits(if wide.abs() > x.abs() { bits - 1 } else { bits } | 1)
}

/// The same numbers as another kind. Whole numbers that are too large wrap.
pub(super) fn to(x: &Tensor, elem: Elem) -> Result<Tensor, String> {
    with(x, elem, true, "up")
}

/// The same, with what becomes of numbers that a small float has not, and how powers of two round.
fn with(x: &Tensor, elem: Elem, saturate: bool, round: &str) -> Result<Tensor, String> {
    fn typed<T: Cast>(values: &[T], elem: Elem, saturate: bool, round: &str) -> Result<Data, String> {
        fn all<T: Cast, N: Value>(values: &[T], f: impl Fn(T) -> N) -> Data {
            N::wrap(values.iter().map(|&x| f(x)).collect())
        }
        macro_rules! whole {
            ($ty:ty) => {
                all(values, |x| x.whole() as $ty)
            };
        }
        let code = |layout: Layout, x: T| layout.encode(x.float(), saturate);
        let bits = |x: T, mask: u8| (x.whole() as u8) & mask;
        Ok(match elem {
            Elem::F32 => all(values, |x| x.sticky() as f32),
            Elem::F64 => all(values, Cast::float),
            Elem::F16 => all(values, |x| f16::from_f32(odd(x.sticky()))),
            Elem::BF16 => all(values, |x| bf16::from_f32(odd(x.sticky()))),
            Elem::I8 => whole!(i8),
            Elem::I16 => whole!(i16),
            Elem::I32 => whole!(i32),
            Elem::I64 => whole!(i64),
            Elem::U8 => whole!(u8),
            Elem::U16 => whole!(u16),
            Elem::U32 => whole!(u32),
            Elem::U64 => whole!(u64),
            Elem::Bool => all(values, |x| x.float() != 0.0),
            Elem::F8E4M3Fn => all(values, |x| F8E4M3Fn(code(small::E4M3FN, x))),
            Elem::F8E4M3FnUz => all(values, |x| F8E4M3FnUz(code(small::E4M3FNUZ, x))),
            Elem::F8E5M2 => all(values, |x| F8E5M2(code(small::E5M2, x))),
            Elem::F8E5M2FnUz => all(values, |x| F8E5M2FnUz(code(small::E5M2FNUZ, x))),
            Elem::F4E2M1 => all(values, |x| F4E2M1(code(small::E2M1, x))),
            Elem::F8E8M0 => {
                let codes = values.iter().map(|x| small::power_of(x.float(), round, saturate).map(F8E8M0));
                codes.collect::<Result<Vec<_>, _>>()?.into()
            }
            Elem::U4 => all(values, |x| U4(bits(x, 15))),
            Elem::I4 => all(values, |x| I4(bits(x, 15))),
            Elem::U2 => all(values, |x| U2(bits(x, 3))),
            Elem::I2 => all(values, |x| I2(bits(x, 3))),
        })
    }
    if x.elem() == elem {
        return Ok(x.clone());
    }
    Tensor::new(x.shape(), any!(x.data(), values => typed(values, elem, saturate, round))?)
}

/// A number as a tensor of that kind.
pub(super) fn number(value: f64, elem: Elem) -> Result<Tensor, String> {
    to(&Tensor::scalar(value), elem)
}

/// The same bits as another kind.
fn bits(call: &Call<'_>) -> Result<Tensor, String> {
    let elem = Elem::of(call.attributes.int("to")?.ok_or("it does not say to what")?)?;
    let x = call.input(0)?;
    if elem.bits() != x.elem().bits() || elem.bits() < 8 {
        return Err(format!("{} and {elem} are of different sizes", x.elem()));
    }
    Tensor::new(x.shape(), Data::read(elem, &x.data().bytes(), x.len()))
}
