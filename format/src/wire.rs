//! Little-endian numbers and counted strings, written and read.
//!
//! Reading never panics, and a count is believed only as far as the bytes that are there.

/// The bytes ended early, or a text in them is not UTF-8.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WireError {
    Truncated,
    NotUtf8,
}

#[derive(Default)]
pub(crate) struct Encoder(pub(crate) Vec<u8>);

impl Encoder {
    pub(crate) fn u8(&mut self, value: u8) {
        self.0.push(value);
    }

    pub(crate) fn u32(&mut self, value: u32) {
        self.0.extend(value.to_le_bytes());
    }

    pub(crate) fn u64(&mut self, value: u64) {
        self.0.extend(value.to_le_bytes());
    }

    pub(crate) fn f32(&mut self, value: f32) {
        self.0.extend(value.to_le_bytes());
    }

    /// A count, as lists and strings begin with.
    ///
    /// # Panics
    ///
    /// If `count` does not fit 32 bits: nothing that is written this way comes near.
    pub(crate) fn count(&mut self, count: usize) {
        self.u32(u32::try_from(count).expect("lists in a pack are shorter than 2^32"));
    }

    pub(crate) fn str(&mut self, text: &str) {
        self.count(text.len());
        self.0.extend(text.as_bytes());
    }
}

#[derive(Clone)]
pub(crate) struct Decoder<'a>(&'a [u8]);

impl<'a> Decoder<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Decoder<'a> {
        Decoder(bytes)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn take(&mut self, len: usize) -> Result<&'a [u8], WireError> {
        let (head, tail) = self.0.split_at_checked(len).ok_or(WireError::Truncated)?;
        self.0 = tail;
        Ok(head)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], WireError> {
        let (head, tail) = self.0.split_first_chunk().ok_or(WireError::Truncated)?;
        self.0 = tail;
        Ok(*head)
    }

    pub(crate) fn u8(&mut self) -> Result<u8, WireError> {
        self.array().map(u8::from_le_bytes)
    }

    pub(crate) fn u32(&mut self) -> Result<u32, WireError> {
        self.array().map(u32::from_le_bytes)
    }

    pub(crate) fn u64(&mut self) -> Result<u64, WireError> {
        self.array().map(u64::from_le_bytes)
    }

    pub(crate) fn f32(&mut self) -> Result<f32, WireError> {
        self.array().map(f32::from_le_bytes)
    }

    /// A count of things that take at least `least` bytes each, so that a lie is found before memory is asked for.
    pub(crate) fn count(&mut self, least: usize) -> Result<usize, WireError> {
        let count = self.u32()? as usize;
        if count > self.0.len() / least.max(1) {
            return Err(WireError::Truncated);
        }
        Ok(count)
    }

    pub(crate) fn str(&mut self) -> Result<&'a str, WireError> {
        let len = self.count(1)?;
        core::str::from_utf8(self.take(len)?).map_err(|_| WireError::NotUtf8)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let mut out = Encoder::default();
        out.u8(7);
        out.u32(70_000);
        out.u64(1 << 40);
        out.f32(-0.5);
        out.str("手机");
        let mut read = Decoder::new(&out.0);
        assert_eq!(read.u8(), Ok(7));
        assert_eq!(read.u32(), Ok(70_000));
        assert_eq!(read.u64(), Ok(1 << 40));
        assert_eq!(read.f32(), Ok(-0.5));
        assert_eq!(read.str(), Ok("手机"));
        assert!(read.is_empty());
        assert_eq!(read.u8(), Err(WireError::Truncated));
    }

    #[test]
    fn a_count_beyond_the_bytes_is_refused() {
        let mut out = Encoder::default();
        out.u32(u32::MAX);
        assert_eq!(Decoder::new(&out.0).str(), Err(WireError::Truncated));
        assert_eq!(Decoder::new(&out.0).count(8), Err(WireError::Truncated));
    }
}
