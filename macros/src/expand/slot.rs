//! The assembly and the statics of a pack that the linker does not bring in: its record alone.
//!
//! To what is attached after linking the distances stand in the record then, and a note beside it makes the linker leave an entry in the
//! table of segments, which becomes that of the attached one. What stays a file beside the program has its length and digest pinned.

use super::blob::{assembly, elf_section};
use super::place::{self, Bill, SECTION, numbers};
use crate::lookup::Stored;
use modeldeploy_format::pack::{BESIDE_MARK, Division, MARK};
use proc_macro2::{Span, TokenStream};
use quote::quote_spanned;

/// A record, called by a symbol.
pub(super) struct Slot {
    symbol: String,
    words: String,
    /// Its length in bytes.
    length: usize,
    /// What else stands in its group.
    note: String,
}

impl Slot {
    /// Of what will be attached, in the parts of `division` where there is one.
    pub(super) fn attached(stored: &Stored, division: Option<&Division>, bill: &Bill) -> Slot {
        let whole = [stored.size];
        let sizes: Vec<u64> = match division {
            Some(division) => division.parts().iter().map(|part| part.size).collect(),
            None => whole.to_vec(),
        };
        let symbol = format!("modeldeploy_attached_{}", stored.digest.hex());
        let length = MARK.len() + 8 + 16 * sizes.len() + END;
        let words = place::inside(sizes.into_iter().map(|size| ("0".to_owned(), size)), bill, &stored.digest);
        // Name and description as `readelf --notes` shows them. The alignment is another than that of other notes, so that the linker
        // gives these an entry of their own.
        let note = format!(
            "\n.pushsection .note.modeldeploy,\"aG\",@note,{symbol},comdat\n.balign 8\n.long 12, 32, 0x6d64\n\
             .asciz \"modeldeploy\"\n.byte {}\n.popsection",
            numbers(stored.digest.as_bytes())
        );
        Slot { symbol, words, length, note }
    }

    /// Of what stays a file beside the program.
    pub(super) fn beside(stored: &Stored, bill: &Bill) -> Slot {
        Slot {
            symbol: format!("modeldeploy_beside_{}", stored.digest.hex()),
            words: place::beside(stored.size, bill, &stored.digest),
            length: BESIDE_MARK.len() + 8 + END,
            note: String::new(),
        }
    }

    /// The assembly, for ELF.
    pub(super) fn elf(&self) -> String {
        let Slot { symbol, words, length, note } = self;
        assembly(&elf_section(SECTION, symbol, 8), symbol, words, &format!(".size {symbol}, {length}{note}"))
    }

    /// The record as a static, and `BLOB` over it.
    pub(super) fn statics(&self, what: &str, kind: &str, when: &TokenStream) -> TokenStream {
        let Slot { symbol, length, .. } = self;
        let span = Span::mixed_site();
        let kind = proc_macro2::Ident::new(kind, span);
        quote_spanned! {span=>
            #[cfg(#when)]
            unsafe extern "C" {
                #[link_name = #symbol]
                safe static RECORD: [::core::primitive::u8; #length];
            }
            #[cfg(#when)]
            static BLOB: ::modeldeploy::link::Blob = ::modeldeploy::link::Blob::#kind { what: #what, record: &RECORD };
        }
    }
}

/// What every record ends with: the ways to the bill and the crates, and the digest.
const END: usize = 8 + 8 + 32;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lookup::Weights;
    use modeldeploy_format::Digest;

    fn stored() -> Stored {
        Stored {
            digest: Digest::from_bytes([7; 32]),
            size: 67,
            file: String::new(),
            path: "/store/x.pack".into(),
            weights: Weights::Attached,
        }
    }

    #[test]
    fn what_is_attached_has_a_record_without_distances_and_a_note() {
        let division = format!("among {}\n64 {}\n3 {}\n", Digest::of(b""), Digest::of(b"a"), Digest::of(b"b"));
        let division = division.parse().expect("a division");
        let slot = Slot::attached(&stored(), Some(&division), &Bill::at(None).expect("none"));
        let (symbol, sevens) = (format!("modeldeploy_attached_{}", "07".repeat(32)), ["7"; 32].join(", "));
        let expected = format!(
            ".ifndef {symbol}\n\
             .pushsection .modeldeploy-places,\"aG\",@progbits,{symbol},comdat\n.weak {symbol}\n.hidden {symbol}\n\
             .type {symbol}, @object\n.balign 8\n{symbol}:\n\
             .byte 77, 68, 80, 65, 82, 84, 83, 10\n.quad 2\n.quad 0\n.quad 64\n.quad 0\n.quad 3\n.quad 0\n.quad 0\n.byte {sevens}\n\
             .size {symbol}, 96\n\
             .pushsection .note.modeldeploy,\"aG\",@note,{symbol},comdat\n.balign 8\n.long 12, 32, 0x6d64\n.asciz \"modeldeploy\"\n\
             .byte {sevens}\n.popsection\n.popsection\n.endif\n"
        );
        assert_eq!(slot.elf(), expected);
    }

    #[test]
    fn what_stays_beside_has_its_length_and_digest() {
        let slot = Slot::beside(&stored(), &Bill::at(None).expect("none"));
        let (text, sevens) = (slot.elf(), ["7"; 32].join(", "));
        let words = format!(".byte 77, 68, 66, 69, 83, 73, 68, 69\n.quad 67\n.quad 0\n.quad 0\n.byte {sevens}\n");
        assert!(text.contains(&words) && text.contains(", 64\n") && !text.contains("note"), "{text}");
    }
}
