//! The sections of an executable, found by their names.
//!
//! ELF of any processor and word; of other systems it is said which they are.

use crate::Refusal;
use object::{Architecture, Object, ObjectSection, ObjectSegment, SegmentFlags, elf};

/// Packs and indexes, as they were linked.
pub(crate) const DATA: &str = ".modeldeploy";
/// Packs and indexes, as they were attached to a linked program.
pub(crate) const ATTACHED: &str = ".modeldeploy-attached";
/// Where each of them lies.
pub(crate) const PLACES: &str = ".modeldeploy-places";
/// What the program was made of.
pub(crate) const BILL: &str = ".modeldeploy-bill";
/// The crates, by the name that cargo-auditable gave them.
pub(crate) const CRATES: &str = ".dep-v0";

/// What other files begin with.
const OTHERS: [(&[u8], &str); 8] = [
    (b"MZ", "a program for Windows"),
    (b"\xcf\xfa\xed\xfe", "a program for macOS"),
    (b"\xce\xfa\xed\xfe", "a program for macOS"),
    (b"\xca\xfe\xba\xbe", "a program for macOS, of several processors"),
    (b"!<arch>\n", "a library of objects, not linked"),
    (b"\0asm", "a WebAssembly module"),
    (b"MDPACK\r\n", "a pack by itself: `cargo modeldeploy inspect` shows it"),
    (b"\x1f\x8b", "a compressed file"),
];

/// Where UPX leaves its mark, behind the headers.
const UPX_WITHIN: usize = 4096;

/// An executable.
pub(crate) struct Program<'a> {
    file: object::File<'a>,
}

/// A section that is in the file as it is in memory.
#[derive(Clone, Copy)]
pub(crate) struct Section<'a> {
    pub(crate) name: &'static str,
    /// Of its first byte, when the program runs.
    pub(crate) address: u64,
    pub(crate) bytes: &'a [u8],
}

impl<'a> Program<'a> {
    pub(crate) fn parse(bytes: &'a [u8]) -> Result<Program<'a>, Refusal> {
        if bytes.is_empty() {
            return Err(Refusal::unreadable("not a program: it is empty"));
        }
        if !bytes.starts_with(b"\x7fELF") {
            let other = OTHERS.iter().find(|(magic, _)| bytes.starts_with(magic));
            return Err(Refusal::unreadable(match other {
                Some((_, what)) => format!("{what}; the models of ELF programs can be read"),
                None => "not a program: its first bytes are those of no executable".to_owned(),
            }));
        }
        let head = &bytes[..bytes.len().min(UPX_WITHIN)];
        if head.windows(4).any(|word| word == b"UPX!") {
            return Err(Refusal::unreadable("packed by UPX, which hides what is inside; `upx -d` unpacks it"));
        }
        let file =
            object::File::parse(bytes).map_err(|error| Refusal::unreadable(format!("damaged or cut off: {error}")))?;
        if file.sections().next().is_none() {
            return Err(Refusal::unreadable("its table of sections was removed, so that nothing in it can be found"));
        }
        Ok(Program { file })
    }

    /// The processor that it is for.
    pub(crate) fn architecture(&self) -> String {
        match self.file.architecture() {
            Architecture::X86_64 => "x86-64".into(),
            Architecture::Aarch64 => "aarch64".into(),
            other => format!("{other:?}").to_lowercase(),
        }
    }

    /// All sections with their names and bytes, in their order; of one that takes no room in the file, none.
    pub(crate) fn sections(&self) -> impl Iterator<Item = (String, &'a [u8])> {
        self.file.sections().map(|section| {
            let name = String::from_utf8_lossy(section.name_bytes().unwrap_or_default()).into_owned();
            (name, section.data().unwrap_or_default())
        })
    }

    /// The section of that name, if there is one.
    pub(crate) fn section(&self, name: &'static str) -> Result<Option<Section<'a>>, Refusal> {
        let mut found = self.file.sections().filter(|section| section.name_bytes() == Ok(name.as_bytes()));
        let Some(section) = found.next() else { return Ok(None) };
        if found.next().is_some() {
            return Err(Refusal::altered(format!("it has {name} twice")));
        }
        let bytes = section.data().map_err(|error| Refusal::altered(format!("{name} cannot be read: {error}")))?;
        // Of a section that takes no room in the file, nothing is there.
        if section.size() != bytes.len() as u64 {
            return Err(Refusal::altered(format!("{name} has {} bytes and says {}", bytes.len(), section.size())));
        }
        let (address, size) = (section.address(), section.size());
        if !self.is_loaded(address, size, section.file_range().map(|(start, _)| start)) {
            return Err(Refusal::altered(format!("{name} is not what is loaded at its address {address:#x}")));
        }
        Ok(Some(Section { name, address, bytes }))
    }

    /// Whether what lies at these addresses when the program runs is what lies at `start` in the file: one segment says so, for reading
    /// alone, and no other speaks of one of them.
    fn is_loaded(&self, address: u64, size: u64, start: Option<u64>) -> bool {
        let mut segments = self.file.segments().peekable();
        // What no system would run says nothing of where it lies.
        if segments.peek().is_none() || size == 0 {
            return true;
        }
        let Some(end) = address.checked_add(size) else { return false };
        let mut over = segments.filter(|it| it.address() < end && it.address().saturating_add(it.size()) > address);
        let (Some(segment), None) = (over.next(), over.next()) else { return false };
        let (from, length) = segment.file_range();
        let is_writable = matches!(segment.flags(), SegmentFlags::Elf { p_flags, .. } if p_flags.0 & elf::PF_W.0 != 0);
        let within = address.checked_sub(segment.address());
        !is_writable
            && within.is_some_and(|within| {
                from.checked_add(within) == start && within.checked_add(size).is_some_and(|end| end <= length)
            })
    }
}
