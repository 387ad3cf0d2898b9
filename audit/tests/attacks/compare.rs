//! Two builds that are not the same.

use super::elf::{X86_64, elf};
use super::pack::pack;
use super::shop::Shop;
use modeldeploy_audit::differences;

/// What is said of two programs.
#[track_caller]
fn check(first: &[u8], second: &[u8], said: &[&str]) {
    let found = differences(first, second).expect("two programs");
    assert_eq!(found.iter().map(ToString::to_string).collect::<Vec<_>>(), said);
}

#[test]
fn a_changed_byte_is_found_in_its_section_model_and_tensor() {
    let shop = Shop::of(vec![pack(1), pack(2)]);
    let program = shop.program();
    check(&program, &program, &[]);
    // The first pack's table of words has 128 bytes of one value.
    let words = shop.data.windows(128).position(|bytes| bytes == [1; 128]).expect("the words");
    for (at, said) in [
        (words + 100, ".modeldeploy, model `model-0`, tensor `words` differs in the byte at 0x64"),
        // Its header.
        (16, ".modeldeploy, model `model-0` differs in the byte at 0x10"),
        (4096 + 16, ".modeldeploy, model `model-1` differs in the byte at 0x10"),
    ] {
        let mut other = Shop::of(vec![pack(1), pack(2)]);
        other.data[at] ^= 1;
        check(&program, &other.program(), &[said]);
    }
    // Between the two lies nothing.
    let mut other = Shop::of(vec![pack(1), pack(2)]);
    other.data[4095] = 1;
    check(&program, &other.program(), &[".modeldeploy differs in the byte at 0xfff"]);
}

#[test]
fn other_sections_are_named_and_so_is_what_lies_between() {
    let program = |sections: &[(&'static str, u64, Vec<u8>)]| elf(X86_64, sections);
    let first = [(".text", 0x1000, vec![0xc3; 64]), (".data", 0x2000, vec![1; 8])];
    let second = [(".text", 0x1000, vec![0x90; 64]), (".rodata", 0x2000, vec![1; 8])];
    check(
        &program(&first),
        &program(&second),
        &[
            ".data is in the first alone",
            ".shstrtab has 24 bytes in the first and 26 in the second",
            ".text differs in 64 bytes, the first at 0x0",
            ".rodata is in the second alone",
        ],
    );
    let mut moved = program(&first);
    moved[24] = 1;
    check(&program(&first), &moved, &["what lies between the sections differs in the byte at 0x18"]);
    assert!(differences(&moved, b"MZ").is_err());
}

#[test]
fn damaged_records_hide_no_difference() {
    let (shop, mut other) = (Shop::new(), Shop::new());
    other.places[3] ^= 1;
    other.data[7] ^= 1;
    let found = differences(&shop.program(), &other.program()).expect("two programs");
    let sections: Vec<_> = found.iter().filter_map(|it| it.section.as_deref()).collect();
    assert_eq!(sections, [".modeldeploy", ".modeldeploy-places"]);
}
