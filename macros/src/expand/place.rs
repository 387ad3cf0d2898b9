//! The assembly of what a program says of itself: where each pack or index lies, and its bill.
//!
//! The record of a pack stands in the pack's group, so that the linker keeps both or neither. The bill, which
//! `cargo modeldeploy build` makes, is named by the records, so that every program with a pack has it and no other.

use super::blob::{assembly, elf_section, quoted};
use super::utf8;
use modeldeploy_format::Digest;
use modeldeploy_format::pack::{BESIDE_MARK, MARK};
use std::path::Path;

/// Where the records lie.
pub(super) const SECTION: &str = ".modeldeploy-places";

/// The endings of the files that a build leaves, and the sections that they go into.
const FILES: [(&str, &str); 2] = [("bill", ".modeldeploy-bill"), ("dep-v0", ".dep-v0")];

/// The files of a build's bill, where there is one.
pub(super) struct Bill(Vec<File>);

struct File {
    symbol: String,
    section: &'static str,
    path: String,
}

impl Bill {
    /// The bill that lies at `path`, which has no ending.
    pub(super) fn at(path: Option<&Path>) -> syn::Result<Bill> {
        let mut files = vec![];
        for (ending, section) in FILES {
            let Some(path) = path.map(|path| path.with_added_extension(ending)).filter(|path| path.is_file()) else {
                continue;
            };
            let symbol = format!("modeldeploy_{}", ending.replace('-', "_"));
            files.push(File { symbol, section, path: utf8(&path)? });
        }
        Ok(Bill(files))
    }

    /// Its files, each a group of its own.
    pub(super) fn elf(&self) -> String {
        let file = |File { symbol, section, path }: &File| {
            assembly(&elf_section(section, symbol, 1), symbol, &format!(".incbin {}", quoted(path)), "")
        };
        self.0.iter().map(file).collect()
    }
}

/// The record of what lies in `parts`, symbols with lengths; it goes to the end of the first part's assembly.
pub(super) fn record(parts: &[(&str, u64)], digest: &Digest, bill: &Bill) -> String {
    let group = parts.first().expect("a pack has a part").0;
    let distances = parts.iter().map(|(symbol, size)| (format!("{symbol} - ."), *size));
    format!(
        ".pushsection {SECTION},\"aG\",@progbits,{group},comdat\n.balign 8\n{}\n.popsection",
        inside(distances, bill, digest)
    )
}

/// The words of a record of something inside the program: the distance to each part, and its length.
pub(super) fn inside(parts: impl ExactSizeIterator<Item = (String, u64)>, bill: &Bill, digest: &Digest) -> String {
    let mut text = format!(".byte {}\n.quad {}", numbers(MARK), parts.len());
    for (distance, size) in parts {
        text += &format!("\n.quad {distance}\n.quad {size}");
    }
    text + &end(bill, digest)
}

/// The words of a record of a file beside the program.
pub(super) fn beside(size: u64, bill: &Bill, digest: &Digest) -> String {
    format!(".byte {}\n.quad {size}{}", numbers(BESIDE_MARK), end(bill, digest))
}

/// What every record ends with.
fn end(bill: &Bill, digest: &Digest) -> String {
    let mut text = String::new();
    for (_, section) in FILES {
        match bill.0.iter().find(|file| file.section == section) {
            Some(File { symbol, .. }) => text += &format!("\n.quad {symbol} - ."),
            None => text += "\n.quad 0",
        }
    }
    text + &format!("\n.byte {}", numbers(digest.as_bytes()))
}

/// Bytes as the assembler reads them.
pub(super) fn numbers(bytes: &[u8]) -> String {
    bytes.iter().map(u8::to_string).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_says_where_the_parts_and_the_bill_are() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("ab.c");
        std::fs::write(folder.path().join("ab.c.bill"), "a bill").expect("written");
        let bill = Bill::at(Some(&path)).expect("UTF-8");
        let digest = Digest::from_bytes([7; 32]);
        let sevens = ["7"; 32].join(", ");
        let expected = format!(
            ".pushsection .modeldeploy-places,\"aG\",@progbits,pack,comdat\n.balign 8\n\
             .byte 77, 68, 80, 65, 82, 84, 83, 10\n.quad 2\n.quad pack - .\n.quad 64\n.quad part - .\n.quad 3\n\
             .quad modeldeploy_bill - .\n.quad 0\n.byte {sevens}\n.popsection"
        );
        assert_eq!(record(&[("pack", 64), ("part", 3)], &digest, &bill), expected);
        let (elf, path) = (bill.elf(), path.with_added_extension("bill"));
        assert!(elf.contains(".pushsection .modeldeploy-bill,\"aG\",@progbits,modeldeploy_bill,comdat"), "{elf}");
        assert!(elf.contains(&format!(".incbin \"{}\"", path.display())) && !elf.contains("dep-v0"), "{elf}");
    }

    #[test]
    fn without_a_bill_a_record_names_none() {
        for bill in [Bill::at(None), Bill::at(Some(Path::new("/nowhere/ab")))] {
            let bill = bill.expect("UTF-8");
            let text = record(&[("pack", 64)], &Digest::from_bytes([7; 32]), &bill);
            assert!(text.contains(".quad 64\n.quad 0\n.quad 0\n.byte 7,") && bill.elf().is_empty(), "{text}");
        }
    }
}
