//! The first bytes of a pack: what it is, which layout its weights have, and where its sections lie.

use super::ALIGN;
use crate::wire::{Decoder, Encoder};

/// What the bytes of weights mean, in words. The kernels are written for exactly this; its fingerprint is in every pack.
pub const LAYOUT: &str = "1: f32 and bf16 weights [n/16][k][16]; i8 weights within 127 [n/16][k/4][16][4] with f32 scales and \
    i32 sums by channel; i8 tables with f32 scales by row, u4 tables [rows][columns/2] with f32 scales and offsets by row; \
    tensors at 64; little-endian";

/// The fingerprint of [`LAYOUT`] (FNV-1a, 64 bit).
pub const LAYOUT_FINGERPRINT: u64 = fnv1a(LAYOUT.as_bytes());

const fn fnv1a(bytes: &[u8]) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    let mut at = 0;
    while at < bytes.len() {
        hash = (hash ^ bytes[at] as u64).wrapping_mul(0x0100_0000_01b3);
        at += 1;
    }
    hash
}

pub(super) const MAGIC: &[u8; 8] = b"MDPACK\r\n";
pub(super) const VERSION: u32 = 1;
pub(super) const HEADER_BYTES: usize = 64;
pub(super) const SECTION_BYTES: usize = 24;

/// What a section holds. A pack has exactly one of each, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SectionKind {
    /// [`Signature`](crate::Signature).
    Signature,
    /// [`Program`](crate::program::Program).
    Program,
    /// The table of [`Tensor`](crate::tensor::Tensor)s.
    Tensors,
    /// The tokenizer's tables.
    Tokenizer,
    /// [`Golden`](crate::golden::Golden) vectors.
    Golden,
    /// The tensors' bytes.
    Data,
}

impl SectionKind {
    /// All of them, in their order.
    pub const ALL: [SectionKind; 6] = [
        SectionKind::Signature,
        SectionKind::Program,
        SectionKind::Tensors,
        SectionKind::Tokenizer,
        SectionKind::Golden,
        SectionKind::Data,
    ];
}

/// The places of the sections, in the order of [`SectionKind::ALL`].
pub(super) type Sections = [core::ops::Range<usize>; SectionKind::ALL.len()];

/// Where the first section may begin.
pub(super) const fn first_section() -> usize {
    (HEADER_BYTES + SectionKind::ALL.len() * SECTION_BYTES).next_multiple_of(ALIGN)
}

pub(super) fn encode(sections: &Sections, total: usize) -> Vec<u8> {
    let mut out = Encoder::default();
    out.0.extend(MAGIC);
    out.u32(VERSION);
    out.count(sections.len());
    out.u64(total as u64);
    out.u64(LAYOUT_FINGERPRINT);
    out.0.resize(HEADER_BYTES, 0);
    for (kind, place) in SectionKind::ALL.iter().zip(sections) {
        out.u64(*kind as u64);
        out.u64(place.start as u64);
        out.u64(place.len() as u64);
    }
    out.0.resize(first_section(), 0);
    out.0
}

/// What may be wrong with a header; the reader puts it into words.
pub(super) enum HeaderError {
    NotAPack,
    Version(u32),
    Length { stated: u64 },
    Layout(u64),
    Sections(&'static str),
}

/// The sections of a pack of `len` bytes that begins with these.
pub(super) fn decode(bytes: &[u8], len: usize) -> Result<Sections, HeaderError> {
    let mut read = Decoder::new(bytes);
    if read.take(MAGIC.len()) != Ok(MAGIC) {
        return Err(HeaderError::NotAPack);
    }
    let early = |_| HeaderError::Sections("the header ends early");
    let version = read.u32().map_err(early)?;
    if version != VERSION {
        return Err(HeaderError::Version(version));
    }
    let count = read.u32().map_err(early)?;
    let stated = read.u64().map_err(early)?;
    if stated != len as u64 {
        return Err(HeaderError::Length { stated });
    }
    let layout = read.u64().map_err(early)?;
    if layout != LAYOUT_FINGERPRINT {
        return Err(HeaderError::Layout(layout));
    }
    if count as usize != SectionKind::ALL.len() {
        return Err(HeaderError::Sections("the number of sections is wrong"));
    }
    read.take(HEADER_BYTES - 32).map_err(early)?;
    let mut sections: Sections = Default::default();
    let mut end = first_section();
    for (kind, section) in SectionKind::ALL.iter().zip(&mut sections) {
        let (code, start, size) = (read.u64().map_err(early)?, read.u64().map_err(early)?, read.u64().map_err(early)?);
        if code != *kind as u64 {
            return Err(HeaderError::Sections("the sections are not in their order"));
        }
        let (Ok(start), Ok(size)) = (usize::try_from(start), usize::try_from(size)) else {
            return Err(HeaderError::Sections("a section lies outside"));
        };
        let stop = start.checked_add(size).filter(|&stop| stop <= len);
        let Some(stop) = stop.filter(|_| start >= end && start % ALIGN == 0) else {
            return Err(HeaderError::Sections("a section lies outside, over another, or not at a multiple of 64"));
        };
        *section = start..stop;
        end = stop;
    }
    Ok(sections)
}
