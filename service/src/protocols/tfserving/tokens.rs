//! The tokens `NaN`, `Infinity` and `-Infinity`, which are numbers here and none in JSON.

use std::borrow::Cow;

const NUMBERS: [&[u8]; 3] = [b"-Infinity", b"Infinity", b"NaN"];

/// The body with each of these as the number 0 and spaces, so that places in it stay as they were. Which number it is is all the same:
/// no model of texts takes one.
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

/// The body with each `NaN` as `null`, which is what is missing. There is nothing in JSON for a number that is infinite, which is left as
/// it is and not read.
pub(super) fn as_json_of_numbers(body: &[u8]) -> Cow<'_, [u8]> {
    const NAN: &[u8] = b"NaN";
    let mut found: Option<Vec<u8>> = None;
    let (mut at, mut in_string) = (0, false);
    while at < body.len() {
        let step = match body[at] {
            b'N' if !in_string && body[at..].starts_with(NAN) => {
                found.get_or_insert_with(|| body[..at].to_vec()).extend(b"null");
                at += NAN.len();
                continue;
            }
            b'\\' if in_string => 2.min(body.len() - at),
            byte => {
                in_string ^= byte == b'"';
                1
            }
        };
        if let Some(found) = &mut found {
            found.extend(&body[at..at + step]);
        }
        at += step;
    }
    found.map_or(Cow::Borrowed(body), Cow::Owned)
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
        for (body, json) in [
            (r#"[NaN, -NaN,1]"#, r#"[null, -null,1]"#),
            (r#"{"NaN": "NaN \" NaN", "a\\": NaN}"#, r#"{"NaN": "NaN \" NaN", "a\\": null}"#),
            (r#"["a", Infinity]"#, r#"["a", Infinity]"#),
            ("NaN\"\\", "null\"\\"),
            ("", ""),
        ] {
            assert_eq!(std::str::from_utf8(&as_json_of_numbers(body.as_bytes())), Ok(json));
        }
        // Two in a row are no number.
        assert!(serde_json::from_slice::<Vec<f64>>(&as_json(b"[NaNNaN]")).is_err());
    }
}
