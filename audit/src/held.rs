//! The packs and indexes of a program, proved against its records and its lock.

use crate::Refusal;
use crate::program::{BILL, CRATES, DATA, PLACES, Section};
use modeldeploy_format::Digest;
use modeldeploy_format::lock::Lock;
use modeldeploy_format::pack::{Place, places};
use std::collections::BTreeSet;

/// How often the bytes of the section may be read, by packs that have parts in common: what is built stays far under it.
const READS: u64 = 64;

/// A pack or an index inside a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Held {
    /// Its digest, which its bytes have.
    pub digest: Digest,
    /// Its length in bytes.
    pub size: u64,
}

/// Proves that the section `data` is what `records` say of it, that the lock pins all of that, and that nothing else is in it. `bill`
/// and `crates` are where those sections lie.
pub(crate) fn prove(
    data: &Section<'_>,
    records: &Section<'_>,
    lock: Option<&Lock>,
    [bill, crates]: [Option<u64>; 2],
) -> Result<Vec<Held>, Refusal> {
    let places = places(records.bytes, records.address)
        .filter(|places| !places.is_empty())
        .ok_or_else(|| Refusal::altered(format!("{PLACES} is damaged")))?;
    let mut digests = BTreeSet::new();
    let (mut held, mut taken, mut read) = (vec![], vec![], 0_u64);
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
        read = read.saturating_add(size);
        if read > READS * data.bytes.len() as u64 {
            return Err(Refusal::altered(format!("{PLACES} speaks of more bytes than {DATA} has")));
        }
        let parts = parts(place, data).ok_or_else(|| Refusal::altered(format!("{name} lies outside {DATA}")))?;
        let found = Digest::of_parts(parts.iter().map(|(_, bytes)| *bytes));
        if found != place.digest {
            let digest = place.digest;
            return Err(Refusal::altered(format!("{name} has the digest {found}, and {PLACES} says {digest}")));
        }
        taken.extend(parts.iter().map(|(start, bytes)| (*start, start + bytes.len())));
        held.push(Held { digest: place.digest, size });
    }
    match stray(data.bytes, taken) {
        None => Ok(held),
        Some(at) => Err(Refusal::altered(format!("{DATA} has bytes at {at:#x} that belong to no pack or index"))),
    }
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

/// The parts of a pack with where they begin in the section; none if one lies outside.
fn parts<'a>(place: &Place, data: &Section<'a>) -> Option<Vec<(usize, &'a [u8])>> {
    let part = |&(address, size): &(u64, u64)| {
        let start = usize::try_from(address.checked_sub(data.address)?).ok()?;
        let end = start.checked_add(usize::try_from(size).ok()?)?;
        Some((start, data.bytes.get(start..end)?))
    };
    place.parts.iter().map(part).collect()
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
