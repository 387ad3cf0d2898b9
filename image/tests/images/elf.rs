//! Small executables of 64 bits: headers, segments and an entry point.

use std::fmt::Write;

pub(crate) const X86_64: u16 = 62;
pub(crate) const AARCH64: u16 = 183;

/// Kinds of segments.
pub(crate) const LOAD: u32 = 1;
pub(crate) const DYNAMIC: u32 = 2;
pub(crate) const INTERPRETER: u32 = 3;

/// An executable for `machine` with these segments.
pub(crate) fn elf(machine: u16, entry: u64, segments: &[(u32, Vec<u8>)]) -> Vec<u8> {
    let mut out = b"\x7fELF\x02\x01\x01".to_vec();
    out.resize(16, 0);
    out.extend([3_u16, machine].iter().flat_map(|half| half.to_le_bytes()));
    out.extend(1_u32.to_le_bytes());
    for word in [entry, 64, 0] {
        out.extend(word.to_le_bytes());
    }
    out.extend(0_u32.to_le_bytes());
    for half in [64, 56, segments.len() as u16, 64, 0, 0] {
        out.extend(half.to_le_bytes());
    }
    let mut at = 64 + 56 * segments.len() as u64;
    for (kind, bytes) in segments {
        out.extend(kind.to_le_bytes());
        out.extend(4_u32.to_le_bytes());
        let size = bytes.len() as u64;
        for word in [at, 0x10_0000 + at, 0x10_0000 + at, size, size, 8] {
            out.extend(word.to_le_bytes());
        }
        at += size;
    }
    segments.iter().for_each(|(_, bytes)| out.extend(bytes));
    out
}

/// A static program; `text` makes it another.
pub(crate) fn program(text: &str) -> Vec<u8> {
    // Long enough that compression has something to do.
    let code = (0..400).fold(String::new(), |mut code, line| {
        writeln!(code, "{text} {line}").expect("a text");
        code
    });
    elf(X86_64, 0x10_1000, &[(LOAD, code.into_bytes())])
}

/// The entries of a dynamic segment.
pub(crate) fn dynamic(tags: &[u64]) -> Vec<u8> {
    tags.iter().chain([&0]).flat_map(|tag| [tag.to_le_bytes(), 1_u64.to_le_bytes()].concat()).collect()
}
