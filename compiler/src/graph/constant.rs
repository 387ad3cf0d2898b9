//! Constants: numbers that share their bytes with whatever holds them, such as a mapped file.

use super::{Dim, Elem, GRAPH_ERROR, Type};
use crate::diagnostic::Diagnostic;
use modeldeploy_format::DType;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

/// What may hold the bytes of constants.
pub type Bytes = Arc<dyn AsRef<[u8]> + Send + Sync>;

/// A tensor whose numbers are known: little-endian, row by row. A clone shares the bytes.
#[derive(Clone)]
pub struct Constant {
    dtype: DType,
    shape: Vec<usize>,
    holder: Bytes,
    range: Range<usize>,
}

impl Constant {
    /// A part of `holder`'s bytes as a tensor.
    ///
    /// # Errors
    ///
    /// `MD0402` if the part is not within the bytes or not of the size of that shape.
    pub fn within(dtype: DType, shape: Vec<usize>, holder: Bytes, range: Range<usize>) -> Result<Self, Diagnostic> {
        let bytes = bytes_of(dtype, &shape);
        let held = (*holder).as_ref().len();
        if range.start > range.end || range.end > held || bytes != Some(range.len()) {
            return Err(Diagnostic::new(
                GRAPH_ERROR,
                format!("bytes {}..{} of {held} are not a tensor of {dtype}{shape:?}", range.start, range.end),
            ));
        }
        Ok(Self { dtype, shape, holder, range })
    }

    /// A tensor of its own bytes.
    ///
    /// # Errors
    ///
    /// `MD0402` if the bytes are not of the size of that shape.
    pub fn new(dtype: DType, shape: Vec<usize>, bytes: Vec<u8>) -> Result<Self, Diagnostic> {
        let range = 0..bytes.len();
        Self::within(dtype, shape, Arc::new(bytes), range)
    }

    /// f32 numbers.
    ///
    /// # Panics
    ///
    /// If there are not as many as the shape says.
    pub fn f32(shape: impl Into<Vec<usize>>, values: &[f32]) -> Self {
        let bytes = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        Self::new(DType::F32, shape.into(), bytes).expect("as many values as the shape says")
    }

    /// f32 numbers stored as the nearest bf16, ties to even.
    ///
    /// # Panics
    ///
    /// If there are not as many as the shape says.
    pub fn bf16(shape: impl Into<Vec<usize>>, values: &[f32]) -> Self {
        let bytes = values.iter().flat_map(|&value| half::bf16::from_f32(value).to_le_bytes()).collect();
        Self::new(DType::Bf16, shape.into(), bytes).expect("as many values as the shape says")
    }

    /// Signed 8-bit codes.
    ///
    /// # Panics
    ///
    /// If there are not as many as the shape says.
    pub fn i8(shape: impl Into<Vec<usize>>, values: &[i8]) -> Self {
        let bytes = values.iter().map(|&value| value.cast_unsigned()).collect();
        Self::new(DType::I8, shape.into(), bytes).expect("as many values as the shape says")
    }

    /// Unsigned 4-bit codes, given one a byte; they are kept two a byte, each row filled up to a whole one.
    ///
    /// # Panics
    ///
    /// If there are not as many as the shape says, or one is past 15.
    pub fn u4(shape: impl Into<Vec<usize>>, values: &[u8]) -> Self {
        let shape = shape.into();
        let width = shape.last().copied().unwrap_or(1);
        assert!(values.iter().all(|&code| code < 16), "a code is past 15");
        assert_eq!(values.len(), shape.iter().product::<usize>(), "as many codes as shape {shape:?} says");
        let pair = |pair: &[u8]| pair[0] | pair.get(1).map_or(0, |second| second << 4);
        let bytes = values.chunks(width.max(1)).flat_map(|row| row.chunks(2).map(pair)).collect();
        Self::new(DType::U4, shape, bytes).expect("as many codes as the shape says")
    }

    /// One f32 number, of rank 0.
    pub fn scalar(value: f32) -> Self {
        Self::f32([], &[value])
    }

    /// How its numbers are stored.
    pub fn dtype(&self) -> DType {
        self.dtype
    }

    /// The size of each axis.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// How many numbers it has.
    pub fn elements(&self) -> usize {
        self.shape.iter().product()
    }

    /// The type of its value in a graph: bf16 counts as f32, for that is what it is computed with.
    pub fn ty(&self) -> Type {
        let elem = match self.dtype {
            DType::I8 => Elem::I8,
            DType::U4 => Elem::U4,
            DType::I32 => Elem::I32,
            _ => Elem::F32,
        };
        Type::new(elem, self.shape.iter().map(|&size| Dim::Fixed(size)).collect::<Vec<_>>())
    }

    /// Its bytes, little-endian.
    pub fn bytes(&self) -> &[u8] {
        &(*self.holder).as_ref()[self.range.clone()]
    }

    /// Its numbers as f32: exact for all but large i32.
    pub fn to_f32(&self) -> Vec<f32> {
        let bytes = self.bytes();
        match self.dtype {
            DType::Bf16 => bytes.as_chunks().0.iter().map(|&pair| half::bf16::from_le_bytes(pair).to_f32()).collect(),
            DType::I8 => bytes.iter().map(|&code| f32::from(code.cast_signed())).collect(),
            DType::U4 => {
                let width = self.shape.last().copied().unwrap_or(1).max(1);
                let row = |row: &[u8]| {
                    let codes = row.iter().flat_map(|byte| [byte % 16, byte / 16]);
                    codes.take(width).map(f32::from).collect::<Vec<f32>>()
                };
                bytes.chunks(width.div_ceil(2)).flat_map(row).collect()
            }
            DType::I32 => bytes.as_chunks().0.iter().map(|&word| i32::from_le_bytes(word) as f32).collect(),
            _ => bytes.as_chunks().0.iter().map(|&word| f32::from_le_bytes(word)).collect(),
        }
    }

    /// `len` rows from `start` on (along the first axis); the bytes stay shared.
    ///
    /// # Panics
    ///
    /// If it has no first axis or fewer rows.
    #[must_use]
    pub fn rows(&self, start: usize, len: usize) -> Self {
        assert!(start + len <= self.shape[0], "rows {start}..{} of {}", start + len, self.shape[0]);
        let row = self.range.len() / self.shape[0].max(1);
        let from = self.range.start + start * row;
        let mut shape = self.shape.clone();
        shape[0] = len;
        Self { dtype: self.dtype, shape, holder: self.holder.clone(), range: from..from + len * row }
    }

    /// The same numbers in another shape; the bytes stay shared.
    ///
    /// # Panics
    ///
    /// If the shape does not have as many, or they are codes of 4 bits in rows of another width.
    #[must_use]
    pub fn reshaped(&self, shape: impl Into<Vec<usize>>) -> Self {
        let shape = shape.into();
        assert!(self.dtype != DType::U4 || shape.last() == self.shape.last(), "rows of 4-bit codes keep their width");
        assert_eq!(shape.iter().product::<usize>(), self.elements(), "as many numbers in shape {shape:?}");
        Self { shape, ..self.clone() }
    }
}

/// The bytes of a tensor of that shape, if they can be counted.
pub(super) fn bytes_of(dtype: DType, shape: &[usize]) -> Option<usize> {
    let (width, outer) = shape.split_last().map_or((1, shape), |(&width, outer)| (width, outer));
    let row = dtype.row_bytes(u64::try_from(width).ok()?).and_then(|row| usize::try_from(row).ok())?;
    outer.iter().try_fold(row, |bytes, &size| bytes.checked_mul(size))
}

impl PartialEq for Constant {
    fn eq(&self, other: &Self) -> bool {
        let same_bytes = std::ptr::eq(self.bytes(), other.bytes());
        self.dtype == other.dtype && self.shape == other.shape && (same_bytes || self.bytes() == other.bytes())
    }
}

impl fmt::Debug for Constant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Constant({}{:?})", self.dtype, self.shape)
    }
}
