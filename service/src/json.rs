//! A body in JSON, read; and what is wrong with one, with the place at which it is wrong.

use crate::object::FromObject;
use serde::de::DeserializeOwned;
use serde_path_to_error::Segment;
use std::fmt;

/// How many names and numbers of a place are told: a client may nest as deep as it likes.
const TOLD: usize = 8;

/// What is wrong with a body, and where: `` `inputs[0].shape[0]`: invalid value: integer `-1`, expected u64 at line 1 column 30 ``.
#[derive(Debug)]
pub(crate) struct Wrong {
    /// The names of the fields around it and its numbers in lists, from the outside in. None where no field is to blame.
    place: Vec<Segment>,
    error: serde_json::Error,
}

/// Reads a body. If its type is a struct, the body must be an object.
///
/// # Errors
///
/// What is wrong with it, and where.
pub(crate) fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Wrong> {
    let read = serde_json::from_slice::<FromObject<T>>(body);
    read.map(|FromObject(value)| value).map_err(|error| Wrong { place: place::<T>(body), error })
}

/// Where a body is wrong. It is read a second time for that, so that one that is right costs nothing more.
fn place<T: DeserializeOwned>(body: &[u8]) -> Vec<Segment> {
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    match serde_path_to_error::deserialize::<_, FromObject<T>>(&mut deserializer) {
        // The value is right, and something follows it.
        Ok(_) => vec![],
        Err(error) => {
            // A key that is not read has no name: what is around it is told.
            let named = error.path().iter().take_while(|segment| !matches!(segment, Segment::Unknown));
            named.cloned().collect()
        }
    }
}

impl Wrong {
    /// The field of the body in which it is, if it is in one.
    pub(crate) fn field(&self) -> Option<&str> {
        match self.place.first() {
            Some(Segment::Map { key }) => Some(key),
            _ => None,
        }
    }
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut place = String::new();
        for segment in self.place.iter().take(TOLD) {
            if !place.is_empty() && !matches!(segment, Segment::Seq { .. }) {
                place.push('.');
            }
            place.push_str(&segment.to_string());
        }
        if self.place.len() > TOLD {
            place.push('…');
        }
        if !place.is_empty() {
            write!(f, "`{place}`: ")?;
        }
        write!(f, "{}", self.error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;
    use std::collections::BTreeMap;

    type Lists = BTreeMap<String, Vec<u8>>;
    type Nested = BTreeMap<String, BTreeMap<String, Vec<Option<u8>>>>;
    type Any = BTreeMap<String, Value>;

    fn wrong<T: DeserializeOwned>(body: &str) -> Wrong {
        read::<T>(body.as_bytes()).map(drop).expect_err(body)
    }

    #[test]
    fn what_is_wrong_is_told_with_its_place() {
        let deep = format!(r#"{{"a": {}NaN"#, "[".repeat(20));
        for (wrong, field, message) in [
            (wrong::<Lists>(r#"{"a": 3}"#), Some("a"), "`a`: invalid type: integer `3`, expected a sequence at line 1"),
            (wrong::<Lists>(r#"{"a": [], "b": [1, 256]}"#), Some("b"), "`b[1]`: invalid value: integer `256`"),
            (wrong::<Nested>(r#"{"a": {"b": [null, -1]}}"#), Some("a"), "`a.b[1]`: invalid value: integer `-1`"),
            (wrong::<Any>(r#"{"a": {"b": [NaN]}}"#), Some("a"), "`a.b[0]`: expected value at line 1"),
            (wrong::<Any>(&deep), Some("a"), "`a[0][0][0][0][0][0][0]…`: expected value at line 1"),
            (wrong::<Vec<u8>>("[1, -1]"), None, "`[1]`: invalid value: integer `-1`"),
        ] {
            assert_eq!(wrong.field(), field, "{wrong}");
            assert!(wrong.to_string().starts_with(message), "{message}: {wrong}");
        }
    }

    #[test]
    fn what_is_wrong_in_no_field_is_told_alone() {
        for (wrong, message) in [
            (wrong::<Lists>(""), "EOF while parsing"),
            (wrong::<Lists>("[]"), "invalid type: sequence"),
            (wrong::<Lists>("{} {}"), "trailing characters"),
            (wrong::<Lists>(r#"{"a": [], 3: []}"#), "key must be a string"),
            (wrong::<Lists>(r#"{"a": []"#), "EOF while parsing"),
        ] {
            assert_eq!(wrong.field(), None, "{wrong}");
            assert!(wrong.to_string().starts_with(message), "{message}: {wrong}");
        }
        // A key that is none, in a field that is one.
        assert!(wrong::<Any>(r#"{"a": {3: 4}}"#).to_string().starts_with("`a`: key must be a string"));
    }

    #[test]
    fn what_is_right_is_read() {
        let read: Lists = read(br#"{"a": [1, 2]}"#).expect("lists");
        assert_eq!(read, Lists::from([("a".to_owned(), vec![1, 2])]));
    }
}
