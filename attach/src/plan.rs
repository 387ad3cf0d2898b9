//! Which bytes the new segment has, and where each part lies in it.

use crate::image::Awaited;
use crate::{Source, Wrong};
use modeldeploy_format::Digest;
use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

/// A huge page. The segment and what fills one begin at a multiple, so that the system can map them by huge pages.
pub(crate) const HUGE_PAGE: u64 = 2 << 20;

/// A page of most processors; where pages are larger, a part begins within one.
const PAGE: u64 = 4096;

/// The segment.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    /// Its bytes.
    pub(crate) size: u64,
    /// What is copied into it.
    pub(crate) copies: Vec<Copy>,
    /// For each part that is awaited, in their order, where it lies in the segment.
    pub(crate) places: Vec<u64>,
}

/// A part of a file that goes into the segment.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Copy {
    pub(crate) path: PathBuf,
    /// Where it begins in the file.
    pub(crate) from: u64,
    pub(crate) size: u64,
    /// Where it begins in the segment.
    pub(crate) to: u64,
}

impl Plan {
    /// Of all that is awaited: each part once, however many packs have it.
    pub(crate) fn of(awaited: &[Awaited], find: impl Fn(&Digest) -> Option<Source>) -> Result<Plan, Wrong> {
        let mut plan = Plan::default();
        let mut known: BTreeMap<Digest, u64> = BTreeMap::new();
        for Awaited { digest, parts } in awaited {
            let source = find(digest).ok_or_else(|| Wrong {
                path: PathBuf::from(format!("{}.pack", digest.hex())),
                why: format!("the program awaits {digest}, which the store does not have"),
            })?;
            let sizes: Vec<u64> = parts.iter().map(|part| part.1).collect();
            let size = sizes.iter().try_fold(0_u64, |sum, &size| sum.checked_add(size));
            let there = fs::metadata(&source.path).map_err(|error| Wrong::file(&source.path, error))?.len();
            if size != Some(there) {
                let why = format!("it has {there} bytes, and the program awaits another number of {digest}");
                return Err(Wrong { path: source.path, why });
            }
            let mut from = 0;
            for (&size, name) in sizes.iter().zip(names(&source, digest, &sizes)?) {
                let place = match known.get(&name) {
                    Some(&place) => place,
                    None => {
                        let place = plan.add(&source, from, size);
                        known.insert(name, place);
                        place
                    }
                };
                plan.places.push(place);
                from += size;
            }
        }
        Ok(plan)
    }

    fn add(&mut self, source: &Source, from: u64, size: u64) -> u64 {
        let to = self.size.next_multiple_of(if size < HUGE_PAGE { PAGE } else { HUGE_PAGE });
        self.copies.push(Copy { path: source.path.clone(), from, size, to });
        self.size = to + size;
        to
    }
}

/// What the parts are called: a whole by its own digest.
fn names(source: &Source, digest: &Digest, sizes: &[u64]) -> Result<Vec<Digest>, Wrong> {
    if sizes.len() == 1 {
        return Ok(vec![*digest]);
    }
    let parts = source.division.iter().flat_map(|division| division.parts());
    let (found, names): (Vec<u64>, Vec<Digest>) = parts.map(|part| (part.size, part.digest)).unzip();
    if found == sizes {
        return Ok(names);
    }
    let why = format!("the program awaits {digest} in {} parts, and the store has it divided otherwise", sizes.len());
    Err(Wrong { path: source.path.clone(), why })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(byte: u8) -> Digest {
        Digest::from_bytes([byte; 32])
    }

    fn awaited(byte: u8, sizes: &[u64]) -> Awaited {
        Awaited { digest: digest(byte), parts: sizes.iter().map(|&size| (0, size)).collect() }
    }

    #[test]
    fn each_part_lies_once_and_large_ones_at_huge_pages() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = |name: &str, len: u64| {
            let path = folder.path().join(name);
            fs::File::create(&path).expect("a file").set_len(len).expect("its length");
            path
        };
        let division = |text: &str| Some(text.parse().expect("a division"));
        let parts = |own: u8| format!("among {}\n64 {}\n{} {}\n", digest(9), digest(own), 3 << 20, digest(5));
        let whole = |path: PathBuf| Source { path, division: None };
        let (a, b, c) = (file("a", 64 + (3 << 20)), file("b", 64 + (3 << 20)), file("c", 5000));
        let sources = |asked: &Digest| match asked.as_bytes()[0] {
            1 => Some(Source { path: a.clone(), division: division(&parts(1)) }),
            2 => Some(Source { path: b.clone(), division: division(&parts(2)) }),
            3 => Some(whole(c.clone())),
            _ => None,
        };
        let packs = [awaited(1, &[64, 3 << 20]), awaited(3, &[5000]), awaited(2, &[64, 3 << 20])];
        let plan = Plan::of(&packs, sources).expect("all are there");
        let shared = 2 << 20;
        let (small, last) = (5 << 20, (5 << 20) + 2 * 4096);
        assert_eq!(plan.places, [0, shared, small, last, shared]);
        let copied: Vec<_> = plan.copies.iter().map(|copy| (copy.from, copy.size, copy.to)).collect();
        assert_eq!(copied, [(0, 64, 0), (64, 3 << 20, shared), (0, 5000, small), (0, 64, last)]);
        assert_eq!(plan.size, last + 64);

        for (what, pack, said) in [
            ("absent", awaited(4, &[5]), "the store does not have"),
            ("cut", awaited(3, &[5001]), "it has 5000 bytes"),
            ("no number", awaited(3, &[u64::MAX, 5001]), "it has 5000 bytes"),
            ("divided otherwise", awaited(1, &[128, (3 << 20) - 64]), "divided otherwise"),
            ("not divided", awaited(3, &[4000, 1000]), "divided otherwise"),
        ] {
            let wrong = Plan::of(&[pack], sources).expect_err(what).to_string();
            assert!(wrong.contains(said), "{what}: {wrong}");
        }
    }
}
