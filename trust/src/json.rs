//! JSON read strictly: bounded in length and depth, and no key of an object twice.
//!
//! Readers differ in which of two equal keys they take, so that a text with such would mean one thing to who signs and another to who
//! verifies.

use crate::refusal::{Refusal, form};
use serde::de::{self, Deserialize, DeserializeOwned, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};
use std::fmt;

/// Reads a text of at most `limit` bytes. `what` begins the sentence of a refusal.
pub(crate) fn parse<T: DeserializeOwned>(what: &str, bytes: &[u8], limit: usize) -> Result<T, Refusal> {
    if bytes.len() > limit {
        return Err(form(format!("{what} has {} bytes, and {limit} are the most", bytes.len())));
    }
    // serde_json goes 128 levels deep and no further.
    let Strict(value) = serde_json::from_slice(bytes)
        .map_err(|error| form(format!("{what} is not JSON as it is read here: {error}")))?;
    serde_json::from_value(value).map_err(|error| form(format!("{what} is not what it should be: {error}")))
}

/// A value none of whose objects has a key twice.
struct Strict(Value);

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Strict, D::Error> {
        deserializer.deserialize_any(Reader).map(Strict)
    }
}

struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E: de::Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E: de::Error>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E: de::Error>(self, value: String) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = vec![];
        while let Some(Strict(item)) = items.next_element()? {
            list.push(item);
        }
        Ok(list.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut map = Map::new();
        while let Some(key) = entries.next_key::<String>()? {
            if map.contains_key(&key) {
                return Err(de::Error::custom(format!("the key `{}` stands twice", key.escape_debug())));
            }
            let Strict(value) = entries.next_value()?;
            map.insert(key, value);
        }
        Ok(map.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_means_two_things_or_is_without_end_is_refused() {
        let deep = "[".repeat(200) + &"]".repeat(200);
        for (text, said) in [
            (r#"{"a": 1, "a": 1}"#, "the key `a` stands twice"),
            (r#"[{"b": {"c": 1, "\u0063": 2}}]"#, "the key `c` stands twice"),
            (deep.as_str(), "recursion limit"),
            ("{} {}", "trailing characters"),
            ("", "EOF"),
            ("\u{feff}{}", "expected value"),
            (r#"{"a": NaN}"#, "expected value"),
        ] {
            let refused = parse::<Value>("the text", text.as_bytes(), 1000).expect_err(text).to_string();
            assert!(refused.contains(said), "{text}: {refused}");
        }
        assert!(parse::<Value>("the text", b"[1, 2]", 5).expect_err("long").to_string().contains("5 are the most"));
        assert!(parse::<Value>("the text", b"\"\xff\"", 50).is_err());
    }

    #[test]
    fn everything_else_is_read_as_it_stands() {
        let text = r#"{"a":[null,true,-1,18446744073709551615,1.5,"x"],"b":{"a":{}}}"#;
        let value: Value = parse("the text", text.as_bytes(), 1000).expect(text);
        assert_eq!(value.to_string(), text);
    }
}
