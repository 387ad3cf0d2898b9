//! Tensors: a shape and numbers of one kind, row by row.

use super::elem::Elem;
use super::small::{F4E2M1, F8E4M3Fn, F8E4M3FnUz, F8E5M2, F8E5M2FnUz, F8E8M0, I2, I4, U2, U4};
use half::{bf16, f16};
use std::fmt;

/// The most numbers that a computed tensor may have: far over any of an encoder or a recommender, and what keeps a hostile shape from taking
/// memory. Those of the file are bounded by its length.
const MOST: usize = 1 << 26;

/// The most axes of a tensor, as NumPy has it.
const AXES: usize = 64;

/// The numbers of a tensor.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs, reason = "each is what `Elem` says of it")]
pub enum Data {
    F32(Vec<f32>),
    F64(Vec<f64>),
    F16(Vec<f16>),
    BF16(Vec<bf16>),
    I8(Vec<i8>),
    I16(Vec<i16>),
    I32(Vec<i32>),
    I64(Vec<i64>),
    U8(Vec<u8>),
    U16(Vec<u16>),
    U32(Vec<u32>),
    U64(Vec<u64>),
    Bool(Vec<bool>),
    F8E4M3Fn(Vec<F8E4M3Fn>),
    F8E4M3FnUz(Vec<F8E4M3FnUz>),
    F8E5M2(Vec<F8E5M2>),
    F8E5M2FnUz(Vec<F8E5M2FnUz>),
    U4(Vec<U4>),
    I4(Vec<I4>),
    F4E2M1(Vec<F4E2M1>),
    F8E8M0(Vec<F8E8M0>),
    U2(Vec<U2>),
    I2(Vec<I2>),
}

/// Does the same with numbers of any kind.
macro_rules! any {
    ($data:expr, $values:ident => $body:expr) => {
        match $data {
            $crate::onnx::tensor::Data::F32($values) => $body,
            $crate::onnx::tensor::Data::F64($values) => $body,
            $crate::onnx::tensor::Data::F16($values) => $body,
            $crate::onnx::tensor::Data::BF16($values) => $body,
            $crate::onnx::tensor::Data::I8($values) => $body,
            $crate::onnx::tensor::Data::I16($values) => $body,
            $crate::onnx::tensor::Data::I32($values) => $body,
            $crate::onnx::tensor::Data::I64($values) => $body,
            $crate::onnx::tensor::Data::U8($values) => $body,
            $crate::onnx::tensor::Data::U16($values) => $body,
            $crate::onnx::tensor::Data::U32($values) => $body,
            $crate::onnx::tensor::Data::U64($values) => $body,
            $crate::onnx::tensor::Data::Bool($values) => $body,
            $crate::onnx::tensor::Data::F8E4M3Fn($values) => $body,
            $crate::onnx::tensor::Data::F8E4M3FnUz($values) => $body,
            $crate::onnx::tensor::Data::F8E5M2($values) => $body,
            $crate::onnx::tensor::Data::F8E5M2FnUz($values) => $body,
            $crate::onnx::tensor::Data::U4($values) => $body,
            $crate::onnx::tensor::Data::I4($values) => $body,
            $crate::onnx::tensor::Data::F4E2M1($values) => $body,
            $crate::onnx::tensor::Data::F8E8M0($values) => $body,
            $crate::onnx::tensor::Data::U2($values) => $body,
            $crate::onnx::tensor::Data::I2($values) => $body,
        }
    };
}
pub(super) use any;

/// A kind of number as Rust has it.
pub(super) trait Value: Copy + PartialEq + Default {
    const ELEM: Elem;
    fn wrap(values: Vec<Self>) -> Data;
    fn values(data: &Data) -> Option<&[Self]>;
    /// One that lies little-endian in as many bytes as it takes.
    fn read(bytes: &[u8]) -> Self;
    fn write(self, to: &mut Vec<u8>);
}

macro_rules! value {
    ($($kind:ident $ty:ty)*) => {$(
        impl Value for $ty {
            const ELEM: Elem = Elem::$kind;

            fn wrap(values: Vec<Self>) -> Data {
                Data::$kind(values)
            }

            fn values(data: &Data) -> Option<&[Self]> {
                match data {
                    Data::$kind(values) => Some(values),
                    _ => None,
                }
            }

            fn read(bytes: &[u8]) -> Self {
                Self::from_le_bytes(bytes.try_into().expect("chunks are as long as a number"))
            }

            fn write(self, to: &mut Vec<u8>) {
                to.extend_from_slice(&self.to_le_bytes());
            }
        }

        impl From<Vec<$ty>> for Data {
            fn from(values: Vec<$ty>) -> Data {
                Data::$kind(values)
            }
        }
    )*};
}
value! { F32 f32 F64 f64 F16 f16 BF16 bf16 I8 i8 I16 i16 I32 i32 I64 i64 U8 u8 U16 u16 U32 u32 U64 u64 }

/// A code of 8 bits and fewer, which lies in a byte of its own here.
macro_rules! code {
    ($($kind:ident)*) => {$(
        impl Value for $kind {
            const ELEM: Elem = Elem::$kind;

            fn wrap(values: Vec<Self>) -> Data {
                Data::$kind(values)
            }

            fn values(data: &Data) -> Option<&[Self]> {
                match data {
                    Data::$kind(values) => Some(values),
                    _ => None,
                }
            }

            fn read(bytes: &[u8]) -> Self {
                $kind(bytes[0])
            }

            fn write(self, to: &mut Vec<u8>) {
                to.push(self.0);
            }
        }

        impl From<Vec<$kind>> for Data {
            fn from(values: Vec<$kind>) -> Data {
                Data::$kind(values)
            }
        }
    )*};
}
code! { F8E4M3Fn F8E4M3FnUz F8E5M2 F8E5M2FnUz F8E8M0 F4E2M1 U4 I4 U2 I2 }

impl Value for bool {
    const ELEM: Elem = Elem::Bool;

    fn wrap(values: Vec<bool>) -> Data {
        Data::Bool(values)
    }

    fn values(data: &Data) -> Option<&[bool]> {
        match data {
            Data::Bool(values) => Some(values),
            _ => None,
        }
    }

    fn read(bytes: &[u8]) -> bool {
        bytes[0] != 0
    }

    fn write(self, to: &mut Vec<u8>) {
        to.push(u8::from(self));
    }
}

impl From<Vec<bool>> for Data {
    fn from(values: Vec<bool>) -> Data {
        Data::Bool(values)
    }
}

impl Data {
    /// Their kind.
    pub fn elem(&self) -> Elem {
        fn of<T: Value>(_: &[T]) -> Elem {
            T::ELEM
        }
        any!(self, values => of(values))
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        any!(self, values => values.len())
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// So many that lie little-endian in `bytes`, as many as they take; those of less than a byte from its lower bits on.
    pub(super) fn read(elem: Elem, bytes: &[u8], count: usize) -> Data {
        fn all<T: Value>(bytes: &[u8]) -> Data {
            T::wrap(bytes.chunks_exact(T::ELEM.bits().div_ceil(8)).map(T::read).collect())
        }
        let bits = elem.bits();
        let unpacked: Vec<u8>;
        let bytes = if bits < 8 {
            let code = |byte: u8| (0..8 / bits).map(move |at| byte >> (at * bits) & ((1 << bits) - 1));
            unpacked = bytes.iter().flat_map(|&byte| code(byte)).take(count).collect();
            &unpacked
        } else {
            bytes
        };
        match elem {
            Elem::F32 => all::<f32>(bytes),
            Elem::F64 => all::<f64>(bytes),
            Elem::F16 => all::<f16>(bytes),
            Elem::BF16 => all::<bf16>(bytes),
            Elem::I8 => all::<i8>(bytes),
            Elem::I16 => all::<i16>(bytes),
            Elem::I32 => all::<i32>(bytes),
            Elem::I64 => all::<i64>(bytes),
            Elem::U8 => all::<u8>(bytes),
            Elem::U16 => all::<u16>(bytes),
            Elem::U32 => all::<u32>(bytes),
            Elem::U64 => all::<u64>(bytes),
            Elem::Bool => all::<bool>(bytes),
            Elem::F8E4M3Fn => all::<F8E4M3Fn>(bytes),
            Elem::F8E4M3FnUz => all::<F8E4M3FnUz>(bytes),
            Elem::F8E5M2 => all::<F8E5M2>(bytes),
            Elem::F8E5M2FnUz => all::<F8E5M2FnUz>(bytes),
            Elem::U4 => all::<U4>(bytes),
            Elem::I4 => all::<I4>(bytes),
            Elem::F4E2M1 => all::<F4E2M1>(bytes),
            Elem::F8E8M0 => all::<F8E8M0>(bytes),
            Elem::U2 => all::<U2>(bytes),
            Elem::I2 => all::<I2>(bytes),
        }
    }

    /// They, little-endian.
    pub(super) fn bytes(&self) -> Vec<u8> {
        any!(self, values => {
            let mut bytes = Vec::with_capacity(values.len() * self.elem().bits().div_ceil(8));
            values.iter().for_each(|&value| Value::write(value, &mut bytes));
            bytes
        })
    }

    /// Those at these places, in this order.
    pub(super) fn pick(&self, places: &[usize]) -> Data {
        any!(self, values => places.iter().map(|&at| values[at]).collect::<Vec<_>>().into())
    }
}

/// A tensor.
#[derive(Clone, Debug, PartialEq)]
pub struct Tensor {
    shape: Vec<usize>,
    data: Data,
}

/// How many numbers a shape has that is to be computed.
///
/// # Errors
///
/// That they are more than a tensor may have.
pub(super) fn count(shape: &[usize]) -> Result<usize, String> {
    let large = || format!("a tensor of shape {shape:?} is too large: at most {MOST} numbers");
    product(shape).filter(|&all| all <= MOST).ok_or_else(large)
}

/// How many numbers a shape has, if they can be counted and its axes walked over: those around an axis of none are bounded too.
pub(super) fn product(shape: &[usize]) -> Option<usize> {
    if shape.len() > AXES {
        return None;
    }
    let walked = shape.iter().try_fold(1_usize, |all, &size| all.checked_mul(size.max(1)))?;
    if shape.contains(&0) { (walked <= MOST).then_some(0) } else { Some(walked) }
}

impl Tensor {
    /// A tensor of that shape.
    ///
    /// # Errors
    ///
    /// That there are not as many numbers as the shape says.
    pub fn new(shape: impl Into<Vec<usize>>, data: impl Into<Data>) -> Result<Tensor, String> {
        let (shape, data) = (shape.into(), data.into());
        if product(&shape) != Some(data.len()) {
            return Err(format!("{} numbers are no tensor of shape {shape:?}", data.len()));
        }
        Ok(Tensor { shape, data })
    }

    /// One number.
    pub(super) fn scalar<T: Value>(value: T) -> Tensor {
        Tensor { shape: vec![], data: T::wrap(vec![value]) }
    }

    /// A list of numbers.
    pub(super) fn list<T: Value>(values: Vec<T>) -> Tensor {
        Tensor { shape: vec![values.len()], data: T::wrap(values) }
    }

    /// The same numbers in another shape.
    ///
    /// # Errors
    ///
    /// That the shape has another number of them.
    pub(super) fn reshaped(&self, shape: impl Into<Vec<usize>>) -> Result<Tensor, String> {
        let shape = shape.into();
        if product(&shape) != Some(self.len()) {
            return Err(format!("{:?} cannot become {shape:?}", self.shape));
        }
        Ok(Tensor { shape, data: self.data.clone() })
    }

    /// The size of each axis, outermost first.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// How many axes it has.
    pub fn rank(&self) -> usize {
        self.shape.len()
    }

    /// How many numbers it has.
    pub fn len(&self) -> usize {
        self.data.len()
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.data.is_empty()
    }

    /// Their kind.
    pub fn elem(&self) -> Elem {
        self.data.elem()
    }

    /// They.
    pub fn data(&self) -> &Data {
        &self.data
    }

    /// The numbers, if they are f32.
    pub fn as_f32(&self) -> Option<&[f32]> {
        f32::values(&self.data)
    }

    /// The numbers, if they are of that kind.
    pub(super) fn of<T: Value>(&self) -> Result<&[T], String> {
        T::values(&self.data).ok_or_else(|| format!("{} is needed, not {self}", T::ELEM))
    }

    /// Those at these places as a tensor of that shape.
    pub(super) fn pick(&self, shape: impl Into<Vec<usize>>, places: &[usize]) -> Tensor {
        let shape = shape.into();
        debug_assert_eq!(product(&shape), Some(places.len()));
        Tensor { shape, data: self.data.pick(places) }
    }
}

impl fmt::Display for Tensor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{:?}", self.elem(), self.shape)
    }
}
