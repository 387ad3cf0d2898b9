//! The assembly and the slices of a pack that is linked in parts, because other packs have some of them.
//!
//! Beside a pack in the store stands how it is divided, where `cargo modeldeploy build` found that it has parts in common with another
//! pack of the lock. Each part is a group of its own, called by its digest, so that the linker keeps one. The first one is the pack's own
//! and is called by the pack's digest; the record in its group says where all of them lie.

use super::blob::{SECTION, assembly, elf_section, quoted};
use super::place::{self, Bill};
use modeldeploy_format::Digest;
use modeldeploy_format::pack::{Division, Part};
use proc_macro2::{Ident, Span, TokenStream};
use quote::quote_spanned;
use std::path::{Path, PathBuf};

/// How the pack at `path` is divided, and the file that says it; none where there is none.
///
/// # Errors
///
/// If what says so is damaged: it must speak of `size` bytes.
pub(super) fn division(path: &Path, size: u64) -> Result<Option<(Division, PathBuf)>, String> {
    let path = path.with_extension("parts");
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(format!("{} cannot be read: {error}", path.display())),
    };
    let wrong = |why: String| {
        format!("{} is damaged: {why}; delete it, and `cargo modeldeploy build` makes it again", path.display())
    };
    let division: Division = text.parse().map_err(wrong)?;
    if division.size() != size {
        return Err(wrong(format!("its parts have {} bytes, {size} are locked", division.size())));
    }
    Ok(Some((division, path)))
}

/// The names of the parts' symbols: the first one is the pack's own.
fn symbols(symbol: &str, division: &Division) -> Vec<String> {
    let others = division.parts()[1..].iter().map(|part| format!("modeldeploy_{}", part.digest.hex()));
    std::iter::once(symbol.to_owned()).chain(others).collect()
}

/// The assembly, for ELF.
pub(super) fn elf(symbol: &str, digest: &Digest, division: &Division, path: &str, bill: &Bill) -> String {
    let symbols = symbols(symbol, division);
    let parts = symbols.iter().map(String::as_str).zip(division.parts().iter().map(|part| part.size));
    let parts: Vec<(&str, u64)> = parts.collect();
    let record = format!("\n{}", place::record(&parts, digest, bill));
    let mut offset = 0;
    let mut text = String::new();
    for (at, &(part, size)) in parts.iter().enumerate() {
        let bytes = format!(".incbin {}, {offset}, {size}", quoted(path));
        let record = if at == 0 { record.as_str() } else { "" };
        let end = format!(".size {part}, {size}{record}");
        text += &assembly(&elf_section(SECTION, part, align(size)), part, &bytes, &end);
        offset += size;
    }
    text
}

/// Small parts lie close together, and only of large ones is a huge page at the begin worth the room before it.
fn align(size: u64) -> u64 {
    match size {
        0..0x10_0000 => 64,
        0x10_0000..0x100_0000 => 4096,
        _ => super::blob::HUGE_PAGE,
    }
}

/// The parts as statics, and `BLOB` over them.
pub(super) fn statics(symbol: &str, division: &Division, when: &TokenStream) -> TokenStream {
    let span = Span::mixed_site();
    let symbols = symbols(symbol, division);
    let names: Vec<Ident> = (0..symbols.len()).map(|at| Ident::new(&format!("PART_{at}"), span)).collect();
    let sizes = division.parts().iter().map(|Part { size, .. }| *size);
    let sizes = sizes.map(|size| usize::try_from(size).unwrap_or(usize::MAX));
    quote_spanned! {span=>
        #[cfg(#when)]
        unsafe extern "C" {
            #(#[link_name = #symbols] safe static #names: [::core::primitive::u8; #sizes];)*
        }
        #[cfg(#when)]
        static BLOB: ::modeldeploy::link::Blob = ::modeldeploy::link::Blob::Parts(&[#(&#names),*]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn two_parts() -> String {
        format!("among {}\n64 {}\n3 {}\n", Digest::of(b""), Digest::of(b"a"), Digest::of(b"b"))
    }

    #[test]
    fn each_part_is_a_group_and_the_first_has_the_record() {
        let division = two_parts().parse().expect("a division");
        let part = format!("modeldeploy_{}", Digest::of(b"b").hex());
        let (digest, bill) = (Digest::of(b"whole"), Bill::at(None).expect("none"));
        let record = place::record(&[("pack", 64), (&part, 3)], &digest, &bill);
        let expected = format!(
            ".ifndef pack\n\
             .pushsection .modeldeploy,\"aG\",@progbits,pack,comdat\n.weak pack\n.hidden pack\n.type pack, @object\n.balign 64\n\
             pack:\n.incbin \"/store/x.pack\", 0, 64\n\
             .size pack, 64\n{record}\n.popsection\n.endif\n\
             .ifndef {part}\n\
             .pushsection .modeldeploy,\"aG\",@progbits,{part},comdat\n.weak {part}\n.hidden {part}\n.type {part}, @object\n.balign 64\n\
             {part}:\n.incbin \"/store/x.pack\", 64, 3\n\
             .size {part}, 3\n.popsection\n.endif\n"
        );
        assert_eq!(elf("pack", &digest, &division, "/store/x.pack", &bill), expected);
    }

    #[test]
    fn a_division_is_read_beside_its_pack_and_proved() {
        let store = tempfile::tempdir().expect("a folder");
        let (pack, parts) = (store.path().join("ab.pack"), store.path().join("ab.parts"));
        assert_eq!(division(&pack, 67), Ok(None));
        std::fs::write(&parts, two_parts()).expect("it can be written");
        assert_eq!(division(&pack, 67), Ok(Some((two_parts().parse().expect("a division"), parts.clone()))));
        let error = division(&pack, 68).expect_err("another length");
        assert!(error.contains("its parts have 67 bytes, 68 are locked; delete it"), "{error}");
        std::fs::write(&parts, "64").expect("it can be written");
        let error = division(&pack, 67).expect_err("no division");
        assert!(error.contains("ab.parts is damaged: its first line"), "{error}");
    }
}
