//! The packs and indexes inside a finished program, compared with the lock.
//!
//! Cargo does not notice a lock that was replaced by one with an older time stamp, so a build that it calls fresh may hold another
//! model than the lock pins. Only a look into the program can tell.

use crate::cargo::Program;
use modeldeploy_audit::{Audit, Refusal, audit};
use modeldeploy_compiler::diagnostic::{Code, Diagnostic};
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

/// Refuses a program with a pack or an index that the lock does not pin. Where its package has locked models and the program, which is
/// built to link them, holds none, that is worth a note: its code may not use them, or uses them in a way that nobody sees here.
///
/// # Errors
///
/// What the program holds and the lock does not pin.
pub(crate) fn check(program: &Program, lock: &Lock) -> Result<Option<String>, Diagnostic> {
    let shown = program.path.display().to_string();
    let bytes = std::fs::read(&program.path)
        .map_err(|error| Diagnostic::new(OTHER, format!("the program cannot be read: {error}")).at(&shown))?;
    let mut packs = vec![];
    for kind in [PACK, INDEX] {
        let mut inside = kind.inside(&bytes);
        if kind.name == PACK.name {
            inside.extend(in_parts(&bytes));
        }
        let locked = (kind.locked)(lock);
        if let Some(digest) = inside.iter().find(|digest| !locked.contains(digest)) {
            let message = format!("the program holds the {} {digest}, which the lock does not pin", kind.name);
            return Err(Diagnostic::new(OTHER, message)
                .at(shown)
                .help("cargo took an older build for a fresh one: `cargo clean -p` the package and build again"));
        }
        if kind.name == PACK.name {
            packs = inside;
        }
    }
    if let Some(why) = contradiction(&bytes, lock) {
        return Err(Diagnostic::new(OTHER, format!("the program contradicts itself: {why}"))
            .at(shown)
            .help("it was linked from parts of several builds: `cargo clean -p` the package and build again"));
    }
    let own: Vec<_> = lock.models.iter().filter(|model| model.package == program.package).collect();
    let links_one = own.iter().any(|model| model.packs.iter().any(|pack| packs.contains(&pack.digest)));
    let absent = program.links && !own.is_empty() && !links_one;
    Ok(absent.then(|| {
        let names: Vec<String> = own.iter().map(|model| format!("`{}`", model.name)).collect();
        format!("{shown} holds no model, though its package has {}: its code uses none", names.join(", "))
    }))
}

/// Why `audit` would not believe the program, or would tell of another lock. What it cannot read has been looked through already.
fn contradiction(program: &[u8], lock: &Lock) -> Option<String> {
    match audit(program) {
        Err(Refusal::Altered(why)) => Some(why),
        Ok(Audit { bill: Some(bill), .. }) if bill.lock != *lock => {
            Some("its bill has another lock than this one".into())
        }
        Ok(_) | Err(Refusal::Unreadable(_)) => None,
    }
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

    #[test]
    fn a_program_that_audit_would_refuse_is_refused_when_it_is_built() {
        let mut shop = Shop::new();
        let lock = bill(&shop.packs, None).lock;
        assert_eq!(contradiction(&shop.program(), &lock), None);
        let other = contradiction(&shop.program(), &Lock::default()).expect("another lock");
        assert!(other.contains("another lock"), "{other}");
        shop.data[50] ^= 1;
        let altered = contradiction(&shop.program(), &lock).expect("another byte");
        assert!(altered.contains("the pack of model `model-0` has the digest"), "{altered}");
        assert_eq!(contradiction(b"MZ", &lock), None);
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
        let folder = tempfile::tempdir().expect("a temporary folder");
        let program = |package: &str, links| crate::cargo::Program {
            path: folder.path().join("shop"),
            package: package.into(),
            links,
        };
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
            std::fs::write(folder.path().join("shop"), &bytes).expect("a program");
            match (check(&program(package, links), lock), said) {
                (Ok(note), Ok(noted)) => assert_eq!(note.is_some_and(|note| note.contains("`model-0`")), noted),
                (Err(error), Err(said)) => {
                    let error = error.to_string();
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
