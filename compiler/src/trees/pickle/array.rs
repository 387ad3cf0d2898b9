//! Arrays of numpy, in each way in which they come: as a call and the state of what it gives, as a call with a buffer, as joblib writes
//! them.

use super::{Object, Pickle, Value};
use std::borrow::Cow;
use std::collections::BTreeMap;

/// Arrays of more axes are none.
const MAX_AXES: usize = 64;

/// The bytes of an item, from what numpy calls its kind: `f8`, `V64`, `U5`.
pub(super) fn width(kind: &str) -> Option<usize> {
    let mut chars = kind.chars();
    let of_one = if chars.next()? == 'U' { 4 } else { 1 };
    chars.as_str().parse::<u32>().ok().and_then(|count| (count as usize).checked_mul(of_one))
}

/// What an array holds.
pub(in super::super) struct Array<'p> {
    pub(in super::super) shape: Vec<usize>,
    /// Whether items stand column by column.
    by_columns: bool,
    dtype: &'p Object,
    data: Data<'p>,
}

enum Data<'p> {
    Bytes(Cow<'p, [u8]>),
    Objects(&'p [Value]),
}

/// The kind of a number, little-endian.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    F32,
    F64,
    Signed(usize),
    Unsigned(usize),
}

impl Kind {
    fn width(self) -> usize {
        match self {
            Kind::F32 => 4,
            Kind::F64 => 8,
            Kind::Signed(width) | Kind::Unsigned(width) => width,
        }
    }

    /// The number of these bytes; whole ones past 2⁵³ are rounded.
    fn read(self, bytes: &[u8]) -> f64 {
        let mut wide = [0; 8];
        wide[..bytes.len()].copy_from_slice(bytes);
        let bits = u64::from_le_bytes(wide);
        match self {
            Kind::F32 => f64::from(f32::from_bits(bits as u32)),
            Kind::F64 => f64::from_bits(bits),
            Kind::Unsigned(_) => bits as f64,
            Kind::Signed(width) => {
                let unused = 64 - 8 * width as u32;
                ((bits << unused).cast_signed() >> unused) as f64
            }
        }
    }
}

/// An array whose items are records of numbers with names.
pub(in super::super) struct Records<'p> {
    bytes: Cow<'p, [u8]>,
    width: usize,
    fields: BTreeMap<&'p str, (usize, Kind)>,
}

impl Records<'_> {
    pub(in super::super) fn len(&self) -> usize {
        self.bytes.len() / self.width
    }

    /// The bytes that they take.
    pub(in super::super) fn bytes(&self) -> usize {
        self.bytes.len()
    }

    pub(in super::super) fn names(&self) -> impl Iterator<Item = &str> {
        self.fields.keys().copied()
    }

    /// A field of a record, if records have such a field.
    pub(in super::super) fn number(&self, at: usize, field: &str) -> Option<f64> {
        let (offset, kind) = *self.fields.get(field)?;
        let start = at * self.width + offset;
        Some(kind.read(&self.bytes[start..start + kind.width()]))
    }
}

impl Pickle<'_> {
    /// The array that a value is.
    pub(in super::super) fn array<'p>(&'p self, value: &'p Value) -> Option<Array<'p>> {
        let object = self.object(value)?;
        let state = object.state.as_ref();
        match &*object.class {
            "numpy.core.multiarray._reconstruct" | "numpy._core.multiarray._reconstruct" => {
                let [_version, shape, dtype, Value::Whole(by_columns), data] = self.tuple(state?)? else { return None };
                self.of(self.shape(shape)?, *by_columns != 0, dtype, data)
            }
            "numpy.core.numeric._frombuffer" | "numpy._core.numeric._frombuffer" => {
                let [data, dtype, shape, Value::Text(order)] = object.items.as_slice() else { return None };
                self.of(self.shape(shape)?, &**order == "F", dtype, data)
            }
            "joblib.numpy_pickle.NumpyArrayWrapper" => {
                let (data, entries) = (object.array.as_ref()?, &self.object(state?)?.entries);
                // An array of objects is a pickle with one.
                let (Value::Bytes { .. }, Value::Text(order)) = (data, entries.get("order")?) else {
                    let inner = self.object(data)?;
                    return if inner.array.is_none() { self.array(data) } else { None };
                };
                self.of(self.shape(entries.get("shape")?)?, &**order == "F", entries.get("dtype")?, data)
            }
            _ => None,
        }
    }

    fn of<'p>(&'p self, shape: Vec<usize>, by_columns: bool, dtype: &'p Value, data: &'p Value) -> Option<Array<'p>> {
        let dtype = self.object(dtype).filter(|object| &*object.class == "numpy.dtype")?;
        let count = shape.iter().try_fold(1_usize, |count, &size| count.checked_mul(size))?;
        let data = match self.list(data) {
            Some(items) if items.len() == count => Data::Objects(items),
            Some(_) => return None,
            None => {
                let bytes = self.bytes(data)?;
                let len = count.checked_mul(width(self.kind(dtype)?)?)?;
                (len == bytes.len()).then_some(Data::Bytes(bytes))?
            }
        };
        // Of one row or one column both orders are the same.
        let by_columns = by_columns && shape.iter().filter(|&&size| size != 1).count() > 1;
        Some(Array { shape, by_columns, dtype, data })
    }

    /// The numbers of an array, in the order of rows, with its shape.
    pub(in super::super) fn numbers(&self, value: &Value) -> Option<(Vec<usize>, Vec<f64>)> {
        let array = self.array(value)?;
        let Data::Bytes(bytes) = &array.data else { return None };
        let kind = self.number_kind(array.dtype)?;
        let numbers: Vec<f64> = bytes.chunks_exact(kind.width()).map(|bytes| kind.read(bytes)).collect();
        if !array.by_columns {
            return Some((array.shape, numbers));
        }
        let mut place = vec![0; array.shape.len()];
        let turned = (0..numbers.len()).map(|_| {
            let at = place.iter().zip(&array.shape).rev().fold(0, |at, (&place, &size)| at * size + place);
            for (place, &size) in place.iter_mut().zip(&array.shape).rev() {
                *place = (*place + 1) % size;
                if *place != 0 {
                    break;
                }
            }
            numbers[at]
        });
        let turned = turned.collect();
        Some((array.shape, turned))
    }

    /// The objects of an array of objects, with its shape.
    pub(in super::super) fn objects<'p>(&'p self, value: &'p Value) -> Option<(Vec<usize>, &'p [Value])> {
        let Array { shape, by_columns: false, dtype, data: Data::Objects(items) } = self.array(value)? else {
            return None;
        };
        (self.kind(dtype)? == "O8").then_some((shape, items))
    }

    /// The records of an array of one axis.
    pub(in super::super) fn records<'p>(&'p self, value: &'p Value) -> Option<Records<'p>> {
        let Array { shape, dtype, data: Data::Bytes(bytes), .. } = self.array(value)? else { return None };
        let width = width(self.kind(dtype)?).filter(|&width| width > 0 && shape.len() == 1)?;
        let fields = &self.object(self.tuple(dtype.state.as_ref()?)?.get(4)?)?.entries;
        let fields = fields.iter().map(|(name, field)| {
            let [kind, Value::Whole(offset), ..] = self.tuple(field)? else { return None };
            let (kind, offset) = (self.number_kind(self.object(kind)?)?, usize::try_from(*offset).ok()?);
            let inside = offset.checked_add(kind.width()).is_some_and(|end| end <= width);
            inside.then_some((&**name, (offset, kind)))
        });
        Some(Records { bytes, width, fields: fields.collect::<Option<_>>()? })
    }

    /// A number, which may be numpy's: `scalar(dtype, bytes)`.
    pub(in super::super) fn number(&self, value: &Value) -> Option<f64> {
        match *value {
            Value::Number(number) => Some(number),
            Value::Whole(whole) => (whole.unsigned_abs() <= 1 << 53).then_some(whole as f64),
            _ => {
                let object = self.object(value)?;
                if !["numpy.core.multiarray.scalar", "numpy._core.multiarray.scalar"].contains(&&*object.class) {
                    return None;
                }
                let [dtype, bytes] = object.items.as_slice() else { return None };
                let kind = self.number_kind(self.object(dtype)?)?;
                let bytes = self.bytes(bytes).filter(|bytes| bytes.len() == kind.width())?;
                Some(kind.read(&bytes))
            }
        }
    }

    /// The sizes of the axes, of which numpy has 64 at most.
    fn shape(&self, value: &Value) -> Option<Vec<usize>> {
        let size = |size: &Value| match *size {
            Value::Whole(whole) => usize::try_from(whole).ok(),
            _ => None,
        };
        self.tuple(value).filter(|sizes| sizes.len() <= MAX_AXES)?.iter().map(size).collect()
    }

    /// What numpy calls the kind of items, without their order of bytes.
    fn kind<'p>(&'p self, dtype: &'p Object) -> Option<&'p str> {
        match dtype.items.first()? {
            Value::Text(kind) if &*dtype.class == "numpy.dtype" => Some(kind),
            _ => None,
        }
    }

    fn number_kind(&self, dtype: &Object) -> Option<Kind> {
        let order = match self.tuple(dtype.state.as_ref()?)?.get(1)? {
            Value::Text(order) => order,
            _ => return None,
        };
        let kind = match self.kind(dtype)? {
            "f4" => Kind::F32,
            "f8" => Kind::F64,
            "i1" => Kind::Signed(1),
            "i2" => Kind::Signed(2),
            "i4" => Kind::Signed(4),
            "i8" => Kind::Signed(8),
            "b1" | "u1" => Kind::Unsigned(1),
            "u2" => Kind::Unsigned(2),
            "u4" => Kind::Unsigned(4),
            "u8" => Kind::Unsigned(8),
            _ => return None,
        };
        (&**order == "<" || (&**order == "|" && kind.width() == 1)).then_some(kind)
    }

    /// Bytes, which protocols before 3 write as `_codecs.encode(text, "latin1")`, and none as a call of `bytes`.
    fn bytes<'p>(&'p self, value: &'p Value) -> Option<Cow<'p, [u8]>> {
        let latin = |text: &str| -> Option<Vec<u8>> { text.chars().map(|c| u8::try_from(u32::from(c)).ok()).collect() };
        match value {
            Value::Bytes { at, len } => Some(Cow::Borrowed(&self.bytes[*at..*at + *len])),
            Value::Text(text) => latin(text).map(Cow::Owned),
            _ => {
                let object = self.object(value)?;
                match (&*object.class, object.items.first()) {
                    ("_codecs.encode", Some(Value::Text(text))) => latin(text).map(Cow::Owned),
                    ("__builtin__.bytes" | "builtins.bytes", None) => Some(Cow::Borrowed(&[])),
                    _ => None,
                }
            }
        }
    }
}
