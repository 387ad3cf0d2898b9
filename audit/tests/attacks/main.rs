//! Programs that were altered, cut, put together wrongly or made to cost whoever reads them.

mod compare;
mod elf;
mod pack;
mod sbom;
mod shop;
mod ways;

use elf::{X86_64, elf};
use modeldeploy_audit::{Bill, Refusal, audit};
use modeldeploy_format::Digest;
use shop::{BILL, CRATES, DATA, PLACES, Shop, bill, record};

/// What an altered program is told.
#[track_caller]
fn refused(what: &str, program: &[u8], said: &str) {
    match audit(program) {
        Err(Refusal::Altered(why)) => assert!(why.contains(said), "{what}: {why}"),
        other => panic!("{what}: {other:?}"),
    }
}

#[test]
fn a_whole_program_is_believed_on_any_processor() {
    for (machine, name) in [(X86_64, "x86-64"), (183, "aarch64"), (243, "riscv64")] {
        let shop = Shop::new();
        let found = audit(&elf(machine, &shop.sections())).expect("a program");
        assert_eq!(found.architecture, name);
        assert_eq!(found.held.iter().map(|held| held.size).collect::<Vec<_>>(), [100, 200]);
        assert_eq!(found.models().map(|model| model.name.as_str()).collect::<Vec<_>>(), ["model-0", "model-1"]);
        assert_eq!(found.crates.expect("a list").packages[0].name, "shop");
    }
}

#[test]
fn a_program_that_says_nothing_holds_nothing() {
    let found = audit(&elf(X86_64, &[(".text", 0x1000, vec![0xc3])])).expect("a program");
    assert!(found.held.is_empty() && found.bill.is_none() && found.crates.is_none());
    let crates = audit(&elf(X86_64, &[(".dep-v0", 0x1000, Shop::new().crates)])).expect("a program");
    assert_eq!(crates.crates.expect("cargo-auditable's own").packages.len(), 1);
}

#[test]
fn every_byte_of_every_section_counts() {
    let shop = Shop::new();
    let sections = shop.sections();
    for (which, (name, _, bytes)) in sections.iter().enumerate() {
        for at in 0..bytes.len() {
            let mut changed = sections.clone();
            changed[which].2[at] ^= 1 << (at % 8);
            let refusal = audit(&elf(X86_64, &changed));
            assert!(matches!(refusal, Err(Refusal::Altered(_))), "{name}, byte {at}: {refusal:?}");
        }
        let mut longer = sections.clone();
        longer[which].2.push(1);
        assert!(audit(&elf(X86_64, &longer)).is_err(), "{name} is longer");
        let mut absent = sections.clone();
        absent.remove(which);
        assert!(audit(&elf(X86_64, &absent)).is_err(), "{name} is not there");
        let twice = [sections.clone(), vec![sections[which].clone()]].concat();
        refused("twice", &elf(X86_64, &twice), &format!("it has {name} twice"));
        let mut moved = sections.clone();
        moved[which].1 += 64;
        assert!(audit(&elf(X86_64, &moved)).is_err(), "{name} is elsewhere");
    }
}

#[test]
fn a_program_cut_anywhere_is_none() {
    let program = Shop::new().program();
    for cut in 0..program.len() {
        assert!(audit(&program[..cut]).is_err(), "cut at {cut}");
    }
}

#[test]
fn what_does_not_match_is_named() {
    let change = |change: &dyn Fn(&mut Shop)| {
        let mut shop = Shop::new();
        change(&mut shop);
        shop.program()
    };
    let crates = |shop: &Shop| Some(Digest::of(&shop.crates));
    for (what, program, said) in [
        ("a weight", change(&|shop| shop.data[4100] ^= 1), "the pack of model `model-1` has the digest sha256:"),
        (
            "between packs",
            change(&|shop| shop.data[2000] = 1),
            ".modeldeploy has bytes at 0x7d0 that belong to no pack",
        ),
        ("another's lock", change(&|shop| shop.bill = bill(&shop.packs[..1], crates(shop)).encode()), "does not pin"),
        (
            "another's crates",
            change(&|shop| shop.bill = bill(&shop.packs, Some(Digest::of(b"x"))).encode()),
            ".dep-v0 has",
        ),
        ("a record less", change(&|shop| _ = shop.places.split_off(shop.places.len() / 2)), "that belong to no pack"),
        ("no record", change(&|shop| shop.places.clear()), ".modeldeploy-places is damaged"),
        (
            "a record twice",
            change(&|shop| {
                let digest = Digest::of(&shop.packs[0]);
                let place = PLACES + shop.places.len() as u64;
                shop.places.extend(record(place, &[(DATA, 100)], [BILL, CRATES], &digest));
            }),
            "has the pack of model `model-0` twice",
        ),
        ("no bill", change(&|shop| shop.bill.clear()), ".modeldeploy-bill is of another version, or damaged"),
        ("no crates", change(&|shop| shop.crates.clear()), ".dep-v0 cannot be decompressed"),
    ] {
        refused(what, &program, said);
    }
}

/// A record costs 80 bytes and could ask for the whole section.
#[test]
fn records_cannot_ask_for_more_than_there_is() {
    let mut shop = Shop::new();
    let many = vec![(DATA, 100_u64); 10_000];
    let whole: Vec<u8> = shop.packs[0].repeat(many.len());
    let packs = vec![whole];
    shop.bill = bill(&packs, Some(Digest::of(&shop.crates))).encode();
    shop.places = record(PLACES, &many, [BILL, CRATES], &Digest::of(&packs[0]));
    refused("parts without end", &shop.program(), "speaks of more bytes than .modeldeploy has");
    for parts in [vec![(DATA, u64::MAX)], vec![(DATA, u64::MAX), (DATA, u64::MAX)], vec![(DATA - 1, 10)], vec![(0, 10)]]
    {
        let mut shop = Shop::new();
        shop.places = record(PLACES, &parts, [BILL, CRATES], &Digest::of(&shop.packs[0]));
        assert!(matches!(audit(&shop.program()), Err(Refusal::Altered(_))), "{parts:?}");
    }
}

#[test]
fn a_program_without_a_bill_is_proved_by_its_own_records() {
    let mut shop = Shop::new();
    let digest = Digest::of(&shop.packs[0]);
    shop.data.truncate(100);
    shop.places = record(PLACES, &[(DATA, 60), (DATA + 60, 40)], [0, 0], &digest);
    let program = |shop: &Shop| {
        let mut sections = shop.sections();
        sections.retain(|(name, ..)| !matches!(*name, ".modeldeploy-bill" | ".dep-v0"));
        elf(X86_64, &sections)
    };
    let found = audit(&program(&shop)).expect("cargo's own build");
    assert_eq!((found.held[0].digest, found.held[0].size, found.models().count()), (digest, 100, 0));
    shop.data[50] ^= 1;
    refused("a weight", &program(&shop), &format!("the pack or index {digest} has the digest sha256:"));
}

/// The attacks that fuzzing begins from.
#[test]
fn no_attack_is_believed() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../fuzz/attacks/audit");
    let mut seen = 0;
    for entry in std::fs::read_dir(folder).expect("the attacks") {
        let path = entry.expect("an attack").path();
        let bytes = std::fs::read(&path).expect("an attack");
        assert!(audit(&bytes).is_err(), "{}", path.display());
        assert!(Bill::decode(&bytes).is_err(), "{}", path.display());
        seen += 1;
    }
    assert!(seen > 15, "{seen} attacks");
}

proptest::proptest! {
    #[test]
    fn no_bytes_at_all_are_a_panic(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..300), at in 0..6000_usize) {
        let _any = audit(&[b"\x7fELF\x02\x01\x01", &bytes[..]].concat());
        let mut program = Shop::new().program();
        let start = at.min(program.len());
        let end = (start + bytes.len()).min(program.len());
        program[start..end].copy_from_slice(&bytes[..end - start]);
        let _any = audit(&program);
    }
}
