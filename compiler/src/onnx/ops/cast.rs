//! Kinds of numbers into one another.

use super::{Call, Operator, row};
use crate::onnx::elem::Elem;
use crate::onnx::tensor::{Data, Tensor, any};
use half::{bf16, f16};

pub(super) const OPERATORS: &[Operator] = &[
    row("Cast", 6, (1, 1), &["to", "saturate", "round_mode"], cast),
    row("CastLike", 15, (2, 2), &["saturate", "round_mode"], |call| to(call.input(0)?, call.input(1)?.elem())),
    row("BitCast", 26, (1, 1), &["to"], bits),
];

fn cast(call: &Call<'_>) -> Result<Tensor, String> {
    let kind = call.attributes.int("to")?.ok_or("it does not say to what")?;
    to(call.input(0)?, Elem::of(kind)?)
}

/// A number of any kind between two kinds: whole numbers stay whole, and a float is rounded once.
trait Cast: Copy {
    /// Exact for every kind but 64-bit whole numbers.
    fn float(self) -> f64;
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
    i64: |x| x as f64, |x| x.into();
    u8: |x| x.into(), |x| x.into();
    u16: |x| x.into(), |x| x.into();
    u32: |x| x.into(), |x| x.into();
    u64: |x| x as f64, |x| x.into();
    bool: |x| f64::from(u8::from(x)), |x| x.into();
}

/// The same numbers as another kind. Whole numbers that are too large wrap.
pub(super) fn to(x: &Tensor, elem: Elem) -> Result<Tensor, String> {
    fn typed<T: Cast>(values: &[T], elem: Elem) -> Data {
        macro_rules! whole {
            ($ty:ty) => {
                values.iter().map(|x| x.whole() as $ty).collect::<Vec<_>>().into()
            };
        }
        match elem {
            Elem::F32 => values.iter().map(|x| x.float() as f32).collect::<Vec<_>>().into(),
            Elem::F64 => values.iter().map(|x| x.float()).collect::<Vec<_>>().into(),
            Elem::F16 => values.iter().map(|x| f16::from_f64(x.float())).collect::<Vec<_>>().into(),
            Elem::BF16 => values.iter().map(|x| bf16::from_f64(x.float())).collect::<Vec<_>>().into(),
            Elem::I8 => whole!(i8),
            Elem::I16 => whole!(i16),
            Elem::I32 => whole!(i32),
            Elem::I64 => whole!(i64),
            Elem::U8 => whole!(u8),
            Elem::U16 => whole!(u16),
            Elem::U32 => whole!(u32),
            Elem::U64 => whole!(u64),
            Elem::Bool => values.iter().map(|x| x.float() != 0.0).collect::<Vec<_>>().into(),
        }
    }
    if x.elem() == elem {
        return Ok(x.clone());
    }
    Tensor::new(x.shape(), any!(x.data(), values => typed(values, elem)))
}

/// A number as a tensor of that kind.
pub(super) fn number(value: f64, elem: Elem) -> Result<Tensor, String> {
    to(&Tensor::scalar(value), elem)
}

/// The same bits as another kind.
fn bits(call: &Call<'_>) -> Result<Tensor, String> {
    let elem = Elem::of(call.attributes.int("to")?.ok_or("it does not say to what")?)?;
    let x = call.input(0)?;
    if elem.size() != x.elem().size() {
        return Err(format!("{} and {elem} are of different sizes", x.elem()));
    }
    Tensor::new(x.shape(), Data::read(elem, &x.data().bytes()))
}
