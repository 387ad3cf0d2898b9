//! Golden vectors: a few texts with what the model's f32 pack says of them and what the pack itself gave when it was built.
//!
//! A service's self-test replays them: the pack's own figures must come back to the bit on any CPU, and their distance from those of
//! the f32 pack, which the compiler holds against its reference, is then the one that the gate accepted.

pub mod requests;
pub mod rows;

use crate::wire::{Decoder, Encoder, WireError};

/// One text (or pair) and its outputs.
#[derive(Clone, Debug, PartialEq)]
pub struct Golden {
    /// The text.
    pub text: String,
    /// The second text of a pair.
    pub pair: Option<String>,
    /// What the model's f32 pack gave: as many values as the signature has outputs.
    pub reference: Vec<f32>,
    /// What the pack's own kernels gave when it was built, to the bit.
    pub got: Vec<f32>,
}

/// The golden vectors as bytes: a section of a pack, and a file of the store.
pub fn encode(goldens: &[Golden]) -> Vec<u8> {
    let mut out = Encoder::default();
    out.count(goldens.len());
    for golden in goldens {
        out.str(&golden.text);
        out.u8(u8::from(golden.pair.is_some()));
        out.str(golden.pair.as_deref().unwrap_or(""));
        for values in [&golden.reference, &golden.got] {
            out.count(values.len());
            values.iter().for_each(|&value| out.f32(value));
        }
    }
    out.0
}

/// Reads what [`encode`] wrote, for a model of that many outputs.
///
/// # Errors
///
/// What is wrong with the bytes, in words.
pub fn decode(bytes: &[u8], outputs: usize) -> Result<Vec<Golden>, String> {
    let mut read = Decoder::new(bytes);
    let goldens = decode_all(&mut read).map_err(|error| match error {
        WireError::Truncated => "the golden vectors end early".to_owned(),
        WireError::NotUtf8 => "a golden text is not UTF-8".to_owned(),
    })?;
    if !read.is_empty() {
        return Err("the golden vectors have bytes after their end".to_owned());
    }
    match goldens.iter().position(|golden| golden.reference.len() != outputs || golden.got.len() != outputs) {
        Some(at) => Err(format!("golden vector {at} does not have {outputs} values")),
        None => Ok(goldens),
    }
}

fn decode_all(read: &mut Decoder<'_>) -> Result<Vec<Golden>, WireError> {
    (0..read.count(17)?)
        .map(|_| {
            let text = read.str()?.to_owned();
            let has_pair = read.u8()? != 0;
            let pair = read.str()?.to_owned();
            let mut values = || (0..read.count(4)?).map(|_| read.f32()).collect::<Result<Vec<_>, _>>();
            Ok(Golden { text, pair: has_pair.then_some(pair), reference: values()?, got: values()? })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let goldens = vec![
            Golden {
                text: "手机".into(), pair: None, reference: vec![0.5, -0.5], got: vec![0.25, f32::MIN_POSITIVE]
            },
            Golden { text: String::new(), pair: Some("b".into()), reference: vec![1.0, 0.0], got: vec![1.0, 0.0] },
        ];
        let bytes = encode(&goldens);
        assert_eq!(decode(&bytes, 2), Ok(goldens));
        assert!(decode(&bytes, 3).is_err_and(|error| error.contains("golden vector 0")));
        for len in 0..bytes.len() {
            assert!(decode(&bytes[..len], 2).is_err(), "{len} bytes");
        }
    }
}
