//! Which bytes several packs have in common, so that a program that holds them all links those once.
//!
//! Two versions of a model that differ in their upper layers alone have the same tokenizer and the same lower tensors. A pack is divided
//! into runs that have the same packs in common; the parts are named by their digests, so that the linker keeps one of each. What a pack
//! shares with no other stays in one piece, and a pack that shares nothing is not divided.

use super::ALIGN;
use super::header::{self, SectionKind};
use super::read::{Artifact, PackError};
use crate::Digest;
use core::fmt;
use core::ops::Range;
use core::str::FromStr;
use std::collections::{BTreeMap, BTreeSet};

/// Shorter runs stay with what is the pack's own: each part costs its begin a place of its own.
const LEAST: usize = 64 << 10;

/// What the first line of a division begins with.
const AMONG: &str = "among ";

/// A part of a pack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// Its length in bytes.
    pub size: u64,
    /// The digest of its bytes.
    pub digest: Digest,
}

/// How a pack is divided: one after the other the parts are the pack. A pack that has nothing in common with another is one part.
///
/// As a text it has a line that says among which packs it was found, and one for each part, its length and its digest. Beside a pack in
/// the store it is the file of the ending `parts`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Division {
    among: Digest,
    parts: Vec<Part>,
}

impl Division {
    /// The parts, in their order.
    pub fn parts(&self) -> &[Part] {
        &self.parts
    }

    /// The length of the pack.
    pub fn size(&self) -> u64 {
        self.parts.iter().map(|part| part.size).sum()
    }

    /// Which packs it was found among, as [`among`] says it of their digests.
    pub fn among(&self) -> Digest {
        self.among
    }
}

/// The digest of the digests of some packs, whatever their order.
pub fn among(packs: &[Digest]) -> Digest {
    let distinct: BTreeSet<&Digest> = packs.iter().collect();
    Digest::of_parts(distinct.into_iter().map(|digest| &digest.as_bytes()[..]))
}

impl fmt::Display for Division {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{AMONG}{}", self.among)?;
        self.parts.iter().try_for_each(|Part { size, digest }| writeln!(f, "{size} {digest}"))
    }
}

impl FromStr for Division {
    type Err = String;

    fn from_str(text: &str) -> Result<Division, String> {
        let mut lines = text.lines().enumerate();
        let first = lines.next().and_then(|(_, line)| line.strip_prefix(AMONG)?.parse().ok());
        let among = first.ok_or("its first line does not say among which packs it was found")?;
        let last = text.lines().count();
        let part = |(at, line): (usize, &str)| {
            let (size, digest) = line.split_once(' ')?;
            let (size, digest) = (size.parse().ok()?, digest.parse().ok()?);
            // Only the last part may end anywhere.
            let ends_well = at + 1 == last || size % ALIGN as u64 == 0;
            (size > 0 && size <= 1 << 48 && ends_well).then_some(Part { size, digest })
        };
        let parts = lines.map(|(at, line)| {
            part((at, line)).ok_or_else(|| format!("line {} is no length and digest of a part: `{line}`", at + 1))
        });
        let parts = parts.collect::<Result<Vec<_>, _>>()?;
        if parts.is_empty() { Err("it has no parts".to_owned()) } else { Ok(Division { among, parts }) }
    }
}

/// How each of these packs is divided.
///
/// # Errors
///
/// If one is no pack.
pub fn divide(packs: &[&[u8]]) -> Result<Vec<Division>, PackError> {
    let pieces = packs.iter().map(|pack| Pieces::of(pack)).collect::<Result<Vec<_>, _>>()?;
    // The same pack twice is linked once anyway: it shares nothing with itself.
    let digests: Vec<Digest> = packs.iter().map(|pack| Digest::of(pack)).collect();
    let first = |at: usize| digests.iter().position(|digest| *digest == digests[at]).expect("it is one of them");
    let distinct: Vec<usize> = (0..packs.len()).filter(|&at| first(at) == at).collect();
    let owners = owners(&distinct, &pieces);
    let among = among(&digests);
    let division = |at: usize| Division { among, parts: pieces[first(at)].divide(packs[at], &pieces, &owners) };
    Ok((0..packs.len()).map(division).collect())
}

/// By the digest of a piece, the packs that have it; more than one where it can be shared.
type Owners = BTreeMap<Digest, BTreeSet<usize>>;

fn owners(packs: &[usize], pieces: &[Pieces]) -> Owners {
    let mut owners = Owners::new();
    let mut twice = BTreeSet::new();
    for &pack in packs {
        // The first piece has the header; it is always the pack's own, and so is what comes twice in one pack.
        for digest in &pieces[pack].digests[1..] {
            if !owners.entry(*digest).or_default().insert(pack) {
                twice.insert(*digest);
            }
        }
    }
    owners.retain(|digest, packs| packs.len() > 1 && !twice.contains(digest));
    owners
}

/// The smallest pieces that a pack can be divided into.
struct Pieces {
    ranges: Vec<Range<usize>>,
    digests: Vec<Digest>,
    places: BTreeMap<Digest, usize>,
}

impl Pieces {
    fn of(pack: &[u8]) -> Result<Pieces, PackError> {
        let artifact = Artifact::parse(pack)?;
        let sections = header::decode(pack, pack.len()).ok().expect("proved by parse");
        let tokenizer = sections[SectionKind::Tokenizer as usize].clone();
        let mut cuts = BTreeSet::from([0, tokenizer.start, tokenizer.end.next_multiple_of(ALIGN), pack.len()]);
        for tensor in artifact.tensors() {
            let start = tensor.offset as usize;
            let end = start + tensor.bytes().expect("proved by parse") as usize;
            cuts.extend([start, end.next_multiple_of(ALIGN)]);
        }
        let cuts: Vec<usize> = cuts.into_iter().filter(|&cut| cut <= pack.len()).collect();
        let ranges: Vec<Range<usize>> = cuts.windows(2).map(|pair| pair[0]..pair[1]).collect();
        let digests: Vec<Digest> = ranges.iter().map(|range| Digest::of(&pack[range.clone()])).collect();
        let places = digests.iter().copied().zip(0..).collect();
        Ok(Pieces { ranges, digests, places })
    }

    fn divide(&self, pack: &[u8], all: &[Pieces], owners: &Owners) -> Vec<Part> {
        // Runs of pieces that follow each other in the same packs.
        let mut runs: Vec<(Range<usize>, bool)> = vec![];
        for (at, range) in self.ranges.iter().enumerate() {
            let shared = if at > 0 { owners.get(&self.digests[at]) } else { None };
            let follows = |packs: &BTreeSet<usize>| {
                let before = self.digests[at - 1];
                let next_to = |pack: &usize| all[*pack].places[&before] + 1 == all[*pack].places[&self.digests[at]];
                owners.get(&before) == Some(packs) && packs.iter().all(next_to)
            };
            match runs.last_mut() {
                Some((run, true)) if shared.is_some_and(follows) => run.end = range.end,
                Some((run, false)) if shared.is_none() => run.end = range.end,
                _ => runs.push((range.clone(), shared.is_some())),
            }
        }
        let mut parts: Vec<(Range<usize>, bool)> = vec![];
        for (run, shared) in runs {
            let shared = shared && run.len() >= LEAST;
            match parts.last_mut() {
                Some((part, false)) if !shared => part.end = run.end,
                _ => parts.push((run, shared)),
            }
        }
        let mut slices: Vec<&[u8]> = parts.into_iter().map(|(range, _)| &pack[range]).collect();
        // A pack whose tensors lie over one another, which no writer here makes, stays whole.
        if Artifact::parse_parts(&slices).is_err() {
            slices = vec![pack];
        }
        slices.iter().map(|bytes| Part { size: bytes.len() as u64, digest: Digest::of(bytes) }).collect()
    }
}
