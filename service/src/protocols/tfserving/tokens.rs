//! The tokens `NaN`, `Infinity` and `-Infinity`, which are numbers here and none in JSON.

use std::borrow::Cow;

const NUMBERS: [&[u8]; 3] = [b"-Infinity", b"Infinity", b"NaN"];

/// The body with each of these as the number 0 and spaces, so that places in it stay as they were. Which number it is is all the same:
/// no model here takes one.
pub(super) fn as_json(body: &[u8]) -> Cow<'_, [u8]> {
    let mut found = Cow::Borrowed(body);
    let (mut at, mut in_string) = (0, false);
    while at < body.len() {
        let number = NUMBERS.iter().find(|number| !in_string && body[at..].starts_with(number));
        match (body[at], number) {
            (_, Some(number)) => {
                let place = &mut found.to_mut()[at..at + number.len()];
                place.fill(b' ');
                place[0] = b'0';
                at += number.len();
            }
            (b'\\', _) if in_string => at += 2,
            (byte, _) => {
                in_string ^= byte == b'"';
                at += 1;
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_tokens_outside_of_texts_are_numbers() {
        for (body, json) in [
            (r#"[NaN, -Infinity,Infinity]"#, r#"[0  , 0        ,0       ]"#),
            (r#"{"NaN": "NaN \" NaN", "a\\": NaN}"#, r#"{"NaN": "NaN \" NaN", "a\\": 0  }"#),
            (r#"["a"]"#, r#"["a"]"#),
            ("\"\\", "\"\\"),
            ("", ""),
        ] {
            assert_eq!(std::str::from_utf8(&as_json(body.as_bytes())), Ok(json));
        }
        // Two in a row are no number.
        assert!(serde_json::from_slice::<Vec<f64>>(&as_json(b"[NaNNaN]")).is_err());
    }
}
