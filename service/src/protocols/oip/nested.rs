//! A tensor's `data` in JSON: its elements in one list, or in lists of lists as its shape has them.

use crate::ranking::Cell;
use serde::de::{Deserialize, DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use std::fmt;

/// The elements, row-major, and how they were nested.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Nested {
    elements: Vec<Cell>,
    /// The elements of all lists of each depth.
    pub(super) shape: Vec<u64>,
}

impl Nested {
    /// Whether the elements are those of a tensor of this shape: nested so, or in one list.
    pub(super) fn fits(&self, shape: &[u64]) -> bool {
        let elements = shape.iter().try_fold(1u64, |product, &size| product.checked_mul(size));
        elements == Some(self.elements.len() as u64) && (self.shape.len() == 1 || self.shape == shape)
    }

    /// The elements, which are all texts.
    ///
    /// # Errors
    ///
    /// The first that is none: its place, and what it is.
    pub(super) fn texts(&self) -> Result<Vec<String>, (usize, &'static str)> {
        let text = |(at, cell): (usize, &Cell)| match cell {
            Cell::Text(text) => Ok(text.clone()),
            other => Err((at, other.kind())),
        };
        self.elements.iter().enumerate().map(text).collect()
    }

    /// The elements, whatever they are.
    pub(super) fn elements(&self) -> &[Cell] {
        &self.elements
    }

    fn leaf<E: Error>(&mut self, depth: usize, leaf: Cell) -> Result<(), E> {
        // The lists around the first element say how deep all lie.
        if depth == 0 {
            return Err(E::custom("`data` must be a list"));
        }
        if self.shape.len() != depth {
            return Err(E::custom("`data` is nested unevenly"));
        }
        self.elements.push(leaf);
        Ok(())
    }
}

impl<'de> Deserialize<'de> for Nested {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Nested, D::Error> {
        let mut nested = Nested::default();
        // Sizes are known when the first list of a depth ends.
        let mut sizes = vec![];
        At { nested: &mut nested, sizes: &mut sizes, depth: 0 }.deserialize(deserializer)?;
        nested.shape = sizes.into_iter().map(|size| size.unwrap_or(0)).collect();
        Ok(nested)
    }
}

/// What stands at a depth: an element or a list.
struct At<'a> {
    nested: &'a mut Nested,
    sizes: &'a mut Vec<Option<u64>>,
    depth: usize,
}

impl<'de> DeserializeSeed<'de> for At<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for At<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of elements")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        let At { nested, sizes, depth } = self;
        if sizes.len() == depth {
            if !nested.elements.is_empty() {
                return Err(A::Error::custom("`data` is nested unevenly"));
            }
            sizes.push(None);
            nested.shape.push(0);
        }
        let mut size = 0;
        while list.next_element_seed(At { nested, sizes, depth: depth + 1 })?.is_some() {
            size += 1;
        }
        if sizes[depth].is_some_and(|known| known != size) {
            return Err(A::Error::custom("`data` is nested unevenly"));
        }
        sizes[depth] = Some(size);
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, _: A) -> Result<(), A::Error> {
        Err(A::Error::custom("`data` must be a list of elements, and has an object"))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<(), E> {
        self.nested.leaf(self.depth, Cell::Text(text.to_owned()))
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<(), E> {
        self.nested.leaf(self.depth, Cell::Other("a boolean"))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<(), E> {
        self.nested.leaf(self.depth, Cell::Number(number as f64))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<(), E> {
        self.nested.leaf(self.depth, Cell::Number(number as f64))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<(), E> {
        self.nested.leaf(self.depth, Cell::Number(number))
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        self.nested.leaf(self.depth, Cell::Missing)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Result<Nested, String> {
        serde_json::from_str(json).map_err(|error| error.to_string())
    }

    #[test]
    fn lists_of_lists_and_one_list_fit_the_same_shape() {
        for (json, fits, not) in [
            (r#"["a", "b"]"#, &[&[2][..], &[2, 1], &[1, 2]][..], &[3][..]),
            (r#"[["a", "b"]]"#, &[&[1, 2]], &[2, 1]),
            (r#"[["a"], ["b"]]"#, &[&[2, 1]], &[2]),
            ("[]", &[&[0][..], &[0, 2]], &[]),
            ("[[], []]", &[&[2, 0]], &[0, 2]),
        ] {
            let nested = read(json).expect(json);
            assert!(fits.iter().all(|shape| nested.fits(shape)) && !nested.fits(not), "{json} {nested:?}");
        }
        assert!(!read("[]").expect("a list").fits(&[u64::MAX, 3, 0]));
        assert!(!read(r#"["a"]"#).expect("a list").fits(&[u64::MAX, 2]));
    }

    #[test]
    fn elements_that_are_no_texts_are_kept_in_mind() {
        assert_eq!(read(r#"["a", 1, null]"#).expect("a list").texts(), Err((1, "a number")));
        assert_eq!(read("[[null]]").expect("a list").texts(), Err((0, "null")));
    }

    #[test]
    fn what_is_no_tensor_is_refused() {
        let deep = "[".repeat(200);
        for (json, message) in [
            (r#""a""#, "must be a list"),
            ("null", "must be a list"),
            (r#"{"a": 1}"#, "has an object"),
            (r#"[["a"], "b"]"#, "nested unevenly"),
            (r#"["b", ["a"]]"#, "nested unevenly"),
            (r#"[["a"], ["b", "c"]]"#, "nested unevenly"),
            (r#"[["a"], [["b"]]]"#, "nested unevenly"),
            (r#"[[[]], ["a"]]"#, "nested unevenly"),
            ("[NaN]", "expected value"),
            (deep.as_str(), "recursion limit"),
        ] {
            let error = read(json).expect_err(json);
            assert!(error.contains(message), "{json}: {error}");
        }
    }
}
