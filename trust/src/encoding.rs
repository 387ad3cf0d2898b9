//! Base64 as envelopes have it: of either alphabet, padded, without a stray bit.

use crate::refusal::{Refusal, form};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};

/// Reads either alphabet, as [DSSE](https://github.com/secure-systems-lab/dsse/blob/master/envelope.md) asks of who verifies; not
/// both in one text.
pub(crate) fn decode(what: &str, text: &str) -> Result<Vec<u8>, Refusal> {
    let engine = if text.contains(['-', '_']) { &URL_SAFE } else { &STANDARD };
    engine.decode(text).map_err(|error| form(format!("{what} is not base64: {error}")))
}

/// Writes the standard alphabet.
pub(crate) fn encode(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// Lower-case hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut hex, byte| {
        write!(hex, "{byte:02x}").expect("writing to a string cannot fail");
        hex
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn either_alphabet_is_read_and_nothing_else() {
        for text in ["-_8=", "+/8="] {
            assert_eq!(decode("it", text).expect(text), [0xfb, 0xff]);
        }
        // Mixed alphabets, no padding, bits that are not used, spaces.
        for text in ["-/8=", "+/8", "+/9=", "+/8=\n", " +/8=", "=", "+/8=+/8="] {
            assert!(decode("it", text).is_err(), "{text:?}");
        }
    }
}
