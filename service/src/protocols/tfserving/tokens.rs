//! The tokens `NaN`, `Infinity` and `-Infinity`, which are numbers here and none in JSON.

use crate::protocols::node::Node;
use std::borrow::Cow;

const NAN: &[u8] = b"NaN";
const NUMBERS: [&[u8]; 3] = [b"-Infinity", b"Infinity", NAN];

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

/// A body whose numbers are read, as JSON.
///
/// There is nothing in JSON for a number that is infinite, and nothing that could stand for one which a client may not send itself. So such
/// a body is read twice, with 0 in those places and with 1 or -1: where the readings differ the number is infinite, and nowhere else.
#[derive(Debug)]
pub(super) struct Numbers<'b> {
    /// Each `NaN` is `null`, which is what is missing, and each number that is infinite is 0.
    pub(super) json: Cow<'b, [u8]>,
    /// Where the 0 of each of these stands, after a space; and whether the number is negative.
    infinite: Vec<(usize, bool)>,
}

impl Numbers<'_> {
    /// The JSON of the second reading; none where no number is infinite.
    pub(super) fn signs(&self) -> Option<Vec<u8>> {
        if self.infinite.is_empty() {
            return None;
        }
        let mut json = self.json.to_vec();
        for &(at, is_negative) in &self.infinite {
            json[at] = b'1';
            if is_negative {
                json[at - 1] = b'-';
            }
        }
        Some(json)
    }
}

/// Makes infinite what differs between a value and the same of the second reading.
pub(super) fn make_infinite(node: &mut Node, signs: &Node) {
    match (node, signs) {
        (Node::Number(number), Node::Number(sign)) if *number != *sign => *number = *sign * f64::INFINITY,
        (Node::List(nodes), Node::List(signs)) => {
            nodes.iter_mut().zip(signs).for_each(|(node, signs)| make_infinite(node, signs));
        }
        (Node::Object(fields), Node::Object(signs)) => {
            fields.iter_mut().zip(signs).for_each(|((_, node), (_, signs))| make_infinite(node, signs));
        }
        _ => {}
    }
}

/// The body as JSON whose numbers are read.
pub(super) fn as_json_of_numbers(body: &[u8]) -> Numbers<'_> {
    let mut found: Option<Vec<u8>> = None;
    let mut infinite = vec![];
    let (mut at, mut in_string) = (0, false);
    while at < body.len() {
        let number = match body[at] {
            b'-' | b'I' | b'N' if !in_string => NUMBERS.into_iter().find(|number| body[at..].starts_with(number)),
            _ => None,
        };
        if let Some(number) = number {
            let json = found.get_or_insert_with(|| body[..at].to_vec());
            if number == NAN {
                json.extend(b"null");
            } else {
                infinite.push((json.len() + 1, number[0] == b'-'));
                let end = json.len() + number.len();
                // The spaces keep it apart from a number beside it, and places in the body as they were.
                json.extend(b" 0");
                json.resize(end, b' ');
            }
            at += number.len();
            continue;
        }
        let step = match body[at] {
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
    Numbers { json: found.map_or(Cow::Borrowed(body), Cow::Owned), infinite }
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
            (r#"["a", Infinity,-Infinity]"#, r#"["a",  0      , 0       ]"#),
            (
                r#"{"-Infinity": "Infinity \" -Infinity", "a\\": Infinity}"#,
                r#"{"-Infinity": "Infinity \" -Infinity", "a\\":  0      }"#,
            ),
            ("NaN\"\\", "null\"\\"),
            ("", ""),
        ] {
            assert_eq!(std::str::from_utf8(&as_json_of_numbers(body.as_bytes()).json), Ok(json));
        }
        // Two in a row are no number.
        assert!(serde_json::from_slice::<Vec<f64>>(&as_json(b"[NaNNaN]")).is_err());
    }

    /// A body's value, with what is infinite.
    fn read(body: &str) -> Result<Node, serde_json::Error> {
        let numbers = as_json_of_numbers(body.as_bytes());
        let mut node = serde_json::from_slice(&numbers.json)?;
        if let Some(signs) = numbers.signs() {
            make_infinite(&mut node, &serde_json::from_slice(&signs)?);
        }
        Ok(node)
    }

    #[test]
    fn a_number_is_infinite_where_its_token_stands_and_nowhere_else() {
        let inf = f64::INFINITY;
        let of = |numbers: &[f64]| numbers.iter().copied().map(Node::Number).collect::<Vec<_>>();
        for (body, expected) in [
            ("Infinity", Node::Number(inf)),
            (
                "[Infinity,-Infinity, 0, 1, -1, 18446744073709551615]",
                Node::List(of(&[inf, -inf, 0.0, 1.0, -1.0, 2f64.powi(64)])),
            ),
            (
                r#"{"Infinity": "Infinity", "a": ["-Infinity", NaN, [ -Infinity ]]}"#,
                Node::Object(vec![
                    ("Infinity".to_owned(), Node::Text("Infinity".to_owned())),
                    (
                        "a".to_owned(),
                        Node::List(vec![Node::Text("-Infinity".to_owned()), Node::Null, Node::List(of(&[-inf]))]),
                    ),
                ]),
            ),
        ] {
            assert_eq!(read(body).unwrap_or_else(|error| panic!("{body}: {error}")), expected, "{body}");
        }
        let wrong = "1Infinity Infinity1 --Infinity +Infinity 1e-Infinity -InfinityNaN Infinity.5 infinity Inf";
        for body in wrong.split(' ') {
            assert!(read(&format!("[{body}]")).is_err(), "{body}");
        }
    }
}
