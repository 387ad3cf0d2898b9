//! The header of a safetensors file: which tensors it holds, of which type and shape, and where.
//!
//! The `safetensors` crate checks the length of the header, the JSON, that tensors lie one after the other without gap or overlap up
//! to the end of the file, and that shapes fit lengths. What it lets pass is checked here: a name that stands twice, names that
//! cannot be printed, more dimensions than any weight has.

use crate::diagnostic::Diagnostic;
use crate::front::codes;
use safetensors::{SafeTensorError, SafeTensors};
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};
use std::collections::HashSet;
use std::fmt;
use std::ops::Range;

pub use safetensors::Dtype;

/// More dimensions than any weight has.
const MAX_DIMENSIONS: usize = 8;

/// A tensor of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its name.
    pub name: String,
    /// How its numbers are stored.
    pub dtype: Dtype,
    /// Its dimensions, outermost first.
    pub shape: Vec<usize>,
    /// Where its bytes lie in the file.
    pub range: Range<usize>,
}

/// Reads the header of `file`, the whole bytes of a safetensors file, which `place` names in errors. The entries are in the order of
/// their bytes; each range lies in `file` and is as long as type and shape say.
///
/// # Errors
///
/// One diagnostic that says what is wrong with the file; it never panics, and takes memory in proportion to the header alone.
pub fn parse(place: &str, file: &[u8]) -> Result<Vec<Entry>, Diagnostic> {
    let (length, metadata) = SafeTensors::read_metadata(file).map_err(|error| explain(place, file, &error))?;
    let start = 8 + length;
    let header = &file[8..start];
    if let Some(name) = duplicate(header) {
        return Err(Diagnostic::new(codes::DUPLICATE_TENSOR, format!("the header names the tensor `{name}` twice"))
            .at(place)
            .help("save the checkpoint again with the safetensors library"));
    }
    let infos = metadata.tensors();
    let mut entries = Vec::with_capacity(infos.len());
    for name in metadata.offset_keys() {
        let info = infos[&name];
        if name.is_empty() || name.len() > 1024 || name.chars().any(char::is_control) {
            let shown: String = name.escape_debug().take(80).collect();
            return Err(Diagnostic::new(codes::BAD_HEADER, format!("`{shown}` cannot be the name of a tensor"))
                .at(place)
                .help("save the checkpoint again with the safetensors library"));
        }
        if info.shape.len() > MAX_DIMENSIONS {
            return Err(Diagnostic::new(
                codes::BAD_HEADER,
                format!("{} dimensions are more than any weight has", info.shape.len()),
            )
            .at(format!("{place}, tensor `{name}`"))
            .help("save the checkpoint again with the safetensors library"));
        }
        let range = start + info.data_offsets.0..start + info.data_offsets.1;
        entries.push(Entry { name, dtype: info.dtype, shape: info.shape.clone(), range });
    }
    Ok(entries)
}

/// The crate's error in our words, with the figures of the file.
fn explain(place: &str, file: &[u8], error: &SafeTensorError) -> Diagnostic {
    let claimed = file.first_chunk::<8>().map_or(0, |bytes| u64::from_le_bytes(*bytes));
    let size = file.len();
    let (code, message) = match error {
        SafeTensorError::HeaderTooSmall => {
            (codes::BAD_HEADER, format!("the file has {size} bytes, too few for a safetensors file"))
        }
        SafeTensorError::HeaderTooLarge | SafeTensorError::InvalidHeaderLength if file.starts_with(b"PK") => {
            (codes::BAD_HEADER, "the file is a zip archive (a PyTorch pickle?), not a safetensors file".to_owned())
        }
        SafeTensorError::HeaderTooLarge => {
            (codes::BAD_HEADER, format!("the header claims {claimed} bytes; at most 100,000,000 are allowed"))
        }
        SafeTensorError::InvalidHeaderLength => {
            (codes::BAD_HEADER, format!("the header claims {claimed} bytes, and the file has only {size}"))
        }
        SafeTensorError::InvalidHeader(error) => (codes::BAD_HEADER, format!("the header is not UTF-8: {error}")),
        SafeTensorError::InvalidHeaderDeserialization(error) | SafeTensorError::JsonError(error) => {
            (codes::BAD_HEADER, format!("the header is not that of a safetensors file: {error}"))
        }
        SafeTensorError::InvalidOffset(name) => (
            codes::BAD_OFFSETS,
            format!("the bytes of the tensor `{name}` overlap another's or leave a gap before them"),
        ),
        SafeTensorError::TensorInvalidInfo => (
            codes::BAD_OFFSETS,
            "a tensor's shape and type need another number of bytes than its offsets give".to_owned(),
        ),
        SafeTensorError::ValidationOverflow => {
            (codes::BAD_OFFSETS, "a tensor's shape is too large to count its bytes".to_owned())
        }
        SafeTensorError::MetadataIncompleteBuffer => (
            codes::BAD_OFFSETS,
            format!(
                "the tensors end elsewhere than the file, which has {size} bytes: it is cut short or has bytes after its end"
            ),
        ),
        other => (codes::BAD_HEADER, format!("not a safetensors file: {other}")),
    };
    Diagnostic::new(code, message)
        .at(place)
        .help("download the file again, or save the checkpoint with the safetensors library")
}

/// A name that stands twice in a header that is known to be a JSON object.
fn duplicate(header: &[u8]) -> Option<String> {
    struct Names;
    impl<'de> Visitor<'de> for Names {
        type Value = Option<String>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut seen = HashSet::new();
            let mut twice = None;
            while let Some(name) = map.next_key::<String>()? {
                map.next_value::<IgnoredAny>()?;
                if twice.is_none() && seen.contains(&name) {
                    twice = Some(name);
                } else {
                    seen.insert(name);
                }
            }
            Ok(twice)
        }
    }
    serde_json::Deserializer::from_slice(header).deserialize_map(Names).ok().flatten()
}
