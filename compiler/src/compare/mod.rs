//! Two models tensor by tensor: which came, which went, and how far the numbers of the others are apart.
//!
//! Tensors are compared as they are stored: those of a checkpoint with their own types, those of a compressed model and of a pack as
//! quantization left them.

use crate::compressed;
use crate::diagnostic::Diagnostic;
use crate::front::weights::{Dtype, Mapping, parse_header};
use crate::graph::Bytes;
use modeldeploy_format::pack::Aligned;
use modeldeploy_format::{Artifact, DType};
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

/// A tensor: how its numbers are stored, and where.
#[derive(Clone)]
struct Stored {
    kind: Kind,
    shape: Vec<usize>,
    holder: Bytes,
    range: Range<usize>,
}

/// The types whose numbers can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    F32,
    F64,
    F16,
    Bf16,
    I8,
    I32,
    I64,
    U8,
    /// Two codes of 4 bits a byte.
    U4,
    /// Any other; such tensors are the same or not.
    Opaque(&'static str),
}

/// The tensors of a model by name.
#[derive(Clone, Default)]
pub struct Tensors(BTreeMap<String, Stored>);

impl std::fmt::Debug for Tensors {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.0.keys()).finish()
    }
}

/// How one tensor differs.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// Only the new model has it.
    Added,
    /// Only the old model has it.
    Removed,
    /// Its type or shape differs: the old one and the new one.
    Reshaped(String, String),
    /// Its numbers differ.
    Changed {
        /// The largest absolute difference; `None` where a number is none, or the type has no order.
        largest: Option<f64>,
        /// The cosine of all its numbers; `None` where one side is all zeros, or as above.
        cosine: Option<f64>,
    },
}

impl Tensors {
    /// Adds those of a safetensors file, which `place` names in errors.
    ///
    /// # Errors
    ///
    /// If it is none.
    pub fn add_checkpoint(&mut self, place: &str, file: Mapping) -> Result<(), Diagnostic> {
        let entries = parse_header(place, file.bytes())?;
        let holder: Bytes = Arc::new(Mapped(file));
        for entry in entries {
            let kind = match entry.dtype {
                Dtype::F32 => Kind::F32,
                Dtype::F64 => Kind::F64,
                Dtype::F16 => Kind::F16,
                Dtype::BF16 => Kind::Bf16,
                Dtype::I8 => Kind::I8,
                Dtype::I32 => Kind::I32,
                Dtype::I64 => Kind::I64,
                Dtype::U8 => Kind::U8,
                _ => Kind::Opaque("of another type"),
            };
            let stored = Stored { kind, shape: entry.shape, holder: Arc::clone(&holder), range: entry.range };
            self.0.insert(entry.name, stored);
        }
        Ok(())
    }

    /// Those of a compressed model's file.
    ///
    /// # Errors
    ///
    /// If it is none.
    pub fn of_compressed(file: &[u8], place: &str) -> Result<Tensors, Diagnostic> {
        let model = compressed::read(Arc::new(file.to_vec()), place)?;
        let mut tensors = Tensors::default();
        for (id, node) in model.graph.nodes() {
            if let Some(constant) = model.graph.as_const(id) {
                let bytes: Bytes = Arc::new(constant.bytes().to_vec());
                let range = 0..constant.bytes().len();
                let stored =
                    Stored { kind: kind(constant.dtype()), shape: constant.shape().to_vec(), holder: bytes, range };
                tensors.0.insert(node.name.clone(), stored);
            }
        }
        Ok(tensors)
    }

    /// Those of a pack, in the order in which its kernels read them.
    ///
    /// # Errors
    ///
    /// Why it is no pack.
    pub fn of_pack(bytes: &Aligned) -> Result<Tensors, String> {
        let artifact = Artifact::parse(bytes).map_err(|error| error.to_string())?;
        let mut tensors = Tensors::default();
        for tensor in artifact.tensors() {
            let length = usize::try_from(tensor.bytes().ok_or("a tensor of an impossible shape")?);
            let (start, length) = (usize::try_from(tensor.offset), length.map_err(|error| error.to_string())?);
            let start = start.map_err(|error| error.to_string())?;
            let held = bytes.get(start..start + length).ok_or("a tensor past the end")?.to_vec();
            let shape = tensor.dims.iter().map(|&dim| dim as usize).collect();
            let stored = Stored { kind: kind(tensor.dtype), shape, holder: Arc::new(held), range: 0..length };
            tensors.0.insert(tensor.name.clone(), stored);
        }
        Ok(tensors)
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// What differs from these to `new`, by name.
    pub fn compare(&self, new: &Tensors) -> Vec<(String, Change)> {
        let mut changes: Vec<(String, Change)> = vec![];
        for (name, old) in &self.0 {
            match new.0.get(name) {
                None => changes.push((name.clone(), Change::Removed)),
                Some(new) => changes.extend(old.compare(new).map(|change| (name.clone(), change))),
            }
        }
        let added = new.0.keys().filter(|name| !self.0.contains_key(*name));
        changes.extend(added.map(|name| (name.clone(), Change::Added)));
        changes.sort_by(|a, b| a.0.cmp(&b.0));
        changes
    }
}

/// A mapped file as what holds the bytes of tensors.
struct Mapped(Mapping);

impl AsRef<[u8]> for Mapped {
    fn as_ref(&self) -> &[u8] {
        self.0.bytes()
    }
}

fn kind(dtype: DType) -> Kind {
    match dtype {
        DType::F32 => Kind::F32,
        DType::Bf16 => Kind::Bf16,
        DType::I8 => Kind::I8,
        DType::I32 => Kind::I32,
        DType::U4 => Kind::U4,
        _ => Kind::Opaque("of another type"),
    }
}

impl Stored {
    fn bytes(&self) -> &[u8] {
        &(*self.holder).as_ref()[self.range.clone()]
    }

    fn shown(&self) -> String {
        let kind = match self.kind {
            Kind::Opaque(name) => name.to_owned(),
            kind => format!("{kind:?}").to_lowercase(),
        };
        format!("{kind}{:?}", self.shape)
    }

    fn compare(&self, new: &Stored) -> Option<Change> {
        if (self.kind, &self.shape) != (new.kind, &new.shape) {
            return Some(Change::Reshaped(self.shown(), new.shown()));
        }
        if self.bytes() == new.bytes() {
            return None;
        }
        let (Some(old), Some(new)) = (self.numbers(), new.numbers()) else {
            return Some(Change::Changed { largest: None, cosine: None });
        };
        let (mut largest, mut dot, mut left, mut right) = (0.0_f64, 0.0, 0.0, 0.0);
        let mut finite = true;
        for (a, b) in old.zip(new) {
            finite &= a.is_finite() && b.is_finite();
            largest = largest.max((a - b).abs());
            (dot, left, right) = (dot + a * b, left + a * a, right + b * b);
        }
        let norm = (left * right).sqrt();
        let known = |value: f64| (finite && value.is_finite()).then_some(value);
        Some(Change::Changed { largest: known(largest), cosine: known(dot / norm) })
    }

    /// Its numbers, where they are numbers.
    fn numbers(&self) -> Option<Box<dyn Iterator<Item = f64> + '_>> {
        let bytes = self.bytes();
        Some(match self.kind {
            Kind::F32 => Box::new(bytes.as_chunks().0.iter().map(|&it| f64::from(f32::from_le_bytes(it)))),
            Kind::F64 => Box::new(bytes.as_chunks().0.iter().map(|&it| f64::from_le_bytes(it))),
            Kind::F16 => Box::new(bytes.as_chunks().0.iter().map(|&it| half::f16::from_le_bytes(it).to_f64())),
            Kind::Bf16 => Box::new(bytes.as_chunks().0.iter().map(|&it| half::bf16::from_le_bytes(it).to_f64())),
            Kind::I8 => Box::new(bytes.iter().map(|&it| f64::from(it.cast_signed()))),
            Kind::U4 => Box::new(bytes.iter().flat_map(|&it| [f64::from(it % 16), f64::from(it / 16)])),
            Kind::U8 => Box::new(bytes.iter().map(|&it| f64::from(it))),
            Kind::I32 => Box::new(bytes.as_chunks().0.iter().map(|&it| f64::from(i32::from_le_bytes(it)))),
            Kind::I64 => Box::new(bytes.as_chunks().0.iter().map(|&it| i64::from_le_bytes(it) as f64)),
            Kind::Opaque(_) => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tensors(entries: &[(&str, Kind, &[usize], Vec<u8>)]) -> Tensors {
        let stored = |(name, kind, shape, bytes): &(&str, Kind, &[usize], Vec<u8>)| {
            let range = 0..bytes.len();
            let holder: Bytes = Arc::new(bytes.clone());
            ((*name).to_owned(), Stored { kind: *kind, shape: shape.to_vec(), holder, range })
        };
        Tensors(entries.iter().map(stored).collect())
    }

    fn f32s(values: &[f32]) -> Vec<u8> {
        values.iter().flat_map(|value| value.to_le_bytes()).collect()
    }

    #[test]
    fn each_way_to_differ_is_told_with_its_figures() {
        let old = tensors(&[
            ("gone", Kind::F32, &[1], f32s(&[1.0])),
            ("same", Kind::F32, &[2], f32s(&[1.0, 2.0])),
            ("changed", Kind::F32, &[2], f32s(&[3.0, 4.0])),
            ("codes", Kind::I8, &[2], vec![1, 255]),
            ("shape", Kind::F32, &[2], f32s(&[1.0, 2.0])),
            ("type", Kind::I8, &[1], vec![1]),
            ("nan", Kind::F32, &[1], f32s(&[f32::NAN])),
            ("zero", Kind::F32, &[1], f32s(&[0.0])),
        ]);
        let new = tensors(&[
            ("same", Kind::F32, &[2], f32s(&[1.0, 2.0])),
            ("changed", Kind::F32, &[2], f32s(&[4.0, 3.0])),
            ("codes", Kind::I8, &[2], vec![1, 1]),
            ("shape", Kind::F32, &[1, 2], f32s(&[1.0, 2.0])),
            ("type", Kind::U8, &[1], vec![1]),
            ("nan", Kind::F32, &[1], f32s(&[1.0])),
            ("zero", Kind::F32, &[1], f32s(&[0.5])),
            ("come", Kind::F32, &[1], f32s(&[1.0])),
        ]);
        let changed = |largest: Option<f64>, cosine: Option<f64>| Change::Changed { largest, cosine };
        let expected = [
            ("changed", changed(Some(1.0), Some(0.96))),
            ("codes", changed(Some(2.0), Some(0.0))),
            ("come", Change::Added),
            ("gone", Change::Removed),
            ("nan", changed(None, None)),
            ("shape", Change::Reshaped("f32[2]".into(), "f32[1, 2]".into())),
            ("type", Change::Reshaped("i8[1]".into(), "u8[1]".into())),
            ("zero", changed(Some(0.5), None)),
        ];
        let found = old.compare(&new);
        assert_eq!(found, expected.map(|(name, change)| (name.to_owned(), change)));
        assert_eq!(old.compare(&old), []);
    }
}
