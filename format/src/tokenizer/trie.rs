//! A double-array trie over bytes: from a prefix of the text to a value, one word a byte.
//!
//! Unit: bits 0–8 the label (byte + 1, so that 0 is no label), bit 9 "has a value", bits 10–30 the base of the children. The child by
//! label `l` lies at `base ^ l`; a value lies at `base ^ 0` with bit 31 set. Bases are unique, so a matching label proves the parent.
//! The array is whole blocks of 512 and every base is inside it, so `base ^ label` is too.

use super::Error;
use super::bytes::{Reader, Words, Writer};

const LABEL: u32 = 0x1FF;
const HAS_VALUE: u32 = 1 << 9;
const BASE_SHIFT: u32 = 10;
const VALUE: u32 = 1 << 31;

/// Units come in blocks of this many, because a label has nine bits.
pub const BLOCK: usize = 512;

/// The most units that a base can address.
pub const MOST_UNITS: usize = 1 << 21;

/// The unit of a node.
pub fn node_unit(label: u32, has_value: bool, base: u32) -> u32 {
    label | if has_value { HAS_VALUE } else { 0 } | base << BASE_SHIFT
}

/// The unit of a value.
pub fn value_unit(value: u32) -> u32 {
    value | VALUE
}

/// A trie in place. Walking it takes one step a byte, and no step can leave the array.
#[derive(Clone, Copy, Debug)]
pub struct Trie<'a> {
    units: Words<'a>,
}

/// A place in a [`Trie`].
#[derive(Clone, Copy, Debug)]
pub struct Node(u32);

impl Node {
    #[inline]
    fn base(self) -> u32 {
        (self.0 & !VALUE) >> BASE_SHIFT
    }
}

impl<'a> Trie<'a> {
    /// Proves that each base is inside and each value is below `values`.
    pub(super) fn parse(reader: &mut Reader<'a>, values: u32) -> Result<Self, Error> {
        let units = reader.words("a trie")?;
        if units.is_empty() || !units.len().is_multiple_of(BLOCK) {
            return Err(Error::wrong("a trie", "is not whole blocks"));
        }
        let len = units.len() as u64;
        let sound = |unit: u32| {
            if unit & VALUE != 0 { unit & !VALUE < values } else { u64::from(unit >> BASE_SHIFT) < len }
        };
        // Not `all`: without the early exit the loop is vectorised.
        let wrong = units.iter().fold(units.get(0) & VALUE != 0, |wrong, unit| wrong | !sound(unit));
        if wrong { Err(Error::wrong("a trie", "points outside")) } else { Ok(Self { units }) }
    }

    /// Writes the units.
    pub fn write(writer: &mut Writer, units: &[u32]) {
        writer.words(units.iter().copied());
    }

    /// Where every key begins.
    #[inline]
    pub fn root(&self) -> Node {
        Node(self.units.get(0))
    }

    /// The place one byte further, if a key goes there.
    #[inline]
    pub fn step(&self, node: Node, byte: u8) -> Option<Node> {
        let label = u32::from(byte) + 1;
        let unit = self.units.get((node.base() ^ label) as usize);
        (unit & (VALUE | LABEL) == label).then_some(Node(unit))
    }

    /// The value of the key that ends here, if one does.
    #[inline]
    pub fn value(&self, node: Node) -> Option<u32> {
        if node.0 & HAS_VALUE == 0 {
            return None;
        }
        let unit = self.units.get(node.base() as usize);
        (unit & VALUE != 0).then_some(unit & !VALUE)
    }

    /// The longest key that `text` begins with: its length and its value.
    #[inline]
    pub fn longest(&self, text: &[u8]) -> Option<(usize, u32)> {
        let mut found = None;
        let mut node = self.root();
        for (i, &byte) in text.iter().enumerate() {
            match self.step(node, byte) {
                Some(next) => node = next,
                None => break,
            }
            if let Some(value) = self.value(node) {
                found = Some((i + 1, value));
            }
        }
        found
    }

    /// The value of the key that `text` is.
    pub fn exact(&self, text: &[u8]) -> Option<u32> {
        let mut node = self.root();
        for &byte in text {
            node = self.step(node, byte)?;
        }
        self.value(node)
    }
}
