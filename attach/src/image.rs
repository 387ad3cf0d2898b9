//! A linked program as it is read: what it awaits, and its headers with one segment more.

use crate::SECTION;
use crate::plan::HUGE_PAGE;
use modeldeploy_format::Digest;
use modeldeploy_format::pack::{Bytes, places};
use object::elf::{self, FileHeader64, ProgramHeader64, SectionHeader64};
use object::pod::{bytes_of, bytes_of_slice};
use object::read::elf::{FileHeader, SectionHeader};
use object::{LittleEndian, U16, U32, U64};

/// Where the records lie.
const PLACES: &str = ".modeldeploy-places";

/// The note whose entry among the segments the new one takes.
const NOTE: &str = ".note.modeldeploy";

const LE: LittleEndian = LittleEndian;

type Segment = ProgramHeader64<LittleEndian>;
type Section = SectionHeader64<LittleEndian>;

/// A pack or an index that a program awaits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Awaited {
    pub(crate) digest: Digest,
    /// For each part where in the file the distance to it is to stand, and its length.
    pub(crate) parts: Vec<(u64, u64)>,
}

/// A program that awaits something.
#[derive(Debug)]
pub(crate) struct Image<'a> {
    pub(crate) awaited: Vec<Awaited>,
    program: &'a [u8],
    header: FileHeader64<LittleEndian>,
    segments: Vec<Segment>,
    sections: Vec<Section>,
    names: &'a [u8],
    /// The place of the note's entry among the segments.
    note: usize,
    /// By how much the address of a record is more than its place in the file.
    shift: u64,
}

/// The new file but for what is copied into it.
#[derive(Debug)]
pub(crate) struct Ends {
    /// From its begin on.
    pub(crate) head: Vec<u8>,
    /// Where the segment begins in the file.
    pub(crate) offset: u64,
    /// Of the same in memory.
    pub(crate) address: u64,
    /// For each part that is awaited, where in the head the distance to it is to stand, and the address of that.
    pub(crate) slots: Vec<(usize, u64)>,
    /// Where the tail begins in the file.
    pub(crate) tail_offset: u64,
    /// From there on.
    pub(crate) tail: Vec<u8>,
}

impl<'a> Image<'a> {
    /// Reads a program; none if it is no ELF program, or awaits nothing.
    pub(crate) fn parse(program: &'a [u8]) -> Result<Option<Image<'a>>, String> {
        if !program.starts_with(&elf::ELFMAG) {
            return Ok(None);
        }
        let damaged = |error: object::Error| format!("it is damaged or of another kind: {error}");
        let Ok(header) = FileHeader64::<LittleEndian>::parse(program) else { return Ok(None) };
        let Ok(LittleEndian) = header.endian() else { return Ok(None) };
        let sections = header.section_headers(LE, program).map_err(damaged)?;
        let index = header.shstrndx(LE, program).map_err(damaged)?;
        let Some(strings) = sections.get(index as usize) else { return Ok(None) };
        let names = strings.data(LE, program).map_err(damaged)?;
        let named = |name: &str| {
            let is = |section: &&Section| {
                let at = section.sh_name.get(LE) as usize;
                let rest = names.get(at..).unwrap_or_default();
                rest.strip_prefix(name.as_bytes()).is_some_and(|rest| rest.first() == Some(&0))
            };
            sections.iter().find(is)
        };
        let Some(records) = named(PLACES) else { return Ok(None) };
        let (address, offset) = (records.sh_addr.get(LE), records.sh_offset.get(LE));
        let bytes = records.data(LE, program).map_err(damaged)?;
        let places = places(bytes, address).ok_or_else(|| format!("its {PLACES} is damaged"))?;
        let shift = address.wrapping_sub(offset);
        let awaited: Vec<Awaited> = places
            .into_iter()
            .filter_map(|place| match place.bytes {
                Bytes::Awaited(slots) => {
                    let parts = slots.iter().map(|&(slot, size)| (slot.wrapping_sub(shift), size)).collect();
                    Some(Awaited { digest: place.digest, parts })
                }
                Bytes::Parts(_) | Bytes::Beside(_) => None,
            })
            .collect();
        if awaited.is_empty() {
            return Ok(None);
        }
        if named(SECTION).is_some() {
            return Err(format!("it has {SECTION} and awaits more: it was attached to before"));
        }
        let segments = header.program_headers(LE, program).map_err(damaged)?.to_vec();
        let note = named(NOTE).ok_or_else(|| format!("it has no {NOTE}: its linker was told to leave notes out"))?;
        let note = note_entry(&segments, note)
            .ok_or_else(|| format!("the linker made no segment of {NOTE}, whose entry the packs take"))?;
        let sections = sections.to_vec();
        Ok(Some(Image { awaited, program, header: *header, segments, sections, names, note, shift }))
    }

    /// The headers with a segment of `size` bytes more.
    pub(crate) fn with_segment(&self, size: u64) -> Result<Ends, String> {
        let table = self.header.e_shoff.get(LE);
        let len = self.program.len() as u64;
        let table_end = table.checked_add(self.sections.len() as u64 * size_of::<Section>() as u64);
        // Where the table of sections is last, as linkers leave it, the new one takes its place.
        let kept = if table_end == Some(len) { table } else { len };
        let far = |segment: &&Segment| segment.p_type.get(LE) == elf::PT_LOAD;
        let ends = self.segments.iter().filter(far).map(|it| it.p_vaddr.get(LE).checked_add(it.p_memsz.get(LE)));
        let end = ends.max().flatten().ok_or("nothing of it is loaded")?;
        let next = |at: u64| at.checked_next_multiple_of(HUGE_PAGE);
        let too_large = || format!("{size} bytes more are too many");
        let (address, offset) = (next(end).ok_or_else(too_large)?, next(kept).ok_or_else(too_large)?);
        let tail_offset =
            offset.checked_add(size).and_then(|end| end.checked_next_multiple_of(8)).ok_or_else(too_large)?;
        address.checked_add(size).ok_or_else(too_large)?;

        let mut tail = [self.names, SECTION.as_bytes(), &[0]].concat();
        let (name, names_size) = (self.names.len(), tail.len());
        tail.resize(tail.len().next_multiple_of(8), 0);
        let mut header = self.header;
        header.e_shoff = U64::new(LE, tail_offset + tail.len() as u64);
        let (sections, index) = self.sections(Section {
            sh_name: U32::new(LE, name as u32),
            sh_type: U32::new(LE, elf::SHT_PROGBITS),
            sh_flags: U64::new(LE, elf::SHF_ALLOC),
            sh_addr: U64::new(LE, address),
            sh_offset: U64::new(LE, offset),
            sh_size: U64::new(LE, size),
            sh_link: U32::new(LE, 0),
            sh_info: U32::new(LE, 0),
            sh_addralign: U64::new(LE, HUGE_PAGE),
            sh_entsize: U64::new(LE, 0),
        })?;
        header.e_shnum = U16::new(LE, index);
        let mut sections = sections;
        let strings = &mut sections[self.header.e_shstrndx.get(LE).0 as usize];
        strings.sh_offset = U64::new(LE, tail_offset);
        strings.sh_size = U64::new(LE, names_size as u64);
        tail.extend(bytes_of_slice(&sections));

        let mut head = self.program[..kept as usize].to_vec();
        put(&mut head, 0, bytes_of(&header))?;
        put(&mut head, self.header.e_phoff.get(LE) as usize, bytes_of_slice(&self.segments(address, offset, size)))?;
        let slots = self.awaited.iter().flat_map(|awaited| &awaited.parts);
        let slots = slots.map(|&(slot, _)| (slot as usize, slot.wrapping_add(self.shift))).collect();
        Ok(Ends { head, offset, address, slots, tail_offset, tail })
    }

    /// The table of sections with one more, and how many it has.
    fn sections(&self, new: Section) -> Result<(Vec<Section>, u16), String> {
        let sections = [&self.sections[..], &[new]].concat();
        let count = u16::try_from(sections.len()).ok().filter(|&count| count < elf::SHN_LORESERVE);
        Ok((sections, count.ok_or("it has too many sections")?))
    }

    /// The table of segments: the new one after those that are loaded, in the order of addresses, in the place of the note.
    fn segments(&self, address: u64, offset: u64, size: u64) -> Vec<Segment> {
        let mut segments = self.segments.clone();
        segments.remove(self.note);
        let is_loaded = |segment: &Segment| segment.p_type.get(LE) == elf::PT_LOAD;
        let after = segments.iter().rposition(is_loaded).map_or(segments.len(), |last| last + 1);
        segments.insert(
            after,
            Segment {
                p_type: U32::new(LE, elf::PT_LOAD),
                p_flags: U32::new(LE, elf::PF_R),
                p_offset: U64::new(LE, offset),
                p_vaddr: U64::new(LE, address),
                p_paddr: U64::new(LE, address),
                p_filesz: U64::new(LE, size),
                p_memsz: U64::new(LE, size),
                p_align: U64::new(LE, HUGE_PAGE),
            },
        );
        segments
    }
}

/// The segment of the note alone; where the linker put others into it, too, those are found by their sections from then on.
fn note_entry(segments: &[Segment], note: &Section) -> Option<usize> {
    let (start, size) = (note.sh_offset.get(LE), note.sh_size.get(LE));
    let end = start.checked_add(size)?;
    let covers = |segment: &Segment| {
        let from = segment.p_offset.get(LE);
        let to = from.checked_add(segment.p_filesz.get(LE));
        segment.p_type.get(LE) == elf::PT_NOTE && from <= start && to.is_some_and(|to| to >= end)
    };
    let all = segments.iter().enumerate().filter(|(_, segment)| covers(segment));
    all.min_by_key(|(_, segment)| segment.p_filesz.get(LE)).map(|(at, _)| at)
}

/// Writes over what is there.
pub(crate) fn put(head: &mut [u8], at: usize, bytes: &[u8]) -> Result<(), String> {
    let place = at.checked_add(bytes.len()).and_then(|end| head.get_mut(at..end));
    place.ok_or("its headers lie where none are looked for")?.copy_from_slice(bytes);
    Ok(())
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use std::process::Command;

    /// Cut anywhere, or with other numbers in its headers: refused, or left alone, or read; never a panic.
    #[test]
    fn no_damaged_program_is_a_panic() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("program");
        let mut compiler = Command::new("cc");
        compiler.args(["-DFIRST_A=\"64\"", "-DFIRST_B=\"3\"", "-DSECOND=\"1\"", "-o"]).arg(&path);
        compiler.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/program.c"));
        if !compiler.status().is_ok_and(|status| status.success()) {
            eprintln!("skipped: no compiler of C here");
            return;
        }
        let linked = std::fs::read(&path).expect("it");
        let whole = Image::parse(&linked).expect("a program").expect("it awaits");
        assert_eq!(whole.awaited.iter().map(|it| it.parts.len()).collect::<Vec<_>>(), [2, 1]);
        let ends = whole.with_segment(100).expect("room for them");
        assert_eq!((ends.slots.len(), ends.offset % HUGE_PAGE, ends.address % HUGE_PAGE), (3, 0, 0));
        assert!(whole.with_segment(u64::MAX - 5).is_err());

        let read = |program: &[u8]| {
            if let Ok(Some(image)) = Image::parse(program) {
                let _any = image.with_segment(1 << 40);
            }
        };
        (0..linked.len()).step_by(7).for_each(|cut| read(&linked[..cut]));
        let table = whole.header.e_shoff.get(LE) as usize;
        let mut changed = linked.clone();
        for at in (0..0x340).chain(table..linked.len()) {
            for bits in [0x01, 0x80, 0xff] {
                changed[at] ^= bits;
                read(&changed);
                changed[at] = linked[at];
            }
        }
    }
}
