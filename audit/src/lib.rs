//! What a program says of the models inside it, read and proved without running it.
//!
//! A program that `#[model]` and `cargo modeldeploy build` made has these sections, all of them loaded, so that `strip` leaves them:
//!
//! | section | holds |
//! | --- | --- |
//! | `.modeldeploy` | packs and indexes that were linked |
//! | `.modeldeploy-attached` | those that were attached after it |
//! | `.modeldeploy-places` | a record for each: where it lies, and its digest |
//! | `.modeldeploy-bill` | the [`Bill`]: the lock, the toolchain, the digest of the next |
//! | `.dep-v0` | the crates, in cargo-auditable's format |
//!
//! [`audit`] proves that they are of one piece: every byte of them is a pack's that the lock pins, or a record's of it, or the bill's. Of
//! packs in files beside the program it has the digests; whoever has the files proves those by them.
//!
//! ```
//! let refused = modeldeploy_audit::audit(b"#!/bin/sh\n").unwrap_err();
//! assert_eq!(refused.to_string(), "not a program: its first bytes are those of no executable");
//! ```

#![forbid(unsafe_code)]

mod architecture;
mod bill;
mod compare;
mod crates;
mod held;
mod program;
mod refusal;
mod sbom;

pub use bill::{Bill, Toolchain};
pub use compare::{Difference, How, differences};
pub use crates::{from_section as crates, to_section as crates_section};
pub use held::Held;
pub use refusal::Refusal;
pub use sbom::{cyclonedx, spdx};

use auditable_serde::VersionInfo;
use modeldeploy_format::Digest;
use modeldeploy_format::lock::{LockedIndex, LockedModel};
use program::{ATTACHED, BILL, CRATES, DATA, PLACES, Program, Section};
use std::collections::BTreeMap;

/// What a program says, all of it proved.
#[derive(Clone, Debug, PartialEq)]
pub struct Audit {
    /// The processor that it is for.
    pub architecture: String,
    /// The packs and indexes inside.
    pub held: Vec<Held>,
    /// The packs that it reads from files beside it: which they must be.
    pub beside: Vec<Held>,
    /// What kind of network each pack inside is, by its digest; of one that does not lie in memory as packs must, nothing is said.
    pub architectures: BTreeMap<Digest, String>,
    /// None where cargo built it alone, or it has no model.
    pub bill: Option<Bill>,
    /// Its crates, where it says them.
    pub crates: Option<VersionInfo>,
}

impl Audit {
    /// The models of the program that the bill names: inside, or in files beside it.
    pub fn models(&self) -> impl Iterator<Item = &LockedModel> {
        let models = self.bill.iter().flat_map(|bill| &bill.lock.models);
        models.filter(|model| model.packs.iter().any(|pack| self.holds(&pack.digest) || self.reads(&pack.digest)))
    }

    /// The indexes inside that the bill names.
    pub fn indexes(&self) -> impl Iterator<Item = &LockedIndex> {
        let indexes = self.bill.iter().flat_map(|bill| &bill.lock.indexes);
        indexes.filter(|index| self.holds(&index.digest))
    }

    /// What kind of network a model is, if its pack is inside.
    pub fn network(&self, model: &LockedModel) -> Option<&str> {
        model.packs.iter().find_map(|pack| self.architectures.get(&pack.digest)).map(String::as_str)
    }

    /// Whether a pack or an index of that digest is inside.
    pub fn holds(&self, digest: &Digest) -> bool {
        self.held.iter().any(|held| held.digest == *digest)
    }

    /// Whether a pack of that digest is read from a file beside the program.
    pub fn reads(&self, digest: &Digest) -> bool {
        self.beside.iter().any(|beside| beside.digest == *digest)
    }
}

/// Reads and proves what a program says of its models. One that says nothing holds none.
///
/// # Errors
///
/// If it is no program that can be read, or what it says does not match: it was altered after it was built, or built of parts that do
/// not belong together.
pub fn audit(program: &[u8]) -> Result<Audit, Refusal> {
    let program = Program::parse(program)?;
    let [data, attached, places, bill, crates] =
        [DATA, ATTACHED, PLACES, BILL, CRATES].map(|name| program.section(name));
    let (places, bill, crates) = (places?, bill?, crates?);
    let data: Vec<Section<'_>> = data?.into_iter().chain(attached?).collect();
    let architecture = program.architecture();
    let architectures = BTreeMap::new();
    let mut audit = Audit { architecture, held: vec![], beside: vec![], architectures, bill: None, crates: None };
    let listed = crates.as_ref().map(|section| crates::from_section(section.bytes)).transpose();
    audit.crates = listed.map_err(|why| Refusal::altered(format!("{CRATES} {why}")))?;
    let places = match (places, data.first()) {
        (Some(places), _) => places,
        (None, Some(data)) => return Err(Refusal::altered(format!("it has {} and no {PLACES}", data.name))),
        // As cargo-auditable alone leaves it.
        (None, None) if bill.is_none() => return Ok(audit),
        (None, None) => return Err(Refusal::altered(format!("it has {BILL} and no {PLACES}"))),
    };
    if let Some(section) = &bill {
        let bill = Bill::decode(section.bytes).map_err(|why| Refusal::altered(format!("{BILL} {why}")))?;
        check_crates(&bill, crates.as_ref())?;
        audit.bill = Some(bill);
    }
    let address = |section: &Option<Section<'_>>| section.as_ref().map(|section| section.address);
    let crates = audit.bill.as_ref().and_then(|bill| bill.crates).and(address(&crates));
    let lock = audit.bill.as_ref().map(|bill| &bill.lock);
    let all = held::prove(&data, &places, lock, [address(&bill), crates])?;
    (audit.held, audit.beside, audit.architectures) = (all.held, all.beside, all.architectures);
    Ok(audit)
}

/// The crates are those that the bill was made with.
fn check_crates(bill: &Bill, crates: Option<&Section<'_>>) -> Result<(), Refusal> {
    let Some(expected) = bill.crates else { return Ok(()) };
    let found = crates.map(|section| Digest::of(section.bytes));
    match found {
        Some(found) if found == expected => Ok(()),
        Some(found) => Err(Refusal::altered(format!("{CRATES} has the digest {found}, and {BILL} says {expected}"))),
        None => Err(Refusal::altered(format!("it has no {CRATES}, of which {BILL} says {expected}"))),
    }
}
