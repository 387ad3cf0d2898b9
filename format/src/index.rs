//! An index: the vectors of a set of texts, such as a shop's catalogue, made at build time by the pack that answers at run time.
//!
//! ```text
//! header   64 bytes: magic, version, rows, width, the space's digest, the length of the whole
//! vectors  rows × width f32, row after row
//! ends     rows u32: where each row's id ends in `ids`
//! ids      UTF-8
//! ```
//!
//! Everything is little-endian and readable in place; the file begins at a multiple of four bytes.

use crate::Digest;
use core::fmt;

const MAGIC: &[u8; 8] = b"MDINDEX\n";
const VERSION: u32 = 1;
const HEADER: usize = 64;

/// An index that has been proved: a view of its bytes.
#[derive(Clone, Copy, Debug)]
pub struct Vectors<'a> {
    space: Digest,
    width: usize,
    values: &'a [f32],
    ends: &'a [u32],
    ids: &'a str,
}

/// Why bytes are not an index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IndexError(&'static str);

impl fmt::Display for IndexError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "not an index that can be read: {}", self.0)
    }
}

impl std::error::Error for IndexError {}

impl<'a> Vectors<'a> {
    /// Proves an index.
    ///
    /// # Errors
    ///
    /// Other bytes than [`write()`] makes, or bytes that do not begin at a multiple of four.
    pub fn parse(bytes: &'a [u8]) -> Result<Vectors<'a>, IndexError> {
        let header = bytes.get(..HEADER).ok_or(IndexError("it is shorter than its header"))?;
        let u32_at = |at: usize| u32::from_le_bytes(header[at..at + 4].try_into().expect("four bytes"));
        if &header[..8] != MAGIC {
            return Err(IndexError("its first bytes are others"));
        }
        if u32_at(8) != VERSION {
            return Err(IndexError("it is of another version"));
        }
        let (rows, width) = (u32_at(12) as usize, u32_at(16) as usize);
        let stated = u64::from_le_bytes(header[56..64].try_into().expect("eight bytes"));
        if stated != bytes.len() as u64 {
            return Err(IndexError("its length is not the one that it states"));
        }
        let body = &bytes[HEADER..];
        let vectors = rows.checked_mul(width).and_then(|n| n.checked_mul(4)).filter(|&n| n <= body.len());
        let vectors = vectors.ok_or(IndexError("its vectors end early"))?;
        let (values, rest) = body.split_at(vectors);
        if rows * 4 > rest.len() {
            return Err(IndexError("its ids end early"));
        }
        let (ends, ids) = rest.split_at(rows * 4);
        let misaligned = |_| IndexError("it does not lie at a multiple of 4 bytes");
        let values: &[f32] = bytemuck::try_cast_slice(values).map_err(misaligned)?;
        let ends: &[u32] = bytemuck::try_cast_slice(ends).map_err(misaligned)?;
        let ids = core::str::from_utf8(ids).map_err(|_| IndexError("an id is not UTF-8"))?;
        let in_order = ends.is_sorted() && ends.iter().all(|&end| ids.is_char_boundary(end as usize));
        if !in_order || ends.last().copied().unwrap_or(0) as usize != ids.len() {
            return Err(IndexError("its ids lie outside"));
        }
        let space = Digest::from_bytes(header[20..52].try_into().expect("32 bytes"));
        Ok(Vectors { space, width, values, ends, ids })
    }

    /// The space of the model that made the vectors.
    pub fn space(&self) -> Digest {
        self.space
    }

    /// How many vectors.
    pub fn rows(&self) -> usize {
        self.ends.len()
    }

    /// Values in a vector.
    pub fn width(&self) -> usize {
        self.width
    }

    /// All vectors, row after row.
    pub fn values(&self) -> &'a [f32] {
        self.values
    }

    /// The vector of a row.
    ///
    /// # Panics
    ///
    /// If there is no such row.
    pub fn vector(&self, row: usize) -> &'a [f32] {
        &self.values[row * self.width..(row + 1) * self.width]
    }

    /// The id of a row.
    ///
    /// # Panics
    ///
    /// If there is no such row.
    pub fn id(&self, row: usize) -> &'a str {
        let start = if row == 0 { 0 } else { self.ends[row - 1] as usize };
        &self.ids[start..self.ends[row] as usize]
    }
}

/// The bytes of an index of `ids.len()` rows; `values` are their vectors, row after row.
///
/// # Panics
///
/// If `values` is not `width` values for each id, or the ids are longer than 4 GiB together.
pub fn write(space: &Digest, width: u32, ids: &[&str], values: &[f32]) -> Vec<u8> {
    assert_eq!(values.len(), ids.len() * width as usize, "a vector for each id");
    let rows = u32::try_from(ids.len()).expect("fewer than 2^32 rows");
    let text: usize = ids.iter().map(|id| id.len()).sum();
    let total = HEADER + values.len() * 4 + ids.len() * 4 + text;
    let mut out = Vec::with_capacity(total);
    out.extend(MAGIC);
    for number in [VERSION, rows, width] {
        out.extend(number.to_le_bytes());
    }
    out.extend(space.as_bytes());
    out.resize(HEADER - 8, 0);
    out.extend((total as u64).to_le_bytes());
    values.iter().for_each(|value| out.extend(value.to_le_bytes()));
    let mut end = 0;
    for id in ids {
        end += id.len();
        out.extend(u32::try_from(end).expect("ids of less than 4 GiB").to_le_bytes());
    }
    ids.iter().for_each(|id| out.extend(id.as_bytes()));
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pack::Aligned;

    fn sample() -> Vec<u8> {
        let space = Digest::from_bytes([7; 32]);
        write(&space, 2, &["a1", "", "手机"], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0])
    }

    #[test]
    fn what_is_written_is_read() {
        let bytes = Aligned::copy(&sample());
        let index = Vectors::parse(&bytes).expect("an index");
        assert_eq!((index.rows(), index.width(), index.space()), (3, 2, Digest::from_bytes([7; 32])));
        assert_eq!(index.vector(1), [3.0, 4.0]);
        assert_eq!([0, 1, 2].map(|row| index.id(row)), ["a1", "", "手机"]);
        let empty = Aligned::copy(&write(&Digest::from_bytes([7; 32]), 2, &[], &[]));
        assert_eq!(Vectors::parse(&empty).expect("an index of nothing").rows(), 0);
    }

    #[test]
    fn every_truncation_and_growth_is_refused() {
        let bytes = sample();
        for len in 0..bytes.len() {
            assert!(Vectors::parse(&Aligned::copy(&bytes[..len])).is_err(), "{len} bytes");
        }
        assert!(Vectors::parse(&Aligned::copy(&[&bytes[..], b"x"].concat())).is_err());
    }

    #[test]
    fn any_byte_of_header_and_ends_may_be_wrong() {
        let bytes = sample();
        let rows_end = HEADER + 24 + 12;
        for at in (0..bytes.len()).filter(|at| !(HEADER..HEADER + 24).contains(at)) {
            for flip in [1, 0x80, 0xff] {
                let mut wrong = bytes.clone();
                wrong[at] ^= flip;
                let wrong = Aligned::copy(&wrong);
                if let Ok(index) = Vectors::parse(&wrong) {
                    assert!(
                        (0..index.rows())
                            .all(|row| index.vector(row).len() == index.width() && index.id(row).len() < 99)
                    );
                    let harmless = (20..56).contains(&at) || at >= HEADER + 24;
                    assert!(harmless, "byte {at} of {rows_end} changed unnoticed");
                }
            }
        }
    }
}
