//! Tensors of numbers: their types by name, and as binary data, little-endian.

use crate::protocols::tensor;
use modeldeploy::format::features::Kind;

/// Whether a tensor of that type can be a feature of that kind.
///
/// # Errors
///
/// Which types can.
pub(super) fn is_of(kind: &Kind, datatype: &str) -> Result<(), String> {
    let (is, expected) = match kind {
        Kind::Text => (datatype == "BYTES", "BYTES: texts in UTF-8"),
        Kind::Number | Kind::Embedding(_) => (
            TYPES.iter().any(|(name, ..)| *name == datatype),
            "FP64, FP32, INT64, INT32, INT16, INT8, UINT64, UINT32, UINT16 or UINT8: numbers",
        ),
    };
    is.then_some(()).ok_or_else(|| format!("`datatype` is `{datatype}`, and must be {expected}"))
}

/// A number of a type from its bytes, which are as many as the type has.
type Read = fn(&[u8]) -> f64;

macro_rules! le {
    ($type:ty) => {
        |bytes| <$type>::from_le_bytes(bytes.try_into().expect("as many bytes as the type has")) as f64
    };
}

/// The types, their bytes, and how they are read: all of them are f64 without loss, but for whole numbers past 2^53.
const TYPES: [(&str, usize, Read); 10] = [
    ("FP64", 8, le!(f64)),
    ("FP32", 4, le!(f32)),
    ("INT64", 8, le!(i64)),
    ("INT32", 4, le!(i32)),
    ("INT16", 2, le!(i16)),
    ("INT8", 1, le!(i8)),
    ("UINT64", 8, le!(u64)),
    ("UINT32", 4, le!(u32)),
    ("UINT16", 2, le!(u16)),
    ("UINT8", 1, le!(u8)),
];

/// The numbers of a type, as many as the shape says.
///
/// # Errors
///
/// If they are not as many.
pub(super) fn decode(datatype: &str, bytes: &[u8], shape: &[u64]) -> Result<Vec<f64>, String> {
    let Some((_, width, read)) = TYPES.iter().find(|(name, ..)| *name == datatype) else {
        return is_of(&Kind::Number, datatype).map(|()| vec![]);
    };
    let sized = tensor::elements(shape).and_then(|count| count.checked_mul(*width as u64));
    if sized != Some(bytes.len() as u64) {
        return Err(format!("it has {} bytes, and `shape` is {shape:?}, of {width} bytes each", bytes.len()));
    }
    Ok(bytes.chunks_exact(*width).map(read).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_is_read_as_it_is() {
        for (datatype, bytes, number) in [
            ("FP64", &0.1f64.to_le_bytes()[..], 0.1),
            ("FP32", &0.1f32.to_le_bytes(), f64::from(0.1f32)),
            ("INT64", &(-5i64).to_le_bytes(), -5.0),
            ("INT32", &i32::MIN.to_le_bytes(), -2_147_483_648.0),
            ("INT16", &(-2i16).to_le_bytes(), -2.0),
            ("INT8", &[0xff], -1.0),
            ("UINT64", &(1u64 << 53).to_le_bytes(), 9_007_199_254_740_992.0),
            ("UINT32", &u32::MAX.to_le_bytes(), 4_294_967_295.0),
            ("UINT16", &[1, 2], 513.0),
            ("UINT8", &[255], 255.0),
        ] {
            assert_eq!(decode(datatype, bytes, &[1]), Ok(vec![number]), "{datatype}");
            assert_eq!(decode(datatype, &[bytes, bytes].concat(), &[2, 1]), Ok(vec![number; 2]), "{datatype}");
        }
        assert!(decode("FP64", &f64::NAN.to_le_bytes(), &[1]).expect("a number")[0].is_nan());
        assert_eq!(decode("FP32", &[], &[0]), Ok(vec![]));
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        for (bytes, shape) in [(3, &[1][..]), (8, &[1]), (4, &[2]), (4, &[u64::MAX, 2]), (4, &[u64::MAX / 2])] {
            let error = decode("FP32", &vec![0; bytes], shape).expect_err("no tensor");
            assert!(error.contains(&format!("it has {bytes} bytes, and `shape` is {shape:?}")), "{error}");
        }
        for datatype in ["BOOL", "FP16", "BYTES", "fp32", ""] {
            let error = is_of(&Kind::Number, datatype).expect_err(datatype);
            assert!(error.starts_with(&format!("`datatype` is `{datatype}`, and must be FP64, FP32")), "{error}");
        }
        assert!(is_of(&Kind::Text, "FP64").expect_err("numbers").contains("must be BYTES"));
    }
}
