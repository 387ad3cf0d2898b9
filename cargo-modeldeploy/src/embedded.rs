//! The packs and indexes inside a finished program, compared with the lock.
//!
//! Cargo does not notice a lock that was replaced by one with an older time stamp, so a build that it calls fresh may hold another
//! model than the lock pins. Only a look into the program can tell.

use crate::cargo::Program;
use modeldeploy_audit::{Held, Refusal, audit};
use modeldeploy_compiler::diagnostic::{Code, Diagnostic};
use modeldeploy_compiler::store::map;
use modeldeploy_format::index::Vectors;
use modeldeploy_format::lock::Lock;
use modeldeploy_format::pack::{Aligned, gather};
use modeldeploy_format::{Artifact, Digest};

/// A program with a model or an index inside that the lock does not pin.
pub(crate) const OTHER: Code = Code("MD0906");

/// A file that says with its first bytes what it is, and its length soon after.
struct Kind {
    name: &'static str,
    magic: &'static [u8; 8],
    /// Where its length stands, eight bytes of it.
    length_at: usize,
    /// Whether bytes are such a file: the magic also stands in the code that looks for it, and only a whole file counts.
    is_whole: fn(&[u8]) -> bool,
    /// The digests that the lock pins.
    locked: fn(&Lock) -> Vec<Digest>,
}

const PACK: Kind = Kind {
    name: "pack",
    magic: b"MDPACK\r\n",
    length_at: 16,
    is_whole: |bytes| Artifact::parse(bytes).is_ok(),
    locked: |lock| lock.models.iter().flat_map(|model| &model.packs).map(|pack| pack.digest).collect(),
};

const INDEX: Kind = Kind {
    name: "index",
    magic: b"MDINDEX\n",
    length_at: 56,
    is_whole: |bytes| Vectors::parse(bytes).is_ok(),
    locked: |lock| lock.indexes.iter().map(|index| index.digest).collect(),
};

impl Kind {
    /// The digests of the files of this kind that lie in `program`, in their order.
    fn inside(&self, program: &[u8]) -> Vec<Digest> {
        let mut found = vec![];
        let mut at = 0;
        while let Some(next) = program[at..].windows(self.magic.len()).position(|bytes| bytes == self.magic) {
            let start = at + next;
            at = start + self.magic.len();
            let length = program.get(start + self.length_at..start + self.length_at + 8);
            let length = length.map_or(0, |bytes| u64::from_le_bytes(bytes.try_into().expect("eight bytes")));
            let end = usize::try_from(length).ok().and_then(|length| start.checked_add(length));
            let Some(file) = end.and_then(|end| program.get(start..end)) else { continue };
            if (self.is_whole)(&Aligned::copy(file)) {
                found.push(Digest::of(file));
                at = start + file.len();
            }
        }
        found
    }
}

/// The digests of the packs that lie in parts in `program`.
fn in_parts(program: &[u8]) -> impl Iterator<Item = Digest> {
    let packs = gather(program).into_iter().filter(|pack| (PACK.is_whole)(&Aligned::copy(pack)));
    packs.map(|pack| Digest::of(&pack))
}

/// What was found in a program that the lock pins all of.
#[derive(Debug)]
pub(crate) struct Checked {
    /// The packs that it reads from files beside it.
    pub(crate) beside: Vec<Held>,
    /// What is worth a note.
    pub(crate) note: Option<String>,
}

/// Refuses a program with a pack or an index that the lock does not pin. Where its package has locked models and the program, which is
/// built to link them, holds none, that is worth a note: its code may not use them, or uses them in a way that nobody sees here.
///
/// # Errors
///
/// What the program holds and the lock does not pin.
pub(crate) fn check(program: &Program, lock: &Lock) -> Result<Checked, Diagnostic> {
    let shown = program.path.display().to_string();
    let mapped = map(&program.path)?;
    let (packs, beside, contradiction) = match audit(mapped.bytes()) {
        Ok(audit) => {
            let held: Vec<Digest> = audit.held.iter().chain(&audit.beside).map(|held| held.digest).collect();
            let locked = [PACK, INDEX].map(|kind| (kind.locked)(lock)).concat();
            pinned("pack or index", &held, &locked, &shown)?;
            let is_other = audit.bill.is_some_and(|bill| bill.lock != *lock);
            (held, audit.beside, is_other.then(|| "its bill has another lock than this one".into()))
        }
        // What it says of itself cannot be read or is wrong: its bytes are looked through.
        Err(refusal) => {
            let mut packs = PACK.inside(mapped.bytes());
            packs.extend(in_parts(mapped.bytes()));
            pinned(PACK.name, &packs, &(PACK.locked)(lock), &shown)?;
            pinned(INDEX.name, &INDEX.inside(mapped.bytes()), &(INDEX.locked)(lock), &shown)?;
            (packs, vec![], matches!(refusal, Refusal::Altered(_)).then(|| refusal.to_string()))
        }
    };
    if let Some(why) = contradiction {
        return Err(Diagnostic::new(OTHER, format!("the program contradicts itself: {why}"))
            .at(shown)
            .help("it was linked from parts of several builds: `cargo clean -p` the package and build again"));
    }
    let own: Vec<_> = lock.models.iter().filter(|model| model.package == program.package).collect();
    let links_one = own.iter().any(|model| model.packs.iter().any(|pack| packs.contains(&pack.digest)));
    let absent = program.links && !own.is_empty() && !links_one;
    let note = absent.then(|| {
        let names: Vec<String> = own.iter().map(|model| format!("`{}`", model.name)).collect();
        format!("{shown} holds no model, though its package has {}: its code uses none", names.join(", "))
    });
    Ok(Checked { beside, note })
}

fn pinned(what: &str, inside: &[Digest], locked: &[Digest], shown: &str) -> Result<(), Diagnostic> {
    let Some(digest) = inside.iter().find(|digest| !locked.contains(digest)) else { return Ok(()) };
    Err(Diagnostic::new(OTHER, format!("the program holds the {what} {digest}, which the lock does not pin"))
        .at(shown)
        .help("cargo took an older build for a fresh one: `cargo clean -p` the package and build again"))
}

#[cfg(test)]
#[path = "../../audit/tests/attacks/elf.rs"]
mod elf;
#[cfg(test)]
#[path = "../../audit/tests/attacks/pack.rs"]
mod pack;
#[cfg(test)]
#[path = "../../audit/tests/attacks/shop.rs"]
pub(crate) mod shop;

#[cfg(test)]
mod tests {
    use super::pack::pack;
    use super::shop::{Shop, bill};
    use super::*;
    use modeldeploy_format::index::Values;

    /// What is said of a program of these bytes.
    fn checked(bytes: &[u8], package: &str, links: bool, lock: &Lock) -> Result<Checked, String> {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("shop");
        std::fs::write(&path, bytes).expect("a program");
        check(&crate::cargo::Program { path, package: package.into(), links }, lock).map_err(|error| error.to_string())
    }

    #[test]
    fn a_program_that_audit_would_refuse_is_refused_when_it_is_built() {
        let mut shop = Shop::new();
        let lock = bill(&shop.packs, None).lock;
        assert!(checked(&shop.program(), "shop", true, &lock).expect("it is whole").note.is_none());
        let stale = checked(&shop.program(), "shop", true, &Lock::default()).expect_err("another lock");
        assert!(stale.contains("holds the pack or index sha256:") && stale.contains("does not pin"), "{stale}");
        let mut more = lock.clone();
        more.models[0].version = "2.0.0".into();
        let other = checked(&shop.program(), "shop", true, &more).expect_err("another lock");
        assert!(other.contains("another lock"), "{other}");
        shop.data[50] ^= 1;
        let altered = checked(&shop.program(), "shop", true, &lock).expect_err("another byte");
        assert!(altered.contains("the pack of model `model-0` has the digest"), "{altered}");
        assert!(checked(b"MZ", "till", true, &lock).expect("another system's").note.is_none());
    }

    fn index(value: f32) -> Vec<u8> {
        modeldeploy_format::index::write(&Digest::of(b"space"), 2, &["p1"], Values::F32(&[value; 2]))
    }

    #[test]
    fn whole_files_are_found_wherever_they_lie() {
        let (a, b, vectors) = (pack(1), pack(2), index(0.5));
        let program =
            [b"code MDPACK\r\n more code".as_slice(), &a, b"MDINDEX\n", &vectors, b"between", &b, b"MDPACK\r\n"]
                .concat();
        assert_eq!(PACK.inside(&program), [Digest::of(&a), Digest::of(&b)]);
        assert_eq!(INDEX.inside(&program), [Digest::of(&vectors)]);
        assert_eq!(PACK.inside(&program[..program.len() - 200]), [Digest::of(&a)]);
        assert_eq!(INDEX.inside(&vectors[..vectors.len() - 1]), []);
        assert_eq!(PACK.inside(b""), []);
    }

    #[test]
    fn a_program_with_other_bytes_than_the_locks_is_refused_and_one_without_a_model_noted() {
        let lock = bill(&[pack(1)], None).lock;
        let none = b"no model inside".to_vec();
        for (bytes, package, links, lock, said) in [
            (pack(1), "shop", true, &lock, Ok(false)),
            (none.clone(), "shop", true, &lock, Ok(true)),
            // A dev build maps its model, and the model of a library is its own affair.
            (none.clone(), "shop", false, &lock, Ok(false)),
            (none.clone(), "till", true, &lock, Ok(false)),
            (none, "shop", true, &Lock::default(), Ok(false)),
            (pack(2), "shop", true, &lock, Err("the pack sha256:")),
            ([pack(1), index(0.5)].concat(), "shop", true, &lock, Err("the index sha256:")),
        ] {
            match (checked(&bytes, package, links, lock), said) {
                (Ok(checked), Ok(noted)) => {
                    assert_eq!(checked.note.is_some_and(|note| note.contains("`model-0`")), noted);
                }
                (Err(error), Err(said)) => {
                    assert!(
                        error.contains("MD0906") && error.contains(said) && error.contains("does not pin"),
                        "{error}"
                    );
                }
                (got, said) => panic!("{got:?} where {said:?} was expected"),
            }
        }
    }
}
