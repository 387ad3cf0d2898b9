//! `const BLOB`: the bytes of a stored file, linked in a release build, mapped in a debug build.
//!
//! Which of the two a build is no macro can know; whether debug assertions are on, the expansion can. Where a build to be shipped has
//! them on, `MODELDEPLOY_LINK=1` links all the same. Where `MODELDEPLOY_PLACE` asks for it, or there is too much of it for a linker, a
//! release build has a record in the place of the bytes.
//!
//! The linker gets them from the assembler's `.incbin`, which costs what copying a file costs; `include_bytes!` would take a
//! hundred times that. The symbol is named by the digest, and stands in a group of that name: however often a pack is used, in
//! however many crates, with or without link-time optimisation, there is one copy.

use super::place::{self, Bill};
use super::slot::Slot;
use super::{parts, utf8};
use crate::lookup::{Found, Stored, Weights};
use modeldeploy_format::pack::Division;
use modeldeploy_format::variables::BILL;
use proc_macro2::{Span, TokenStream};
use quote::quote_spanned;
use std::path::PathBuf;
use syn::Error;

/// A huge page. Files past it begin at one, so that the kernel can map them by huge pages.
pub(super) const HUGE_PAGE: u64 = 2 << 20;

/// Where packs and indexes lie in a program.
pub(super) const SECTION: &str = ".modeldeploy";

pub(super) fn expand(what: &str, found: &Found, stored: &Stored) -> syn::Result<TokenStream> {
    let span = Span::mixed_site();
    let (linked, mapped) = match (stored.weights, found.link) {
        (Weights::Stored, _) => (quote_spanned!(span=> any()), quote_spanned!(span=> all())),
        (_, true) => (quote_spanned!(span=> all()), quote_spanned!(span=> any())),
        (_, false) => (quote_spanned!(span=> not(debug_assertions)), quote_spanned!(span=> debug_assertions)),
    };
    let division = parts::division(&stored.path, stored.size).map_err(|error| Error::new(span, error))?;
    let bill = Bill::at(found.bill.as_deref())?;
    let Shipped { elf, mach, statics } = match stored.weights {
        Weights::Linked | Weights::Stored => linked_in(what, stored, division.as_ref(), &bill, &linked)?,
        Weights::Attached => {
            let slot = Slot::attached(stored, division.as_ref().map(|(division, _)| division), &bill);
            without_linker(&slot, slot.statics(what, "Attached", &linked))
        }
        Weights::Detached => {
            let slot = Slot::beside(stored, &bill);
            without_linker(&slot, slot.statics(what, "Beside", &linked))
        }
    };
    let elf = elf + &bill.elf();
    let tracked = division.as_ref().map(|(_, path)| utf8(path)).transpose()?;
    let tracked = tracked.map(|path| {
        quote_spanned!(span=> #[cfg(#linked)] const _: &[::core::primitive::u8] = ::core::include_bytes!(#path);)
    });
    let (folder, store, file, size) = (utf8(&found.folder)?, utf8(&found.store)?, &stored.file, stored.size);
    Ok(quote_spanned! {span=>
        // Between statements the compiler takes no assembly; in a module it does.
        #[cfg(#linked)]
        mod assembly {
            #[cfg(not(target_vendor = "apple"))]
            ::core::arch::global_asm!(#elf, options(raw));
            #[cfg(target_vendor = "apple")]
            #mach
        }
        // What goes into a bill is part of its name.
        #[cfg(#linked)]
        const _: ::core::option::Option<&::core::primitive::str> = ::core::option_env!(#BILL);
        #tracked
        #statics
        #[cfg(#mapped)]
        static BLOB: ::modeldeploy::link::Blob = ::modeldeploy::link::Blob::Stored {
            what: #what,
            folder: #folder,
            store: #store,
            file: #file,
            size: #size,
        };
    })
}

/// What a build to be shipped has of a file.
struct Shipped {
    elf: String,
    /// For Apple's linker: an item.
    mach: TokenStream,
    statics: TokenStream,
}

/// The bytes themselves, by the linker.
fn linked_in(
    what: &str,
    stored: &Stored,
    division: Option<&(Division, PathBuf)>,
    bill: &Bill,
    linked: &TokenStream,
) -> syn::Result<Shipped> {
    let symbol = format!("modeldeploy_{}", stored.digest.hex());
    let path = utf8(&stored.path)?;
    let bytes = match std::fs::metadata(&stored.path) {
        Ok(file) if file.len() == stored.size => format!(".incbin {}", quoted(&path)),
        Ok(file) => error(&format!(
            "{what} is damaged: {path} has {} bytes, {} are locked; delete it, and `cargo modeldeploy build` makes it again",
            file.len(),
            stored.size
        )),
        Err(_) => error(&format!(
            "{what} ({}) is not in the store: no {path}; `cargo modeldeploy build` makes it",
            stored.digest
        )),
    };
    let align = if stored.size < HUGE_PAGE { 4096 } else { HUGE_PAGE };
    let section = elf_section(SECTION, &symbol, align);
    let record = place::record(&[(&symbol, stored.size)], &stored.digest, bill);
    let whole = assembly(&section, &symbol, &bytes, &format!(".size {symbol}, {}\n{record}", stored.size));
    let mach_symbol = format!("_{symbol}");
    let mach = assembly(&mach_section(&mach_symbol), &mach_symbol, &bytes, "");
    let length = usize::try_from(stored.size).unwrap_or(usize::MAX);
    let span = Span::mixed_site();
    let whole_when = |when: &TokenStream| {
        quote_spanned! {span=>
            #[cfg(#when)]
            unsafe extern "C" {
                #[link_name = #symbol]
                safe static BYTES: [::core::primitive::u8; #length];
            }
            #[cfg(#when)]
            static BLOB: ::modeldeploy::link::Blob = ::modeldeploy::link::Blob::Linked(&BYTES);
        }
    };
    // Apple's linker is not trusted with distances between sections, so that packs are linked whole there.
    let (elf, statics) = match division {
        Some((division, _)) if division.parts().len() > 1 => {
            let apple = whole_when(&quote_spanned!(span=> all(#linked, target_vendor = "apple")));
            let other = quote_spanned!(span=> all(#linked, not(target_vendor = "apple")));
            let other = parts::statics(&symbol, division, &other);
            let elf = parts::elf(&symbol, &stored.digest, division, &path, bill);
            (elf, quote_spanned!(span=> #apple #other))
        }
        _ => (whole, whole_when(linked)),
    };
    let mach = quote_spanned!(span=> ::core::arch::global_asm!(#mach, options(raw)););
    Ok(Shipped { elf, mach, statics })
}

/// Where the bytes are, for who brings them in later.
fn without_linker(slot: &Slot, statics: TokenStream) -> Shipped {
    let refused = "weights are attached to programs for ELF systems, or laid beside them; here they can be linked alone: \
                   MODELDEPLOY_PLACE=linked";
    let mach = quote_spanned!(Span::mixed_site()=> ::core::compile_error!(#refused););
    Shipped { elf: slot.elf(), mach, statics }
}

/// The first definition in a module stands; those in other objects are one group, of which the linker keeps one.
pub(super) fn assembly(section: &str, symbol: &str, bytes: &str, end: &str) -> String {
    format!(".ifndef {symbol}\n{section}\n{symbol}:\n{bytes}\n{end}\n.popsection\n.endif\n")
}

pub(super) fn elf_section(section: &str, symbol: &str, align: u64) -> String {
    format!(
        ".pushsection {section},\"aG\",@progbits,{symbol},comdat\n.weak {symbol}\n.hidden {symbol}\n\
         .type {symbol}, @object\n.balign {align}"
    )
}

fn mach_section(symbol: &str) -> String {
    format!(
        ".pushsection __TEXT,__modeldeploy\n.globl {symbol}\n.private_extern {symbol}\n.weak_definition {symbol}\n.p2align 14"
    )
}

fn error(message: &str) -> String {
    format!(".error {}", quoted(message))
}

/// A string as the assembler reads it.
pub(super) fn quoted(text: &str) -> String {
    let escaped: String =
        text.chars().flat_map(|c| matches!(c, '"' | '\\').then_some('\\').into_iter().chain([c])).collect();
    format!("\"{escaped}\"")
}
