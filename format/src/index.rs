//! An index: the vectors of a set of texts, such as a shop's catalogue, made at build time by the pack that answers at run time.
//!
//! ```text
//! header   64 bytes: magic, version, rows, width, the space's digest, how the vectors are stored, the length of the whole
//! vectors  rows × width f32, row after row; or int8 codes in panels `[rows/16][width/4][16][4]`, a scale f32 and a sum i32 a row
//! ends     rows u32: where each row's id ends in `ids`
//! ids      UTF-8
//! ```
//!
//! Everything is little-endian and readable in place; the file begins at a multiple of four bytes.

use crate::Digest;
use crate::tensor::{PANEL, QUAD};
use core::fmt;

const MAGIC: &[u8; 8] = b"MDINDEX\n";
const VERSION: u32 = 1;
const HEADER: usize = 64;

/// How the header says that vectors are stored.
const F32: u32 = 0;
const INT8: u32 = 1;

/// The widest vectors of codes: the int8 product's sums stay within i32 up to it.
pub const MAX_INT8_WIDTH: u32 = 65_536;

/// An index that has been proved: a view of its bytes.
#[derive(Clone, Copy, Debug)]
pub struct Vectors<'a> {
    space: Digest,
    width: usize,
    values: Values<'a>,
    ends: &'a [u32],
    ids: &'a str,
}

/// The vectors of an index as they are stored.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Values<'a> {
    /// Row after row.
    F32(&'a [f32]),
    /// Eight bits a value, with a scale for each row.
    Int8(Codes<'a>),
}

/// Vectors of eight bits a value: value `i` of row `r` is `code · scales[r]`, the codes within ±127 and laid out as the int8 product
/// reads its weights, a row of the index being an output column.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Codes<'a> {
    /// `[rows/16][width/4][16][4]`, rows padded to 16 and width to 4 with zeros.
    pub panels: &'a [i8],
    /// One a row.
    pub scales: &'a [f32],
    /// Each row's sum of codes.
    pub sums: &'a [i32],
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
        let mut rest = &bytes[HEADER..];
        let mut take = |count: Option<usize>, what: &'static str| {
            let (taken, left) = count.and_then(|count| rest.split_at_checked(count)).ok_or(IndexError(what))?;
            rest = left;
            Ok(taken)
        };
        let misaligned = |_| IndexError("it does not lie at a multiple of 4 bytes");
        const VECTORS: &str = "its vectors end early";
        let values = match u32_at(52) {
            F32 => {
                let values = take(rows.checked_mul(width).and_then(|n| n.checked_mul(4)), VECTORS)?;
                Values::F32(bytemuck::try_cast_slice(values).map_err(misaligned)?)
            }
            INT8 if width <= MAX_INT8_WIDTH as usize => {
                let panels = rows.next_multiple_of(PANEL).checked_mul(width.next_multiple_of(QUAD));
                let panels = bytemuck::cast_slice(take(panels, VECTORS)?);
                let scales = bytemuck::try_cast_slice(take(rows.checked_mul(4), VECTORS)?).map_err(misaligned)?;
                let sums = bytemuck::try_cast_slice(take(rows.checked_mul(4), VECTORS)?).map_err(misaligned)?;
                Values::Int8(Codes { panels, scales, sums })
            }
            INT8 => return Err(IndexError("its vectors are too wide")),
            _ => return Err(IndexError("its vectors are stored in a way that is not known")),
        };
        let ends: &[u32] =
            bytemuck::try_cast_slice(take(rows.checked_mul(4), "its ids end early")?).map_err(misaligned)?;
        let ids = core::str::from_utf8(rest).map_err(|_| IndexError("an id is not UTF-8"))?;
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

    /// All vectors, as they are stored.
    pub fn values(&self) -> Values<'a> {
        self.values
    }

    /// The vector of a row; of codes, what they stand for.
    ///
    /// # Panics
    ///
    /// If there is no such row.
    pub fn vector(&self, row: usize) -> Vec<f32> {
        match self.values {
            Values::F32(values) => values[row * self.width..(row + 1) * self.width].to_vec(),
            Values::Int8(codes) => {
                let quads = self.width.div_ceil(QUAD);
                let scale = codes.scales[row];
                let at = |i: usize| ((row / PANEL * quads + i / QUAD) * PANEL + row % PANEL) * QUAD + i % QUAD;
                (0..self.width).map(|i| f32::from(codes.panels[at(i)]) * scale).collect()
            }
        }
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

/// The bytes of an index of `ids.len()` rows.
///
/// # Panics
///
/// If `values` is not a vector of `width` for each id, vectors of codes are wider than [`MAX_INT8_WIDTH`], or the ids are longer than
/// 4 GiB together.
pub fn write(space: &Digest, width: u32, ids: &[&str], values: Values<'_>) -> Vec<u8> {
    let rows = u32::try_from(ids.len()).expect("fewer than 2^32 rows");
    let (storage, stored) = match values {
        Values::F32(values) => {
            assert_eq!(values.len(), ids.len() * width as usize, "a vector for each id");
            (F32, bytes_of(values))
        }
        Values::Int8(Codes { panels, scales, sums }) => {
            assert!(width <= MAX_INT8_WIDTH, "vectors of {width} codes are too wide");
            let depth = (width as usize).next_multiple_of(QUAD);
            assert_eq!(panels.len(), ids.len().next_multiple_of(PANEL) * depth, "a vector for each id");
            assert_eq!((scales.len(), sums.len()), (ids.len(), ids.len()), "a scale and a sum for each id");
            let codes: &[u8] = bytemuck::cast_slice(panels);
            (INT8, [codes, &bytes_of(scales), &bytes_of(sums)].concat())
        }
    };
    let text: usize = ids.iter().map(|id| id.len()).sum();
    let total = HEADER + stored.len() + ids.len() * 4 + text;
    let mut out = Vec::with_capacity(total);
    out.extend(MAGIC);
    for number in [VERSION, rows, width] {
        out.extend(number.to_le_bytes());
    }
    out.extend(space.as_bytes());
    out.extend(storage.to_le_bytes());
    out.extend((total as u64).to_le_bytes());
    out.extend(stored);
    let mut end = 0;
    for id in ids {
        end += id.len();
        out.extend(u32::try_from(end).expect("ids of less than 4 GiB").to_le_bytes());
    }
    ids.iter().for_each(|id| out.extend(id.as_bytes()));
    out
}

/// Numbers of four bytes, little-endian.
fn bytes_of<T: bytemuck::NoUninit>(numbers: &[T]) -> Vec<u8> {
    let words: &[u32] = bytemuck::cast_slice(numbers);
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pack::Aligned;

    fn sample() -> Vec<u8> {
        let space = Digest::from_bytes([7; 32]);
        write(&space, 2, &["a1", "", "手机"], Values::F32(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]))
    }

    /// 17 rows of 5 codes: on the far side of a panel and of a quad.
    fn int8() -> Vec<u8> {
        let ids: Vec<String> = (0..17).map(|row| format!("id{row}")).collect();
        let mut panels = vec![0; 32 * 8];
        for row in 0..17 {
            for i in 0..5 {
                panels[((row / 16 * 2 + i / 4) * 16 + row % 16) * 4 + i % 4] = (row * 5 + i) as i8;
            }
        }
        let scales: Vec<f32> = (0..17).map(|row| row as f32 / 2.0).collect();
        let sums: Vec<i32> = (0..17).map(|row| row * 25 + 10).collect();
        let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
        let codes = Codes { panels: &panels, scales: &scales, sums: &sums };
        write(&Digest::from_bytes([7; 32]), 5, &ids, Values::Int8(codes))
    }

    #[test]
    fn codes_are_read_as_what_they_stand_for() {
        let bytes = Aligned::copy(&int8());
        let index = Vectors::parse(&bytes).expect("an index");
        assert_eq!((index.rows(), index.width(), index.id(16)), (17, 5, "id16"));
        assert_eq!(index.vector(3), [15.0, 16.0, 17.0, 18.0, 19.0].map(|code| code * 1.5));
        assert_eq!(index.vector(16), [80.0, 81.0, 82.0, 83.0, 84.0].map(|code| code * 8.0));
        let Values::Int8(codes) = index.values() else { panic!("codes") };
        assert_eq!((codes.panels.len(), codes.scales[2], codes.sums[1]), (256, 1.0, 35));
    }

    #[test]
    fn what_is_written_is_read() {
        let bytes = Aligned::copy(&sample());
        let index = Vectors::parse(&bytes).expect("an index");
        assert_eq!((index.rows(), index.width(), index.space()), (3, 2, Digest::from_bytes([7; 32])));
        assert_eq!(index.vector(1), [3.0, 4.0]);
        assert_eq!([0, 1, 2].map(|row| index.id(row)), ["a1", "", "手机"]);
        let empty = Aligned::copy(&write(&Digest::from_bytes([7; 32]), 2, &[], Values::F32(&[])));
        assert_eq!(Vectors::parse(&empty).expect("an index of nothing").rows(), 0);
    }

    #[test]
    fn every_truncation_and_growth_is_refused() {
        for bytes in [sample(), int8()] {
            for len in 0..bytes.len() {
                assert!(Vectors::parse(&Aligned::copy(&bytes[..len])).is_err(), "{len} bytes");
            }
            assert!(Vectors::parse(&Aligned::copy(&[&bytes[..], b"x"].concat())).is_err());
        }
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
                    let harmless = (20..52).contains(&at) || at >= HEADER + 24;
                    assert!(harmless, "byte {at} of {rows_end} changed unnoticed");
                }
            }
        }
    }
}
