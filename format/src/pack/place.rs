//! Where the packs and indexes of a program lie: for each a record, which the macro's assembly writes and whoever has nothing but the
//! program reads.
//!
//! ```text
//! mark          8 bytes
//! parts         u64, how many; for each i64 from this very place to its first byte, and u64 its length
//! bill          i64 from this very place to the bill of the program, and
//! dependencies  i64 to its crates; the place itself, 0, where there is none
//! digest        32 bytes: one after the other the parts have it
//! ```
//!
//! Of what is attached to a program after it was linked, each distance to a part is 0 until then. What stays a file beside the program
//! has another mark, and in the place of the parts one u64, its length.

use crate::Digest;

/// What the record of something inside the program begins with.
pub const MARK: &[u8; 8] = b"MDPARTS\n";

/// What the record of a file beside the program begins with.
pub const BESIDE_MARK: &[u8; 8] = b"MDBESIDE";

/// Where a pack or an index lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The digest of its bytes.
    pub digest: Digest,
    /// Its bytes.
    pub bytes: Bytes,
    /// The address of the program's bill.
    pub bill: Option<u64>,
    /// The address of the list of its crates.
    pub dependencies: Option<u64>,
}

/// Where bytes lie, in addresses of the program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Bytes {
    /// In the program: the address and the length of each part, in their order.
    Parts(Vec<(u64, u64)>),
    /// Not in it yet: of each part the address at which the distance to it is to stand, and its length.
    Awaited(Vec<(u64, u64)>),
    /// In a file beside the program, of this length.
    Beside(u64),
}

impl Place {
    /// The length of all parts; none if no number can say it.
    pub fn size(&self) -> Option<u64> {
        match &self.bytes {
            Bytes::Parts(parts) | Bytes::Awaited(parts) => {
                parts.iter().try_fold(0_u64, |size, part| size.checked_add(part.1))
            }
            Bytes::Beside(size) => Some(*size),
        }
    }
}

/// The records of a section that lies at `address` and holds nothing else; none if it is no such section.
pub fn places(section: &[u8], address: u64) -> Option<Vec<Place>> {
    let mut read = Reader { bytes: section, at: 0, address };
    let mut places = vec![];
    while read.at < section.len() {
        let bytes = read.bytes()?;
        let (bill, dependencies) = (read.reference()?, read.reference()?);
        let digest = Digest::from_bytes(read.take()?);
        places.push(Place { digest, bytes, bill, dependencies });
    }
    Some(places)
}

/// The bytes of every pack and index in a program, put together; in the order of their records.
///
/// They are found by their mark, in whatever file, where addresses lie as far apart as bytes of the file do. Nothing is proved.
pub fn gather(program: &[u8]) -> Vec<Vec<u8>> {
    let marks = program.windows(MARK.len()).enumerate().filter(|(_, bytes)| *bytes == MARK).map(|(at, _)| at);
    marks.filter_map(|at| gather_at(program, at)).collect()
}

fn gather_at(program: &[u8], at: usize) -> Option<Vec<u8>> {
    let mut pack = vec![];
    let Bytes::Parts(parts) = (Reader { bytes: program, at, address: 0 }).bytes()? else { return None };
    for (start, size) in parts {
        let (start, size) = (usize::try_from(start).ok()?, usize::try_from(size).ok()?);
        // What is no record after all must not make this take memory without end.
        let bytes = program.get(start..start.checked_add(size)?).filter(|_| pack.len() + size <= program.len())?;
        pack.extend_from_slice(bytes);
    }
    Some(pack)
}

/// Reads on from `at`.
struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    /// Of the first byte.
    address: u64,
}

impl Reader<'_> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let bytes = *self.bytes.get(self.at..)?.first_chunk()?;
        self.at += N;
        Some(bytes)
    }

    fn u64(&mut self) -> Option<u64> {
        self.take().map(u64::from_le_bytes)
    }

    /// What is as far from this place as stands here.
    fn reference(&mut self) -> Option<Option<u64>> {
        let here = self.address.checked_add(self.at as u64)?;
        let distance = i64::from_le_bytes(self.take()?);
        let there = here.checked_add_signed(distance)?;
        Some((distance != 0).then_some(there))
    }

    fn bytes(&mut self) -> Option<Bytes> {
        let mark = self.take()?;
        if mark == *BESIDE_MARK {
            return self.u64().map(Bytes::Beside);
        }
        if mark != *MARK {
            return None;
        }
        let count = self.u64().filter(|&count| count > 0 && count <= (self.bytes.len() - self.at) as u64 / 16)?;
        let (mut parts, mut awaited) = (vec![], vec![]);
        for _ in 0..count {
            let here = self.address.checked_add(self.at as u64)?;
            match (self.reference()?, self.u64()?) {
                (Some(there), size) => parts.push((there, size)),
                (None, size) => awaited.push((here, size)),
            }
        }
        match (parts.is_empty(), awaited.is_empty()) {
            (false, true) => Some(Bytes::Parts(parts)),
            (true, false) => Some(Bytes::Awaited(awaited)),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(parts: &[(i64, u64)], bill: i64, digest: u8) -> Vec<u8> {
        let mut bytes = [&MARK[..], &(parts.len() as u64).to_le_bytes()].concat();
        for (distance, size) in parts {
            bytes.extend(distance.to_le_bytes());
            bytes.extend(size.to_le_bytes());
        }
        bytes.extend(bill.to_le_bytes());
        bytes.extend(0_i64.to_le_bytes());
        bytes.extend([digest; 32]);
        bytes
    }

    #[test]
    fn records_are_read_one_after_the_other() {
        let section = [record(&[(-16, 3)], 8, 1), record(&[(-80, 64), (0x100, 5)], 0, 2)].concat();
        let found = places(&section, 0x1000).expect("two records");
        let one = Place {
            digest: Digest::from_bytes([1; 32]),
            bytes: Bytes::Parts(vec![(0x1000, 3)]),
            bill: Some(0x1028),
            dependencies: None,
        };
        let second = 0x1000 + 80 + 16;
        let two = Place {
            digest: Digest::from_bytes([2; 32]),
            bytes: Bytes::Parts(vec![(second - 80, 64), (second + 16 + 0x100, 5)]),
            bill: None,
            dependencies: None,
        };
        assert_eq!(found, [one, two]);
        assert_eq!(found[1].size(), Some(69));
        assert_eq!(places(&[], 0), Some(vec![]));
    }

    #[test]
    fn what_is_awaited_and_what_lies_beside_are_told_from_what_is_inside() {
        let beside = [&BESIDE_MARK[..], &7_u64.to_le_bytes(), &[0; 16], &[3; 32]].concat();
        let section = [record(&[(0, 64), (0, 5)], 0, 1), beside.clone(), record(&[(8, 1)], 0, 2)].concat();
        let found = places(&section, 0x1000).expect("three records");
        assert_eq!(found[0].bytes, Bytes::Awaited(vec![(0x1010, 64), (0x1020, 5)]));
        assert_eq!((&found[1].bytes, found[1].digest), (&Bytes::Beside(7), Digest::from_bytes([3; 32])));
        assert_eq!(found.iter().map(Place::size).collect::<Vec<_>>(), [Some(69), Some(7), Some(1)]);
        assert!(gather(&section[..section.len() - 80]).is_empty());
        for cut in 1..beside.len() {
            assert_eq!(places(&beside[..cut], 0), None, "{cut}");
        }
    }

    #[test]
    fn what_is_no_whole_record_is_none() {
        let whole = record(&[(0x10, 3), (0x20, 4)], 0, 1);
        assert!(places(&whole, 0x1000).is_some());
        for cut in 1..whole.len() {
            assert_eq!(places(&whole[..cut], 0x1000), None, "{cut}");
        }
        let changed = |at: usize, word: u64| {
            let mut bytes = whole.clone();
            bytes[at..at + 8].copy_from_slice(&word.to_le_bytes());
            bytes
        };
        for (what, bytes) in [
            ("no mark", changed(0, 0)),
            ("no parts", changed(8, 0)),
            ("endless parts", changed(8, u64::MAX)),
            ("one part here, another awaited", changed(16, 0)),
            ("before the first address", changed(16, i64::MIN as u64)),
        ] {
            assert_eq!(places(&bytes, 0x1000), None, "{what}");
        }
        assert_eq!(places(&whole, u64::MAX - 8), None);
        let huge = places(&changed(24, u64::MAX), 0).expect("a length is believed until it is looked for");
        assert_eq!(huge[0].size(), None);
    }
}
