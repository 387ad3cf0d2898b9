//! Tensors of type BYTES as binary data: each element a u32 of its length, little-endian, and then its bytes.

use crate::protocols::tensor::{self, utf8};

/// The elements as texts, as many as the shape says.
///
/// # Errors
///
/// If they are not, or as [`decode`].
pub(super) fn decode_shaped(bytes: &[u8], shape: &[u64]) -> Result<Vec<String>, String> {
    let texts = decode(bytes)?;
    if tensor::elements(shape) != Some(texts.len() as u64) {
        return Err(format!("its bytes are {} elements, and `shape` is {shape:?}", texts.len()));
    }
    Ok(texts)
}

/// The elements as texts.
///
/// # Errors
///
/// If the bytes end early, or an element is not UTF-8.
pub(super) fn decode(mut bytes: &[u8]) -> Result<Vec<String>, String> {
    let mut texts = vec![];
    while !bytes.is_empty() {
        let at = texts.len();
        let (length, rest) = bytes
            .split_first_chunk::<4>()
            .ok_or_else(|| format!("element {at} begins with {} bytes, and its length alone has 4", bytes.len()))?;
        let length = u32::from_le_bytes(*length) as usize;
        let (text, rest) = rest
            .split_at_checked(length)
            .ok_or_else(|| format!("element {at} is said to have {length} bytes, and {} follow", rest.len()))?;
        texts.push(utf8(at, text)?);
        bytes = rest;
    }
    Ok(texts)
}

/// Elements as binary data.
pub(super) fn encode<'a>(texts: impl IntoIterator<Item = &'a str>) -> Vec<u8> {
    let mut bytes = vec![];
    for text in texts {
        let length = u32::try_from(text.len()).expect("labels are short");
        bytes.extend(length.to_le_bytes());
        bytes.extend(text.as_bytes());
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_come_back() {
        for texts in [&[][..], &[""], &["手机", "", "x"]] {
            assert_eq!(decode(&encode(texts.iter().copied())), Ok(texts.iter().map(ToString::to_string).collect()));
        }
        assert_eq!(encode(["ab"]), [2, 0, 0, 0, b'a', b'b']);
    }

    #[test]
    fn what_does_not_fit_is_said_with_its_place() {
        for (bytes, message) in [
            (&[1, 0][..], "element 0 begins with 2 bytes, and its length alone has 4"),
            (&[0, 0, 0, 0, 5, 0, 0, 0, b'a'], "element 1 is said to have 5 bytes, and 1 follow"),
            (&[255, 255, 255, 255], "element 0 is said to have 4294967295 bytes, and 0 follow"),
            (&[1, 0, 0, 0, 0xff], "element 0 is not UTF-8"),
        ] {
            let error = decode(bytes).expect_err(message);
            assert!(error.starts_with(message), "{error}");
        }
    }
}
