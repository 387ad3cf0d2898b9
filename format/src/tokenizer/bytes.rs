//! Little-endian sections, read in place: each is a length, the bytes, and zeros up to a multiple of four.

use super::Error;

/// 32-bit words in place.
#[derive(Clone, Copy, Debug)]
pub struct Words<'a>(&'a [[u8; 4]]);

impl Words<'_> {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Word `i`.
    ///
    /// # Panics
    ///
    /// If `i` is not below [`len`](Self::len).
    #[inline]
    pub fn get(&self, i: usize) -> u32 {
        u32::from_le_bytes(self.0[i])
    }

    /// All of them in order.
    pub fn iter(&self) -> impl Iterator<Item = u32> {
        self.0.iter().map(|&word| u32::from_le_bytes(word))
    }
}

/// 16-bit halves in place.
#[derive(Clone, Copy, Debug)]
pub struct Halves<'a>(&'a [[u8; 2]]);

impl Halves<'_> {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Half `i`.
    ///
    /// # Panics
    ///
    /// If `i` is not below [`len`](Self::len).
    #[inline]
    pub fn get(&self, i: usize) -> u16 {
        u16::from_le_bytes(self.0[i])
    }

    /// All of them in order.
    pub fn iter(&self) -> impl Iterator<Item = u16> {
        self.0.iter().map(|&half| u16::from_le_bytes(half))
    }
}

/// 64-bit floating-point numbers in place.
#[derive(Clone, Copy, Debug)]
pub struct Doubles<'a>(&'a [[u8; 8]]);

impl Doubles<'_> {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Number `i`.
    ///
    /// # Panics
    ///
    /// If `i` is not below [`len`](Self::len).
    #[inline]
    pub fn get(&self, i: usize) -> f64 {
        f64::from_le_bytes(self.0[i])
    }
}

/// What has not been read yet.
pub(super) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    pub(super) fn array<const N: usize>(&mut self, what: &'static str) -> Result<[u8; N], Error> {
        let (head, rest) = self.rest.split_first_chunk().ok_or(Error::ends_in(what))?;
        self.rest = rest;
        Ok(*head)
    }

    pub(super) fn u32(&mut self, what: &'static str) -> Result<u32, Error> {
        self.array(what).map(u32::from_le_bytes)
    }

    pub(super) fn f64(&mut self, what: &'static str) -> Result<f64, Error> {
        self.array(what).map(f64::from_le_bytes)
    }

    pub(super) fn bytes(&mut self, what: &'static str) -> Result<&'a [u8], Error> {
        let len = self.u32(what)? as usize;
        let padded = len.checked_next_multiple_of(4).ok_or(Error::ends_in(what))?;
        let (section, rest) = self.rest.split_at_checked(padded).ok_or(Error::ends_in(what))?;
        self.rest = rest;
        Ok(&section[..len])
    }

    pub(super) fn text(&mut self, what: &'static str) -> Result<&'a str, Error> {
        std::str::from_utf8(self.bytes(what)?).map_err(|_| Error::wrong(what, "is not UTF-8"))
    }

    fn whole<const N: usize>(&mut self, what: &'static str) -> Result<&'a [[u8; N]], Error> {
        let (items, tail) = self.bytes(what)?.as_chunks();
        if tail.is_empty() { Ok(items) } else { Err(Error::wrong(what, "is not a whole number of items")) }
    }

    pub(super) fn words(&mut self, what: &'static str) -> Result<Words<'a>, Error> {
        self.whole(what).map(Words)
    }

    pub(super) fn halves(&mut self, what: &'static str) -> Result<Halves<'a>, Error> {
        self.whole(what).map(Halves)
    }

    pub(super) fn doubles(&mut self, what: &'static str) -> Result<Doubles<'a>, Error> {
        self.whole(what).map(Doubles)
    }
}

/// Collects sections in the order in which [`Tables::parse`](super::Tables::parse) reads them.
#[derive(Debug, Default)]
pub struct Writer {
    bytes: Vec<u8>,
}

impl Writer {
    /// The bytes written.
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// One word, without a length.
    pub fn u32(&mut self, word: u32) {
        self.bytes.extend(word.to_le_bytes());
    }

    /// One number, without a length.
    pub fn f64(&mut self, number: f64) {
        self.bytes.extend(number.to_le_bytes());
    }

    /// Raw bytes, without a length.
    pub(super) fn raw(&mut self, bytes: &[u8]) {
        self.bytes.extend(bytes);
    }

    /// A section of bytes.
    ///
    /// # Panics
    ///
    /// If they are 4 GiB or more.
    pub fn bytes(&mut self, bytes: &[u8]) {
        self.u32(u32::try_from(bytes.len()).expect("a section is smaller than 4 GiB"));
        self.bytes.extend(bytes);
        self.bytes.resize(self.bytes.len().next_multiple_of(4), 0);
    }

    /// A section of words.
    pub fn words(&mut self, words: impl IntoIterator<Item = u32>) {
        self.bytes(&words.into_iter().flat_map(u32::to_le_bytes).collect::<Vec<_>>());
    }

    /// A section of halves.
    pub fn halves(&mut self, halves: impl IntoIterator<Item = u16>) {
        self.bytes(&halves.into_iter().flat_map(u16::to_le_bytes).collect::<Vec<_>>());
    }

    /// A section of numbers.
    pub fn doubles(&mut self, numbers: impl IntoIterator<Item = f64>) {
        self.bytes(&numbers.into_iter().flat_map(f64::to_le_bytes).collect::<Vec<_>>());
    }
}
