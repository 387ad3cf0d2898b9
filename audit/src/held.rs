//! The packs and indexes of a program, proved against its records and its lock.

use crate::Refusal;
use crate::architecture;
use crate::program::{BILL, CRATES, DATA, PLACES, Section};
use modeldeploy_format::Digest;
use modeldeploy_format::lock::Lock;
use modeldeploy_format::pack::{Bytes, places};
use std::collections::{BTreeMap, BTreeSet};

/// How often the bytes of the sections may be read, by packs that have parts in common: what is built stays far under it.
const READS: u64 = 64;

/// A pack or an index of a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Held {
    /// Its digest, which its bytes have.
    pub digest: Digest,
    /// Its length in bytes.
    pub size: u64,
}

/// What a program has: inside, all of it proved, and in files beside it.
#[derive(Debug, Default)]
pub(crate) struct All {
    pub(crate) held: Vec<Held>,
    pub(crate) beside: Vec<Held>,
    /// What kind of network each pack inside is.
    pub(crate) architectures: BTreeMap<Digest, String>,
}

/// Proves that the sections of `data` are what `records` say of them, that the lock pins all of that, and that nothing else is in them.
/// `bill` and `crates` are where those sections lie.
pub(crate) fn prove(
    data: &[Section<'_>],
    records: &Section<'_>,
    lock: Option<&Lock>,
    [bill, crates]: [Option<u64>; 2],
) -> Result<All, Refusal> {
    let places = places(records.bytes, records.address)
        .filter(|places| !places.is_empty())
        .ok_or_else(|| Refusal::altered(format!("{PLACES} is damaged")))?;
    let most = data.iter().fold(0, |sum, section| READS.saturating_mul(section.bytes.len() as u64).saturating_add(sum));
    let mut digests = BTreeSet::new();
    let (mut all, mut taken, mut read) = (All::default(), vec![vec![]; data.len()], 0_u64);
    for place in &places {
        let name = name(lock, &place.digest)?;
        if !digests.insert(place.digest) {
            return Err(Refusal::altered(format!("{PLACES} has {name} twice")));
        }
        if place.bill != bill {
            return Err(Refusal::altered(format!("{PLACES} says of {name} that {BILL} is elsewhere")));
        }
        if place.dependencies != crates {
            return Err(Refusal::altered(format!("{PLACES} says of {name} that {CRATES} is elsewhere")));
        }
        let size = place.size().unwrap_or(u64::MAX);
        let held = Held { digest: place.digest, size };
        let stated = match &place.bytes {
            Bytes::Parts(parts) => parts,
            Bytes::Awaited(_) => {
                return Err(Refusal::altered(format!(
                    "{name} is not in it yet: cargo alone built it, and `cargo modeldeploy build` attaches what is awaited"
                )));
            }
            Bytes::Beside(_) => {
                check_size(lock, &held, &name)?;
                all.beside.push(held);
                continue;
            }
        };
        read = read.saturating_add(size);
        if read > most {
            return Err(Refusal::altered(format!("{PLACES} speaks of more bytes than {DATA} has")));
        }
        let parts = stated.iter().map(|&part| find(part, data)).collect::<Option<Vec<_>>>();
        let parts = parts.ok_or_else(|| Refusal::altered(format!("{name} lies outside {DATA}")))?;
        let found = Digest::of_parts(parts.iter().map(|(_, _, bytes)| *bytes));
        if found != place.digest {
            let digest = place.digest;
            return Err(Refusal::altered(format!("{name} has the digest {found}, and {PLACES} says {digest}")));
        }
        let pieces: Vec<&[u8]> = parts.iter().map(|(_, _, bytes)| *bytes).collect();
        all.architectures.extend(architecture::of(&pieces).map(|found| (place.digest, found)));
        for (section, start, bytes) in parts {
            taken[section].push((start, start + bytes.len()));
        }
        all.held.push(held);
    }
    for (section, taken) in data.iter().zip(taken) {
        if let Some(at) = stray(section.bytes, taken) {
            let name = section.name;
            return Err(Refusal::altered(format!("{name} has bytes at {at:#x} that belong to no pack or index")));
        }
    }
    Ok(all)
}

/// What the lock calls it; a program without a bill has what it has.
fn name(lock: Option<&Lock>, digest: &Digest) -> Result<String, Refusal> {
    let Some(lock) = lock else { return Ok(format!("the pack or index {digest}")) };
    let model = lock.models.iter().find(|model| model.packs.iter().any(|pack| pack.digest == *digest));
    let index = || lock.indexes.iter().find(|index| index.digest == *digest);
    let model = model.map(|model| format!("the pack of model `{}`", model.name));
    let name = model.or_else(|| index().map(|index| format!("index `{}`", index.name)));
    name.ok_or_else(|| Refusal::altered(format!("{PLACES} speaks of {digest}, which the lock in {BILL} does not pin")))
}

/// Of a file beside the program the length is all that its record adds to the digest.
fn check_size(lock: Option<&Lock>, held: &Held, name: &str) -> Result<(), Refusal> {
    let Some(lock) = lock else { return Ok(()) };
    let mut packs = lock.models.iter().flat_map(|model| &model.packs).map(|pack| (pack.digest, pack.size));
    if packs.any(|pack| pack == (held.digest, held.size)) {
        return Ok(());
    }
    Err(Refusal::altered(format!(
        "{PLACES} says that {name} has {} bytes, and the lock in {BILL} another number",
        held.size
    )))
}

/// A part with the section that it is in, by its place among them, and where it begins there.
pub(crate) fn find<'a>((address, size): (u64, u64), data: &[Section<'a>]) -> Option<(usize, usize, &'a [u8])> {
    data.iter().enumerate().find_map(|(at, section)| {
        let start = usize::try_from(address.checked_sub(section.address)?).ok()?;
        let end = start.checked_add(usize::try_from(size).ok()?)?;
        Some((at, start, section.bytes.get(start..end)?))
    })
}

/// The first byte that is not zero and in none of the ranges: between packs lies nothing.
fn stray(bytes: &[u8], mut taken: Vec<(usize, usize)>) -> Option<usize> {
    taken.sort_unstable();
    taken.push((bytes.len(), bytes.len()));
    let mut at = 0;
    for (start, end) in taken {
        let gap = bytes.get(at..start).unwrap_or_default();
        if let Some(found) = gap.iter().position(|&byte| byte != 0) {
            return Some(at + found);
        }
        at = at.max(end);
    }
    None
}
