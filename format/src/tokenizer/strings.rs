//! A list of strings in place: where each ends, then all their text.

use super::Error;
use super::bytes::{Reader, Words, Writer};

/// Strings by number.
#[derive(Clone, Copy, Debug)]
pub struct Strings<'a> {
    ends: Words<'a>,
    text: &'a str,
}

impl<'a> Strings<'a> {
    /// Proves that the text is UTF-8 and that each string ends on a character, in order.
    pub(super) fn parse(reader: &mut Reader<'a>) -> Result<Self, Error> {
        let ends = reader.words("the ends of strings")?;
        let text = reader.text("the text of strings")?;
        let mut last = 0;
        for end in ends.iter() {
            if end < last || !text.is_char_boundary(end as usize) {
                return Err(Error::wrong("a string", "ends outside its text"));
            }
            last = end;
        }
        if last as usize != text.len() {
            return Err(Error::wrong("the text of strings", "has a tail that belongs to none"));
        }
        Ok(Self { ends, text })
    }

    /// Writes `strings` in order.
    ///
    /// # Panics
    ///
    /// If they are 4 GiB or more.
    pub fn write<S: AsRef<str>>(writer: &mut Writer, strings: &[S]) {
        let text: String = strings.iter().map(AsRef::as_ref).collect();
        let mut end = 0;
        writer.words(strings.iter().map(|string| {
            end += string.as_ref().len();
            u32::try_from(end).expect("the strings are smaller than 4 GiB")
        }));
        writer.bytes(text.as_bytes());
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// String `i`.
    ///
    /// # Panics
    ///
    /// If `i` is not below [`len`](Self::len).
    #[inline]
    pub fn get(&self, i: usize) -> &'a str {
        let start = if i == 0 { 0 } else { self.ends.get(i - 1) as usize };
        &self.text[start..self.ends.get(i) as usize]
    }
}
