//! Programs whose packs were attached, are still awaited, or lie beside them.

use crate::elf::{Section, X86_64, elf};
use crate::refused;
use crate::shop::{BILL, CRATES, DATA, PLACES, Shop, record};
use modeldeploy_audit::{Refusal, audit};
use modeldeploy_format::Digest;
use modeldeploy_format::pack::BESIDE_MARK;

/// What is loaded: where it lies in the file and in memory, its length, and whether it can be written.
#[derive(Clone, Copy, Debug)]
struct Segment {
    offset: u64,
    address: u64,
    size: u64,
    flags: u32,
}

/// The sections of a program whose packs were attached.
fn attached() -> Vec<Section<'static>> {
    let mut sections = Shop::new().sections();
    sections[3].0 = ".modeldeploy-attached";
    sections
}

/// A program with these sections, and a segment for each of them, which `change` may spoil.
fn loaded(sections: &[Section<'_>], change: impl FnOnce(&mut Vec<Segment>)) -> Vec<u8> {
    let mut program = elf(X86_64, sections);
    let mut offset = 64;
    let mut segments = vec![];
    for (_, address, bytes) in sections {
        segments.push(Segment { offset, address: *address, size: bytes.len() as u64, flags: 4 });
        offset += bytes.len() as u64;
    }
    change(&mut segments);
    let table = program.len() as u64;
    for Segment { offset, address, size, flags } in &segments {
        program.extend([1, *flags].iter().flat_map(|word: &u32| word.to_le_bytes()));
        program.extend([*offset, *address, *address, *size, *size, 1].iter().flat_map(|word| word.to_le_bytes()));
    }
    program[0x20..0x28].copy_from_slice(&table.to_le_bytes());
    program[0x38..0x3a].copy_from_slice(&(segments.len() as u16).to_le_bytes());
    program
}

#[test]
fn attached_packs_are_proved_as_linked_ones() {
    let sections = attached();
    let found = audit(&loaded(&sections, |_| {})).expect("a program");
    assert_eq!(found.held.iter().map(|held| held.size).collect::<Vec<_>>(), [100, 200]);
    assert_eq!((found.models().count(), found.beside.len()), (2, 0));
    for at in 0..sections[3].2.len() {
        let mut changed = sections.clone();
        changed[3].2[at] ^= 1 << (at % 8);
        let refusal = audit(&loaded(&changed, |_| {}));
        assert!(matches!(refusal, Err(Refusal::Altered(_))), "byte {at}: {refusal:?}");
    }
    // Some were linked, others attached.
    let mut both = Shop::new();
    let second = both.data.split_off(4096);
    both.data.truncate(100);
    let sections = [both.sections(), vec![(".modeldeploy-attached", DATA + 4096, second)]].concat();
    assert_eq!(audit(&loaded(&sections, |_| {})).expect("a program").held.len(), 2);
}

#[test]
fn what_is_loaded_is_what_was_proved() {
    type Change = fn(&mut Vec<Segment>);
    let cases: [(&str, Change); 9] = [
        ("other bytes of the file", |all| all[3].offset -= 64),
        ("other addresses", |all| all[3].address += 64),
        ("fewer bytes", |all| all[3].size -= 1),
        ("none of it", |all| _ = all.remove(3)),
        ("to be written", |all| all[3].flags = 6),
        ("others over its end", |all| all.push(Segment { address: all[3].address + all[3].size - 1, ..all[0] })),
        ("others over its begin", |all| all.insert(0, Segment { address: all[3].address - all[0].size + 1, ..all[0] })),
        ("others over all addresses", |all| all.push(Segment { address: 1, size: u64::MAX, ..all[0] })),
        ("other records", |all| all[0].offset += 8),
    ];
    for (what, change) in cases {
        refused(what, &loaded(&attached(), change), "is not what is loaded at its address");
    }
}

#[test]
fn what_is_awaited_is_not_there() {
    let mut shop = Shop::new();
    // A record that points at its own distance awaits what it speaks of.
    shop.places[16..24].fill(0);
    refused("awaited", &shop.program(), "the pack of model `model-0` is not in it yet: cargo alone built it");
}

/// A record of a file beside the program.
fn beside(at: u64, size: u64, digest: &Digest) -> Vec<u8> {
    let inside = record(at - 16, &[(DATA, 1)], [BILL, CRATES], digest);
    [&BESIDE_MARK[..], &size.to_le_bytes(), &inside[32..]].concat()
}

#[test]
fn packs_beside_a_program_are_named_by_the_digests_that_they_must_have() {
    let shop = Shop::new();
    let digests = shop.packs.iter().map(|pack| Digest::of(pack)).collect::<Vec<_>>();
    let places = |sizes: [u64; 2], digests: [Digest; 2]| {
        let first = beside(PLACES, sizes[0], &digests[0]);
        let second = beside(PLACES + first.len() as u64, sizes[1], &digests[1]);
        [first, second].concat()
    };
    let program = |places: Vec<u8>| {
        let mut sections = shop.sections();
        sections.truncate(3);
        sections[0].2 = places;
        loaded(&sections, |_| {})
    };
    let right = places([100, 200], [digests[0], digests[1]]);
    let found = audit(&program(right.clone())).expect("a program");
    assert!(found.held.is_empty() && !found.holds(&digests[0]) && found.reads(&digests[0]));
    assert_eq!(
        found.beside.iter().map(|pack| (pack.digest, pack.size)).collect::<Vec<_>>(),
        [(digests[0], 100), (digests[1], 200)]
    );
    assert_eq!(found.models().map(|model| model.name.as_str()).collect::<Vec<_>>(), ["model-0", "model-1"]);
    for at in 0..right.len() {
        let mut changed = right.clone();
        changed[at] ^= 1 << (at % 8);
        assert!(matches!(audit(&program(changed)), Err(Refusal::Altered(_))), "byte {at}");
    }
    for (what, records, said) in [
        ("another length", places([100, 201], [digests[0], digests[1]]), "another number"),
        ("another pack", places([100, 200], [digests[0], Digest::of(b"x")]), "does not pin"),
        ("one twice", places([100, 100], [digests[0], digests[0]]), "twice"),
    ] {
        refused(what, &program(records), said);
    }
    // A pack inside that no record speaks of.
    let mut sections = shop.sections();
    sections[0].2 = right;
    refused("inside all the same", &elf(X86_64, &sections), "belong to no pack");
}
