//! Small executables: the headers of ELF for 64-bit processors, and sections of any bytes.

/// x86-64's number; aarch64 has 183, s390x 22.
pub(crate) const X86_64: u16 = 62;

/// A section: its name, its address, its bytes.
pub(crate) type Section<'a> = (&'a str, u64, Vec<u8>);

/// An executable with these sections, one after the other.
pub(crate) fn elf(machine: u16, sections: &[Section<'_>]) -> Vec<u8> {
    const HEADER: usize = 64;
    let (mut data, mut names, mut headers) = (vec![], vec![0], vec![[0; 64]]);
    let mut add = |name: &str, kind: u32, address: u64, bytes: &[u8]| {
        headers.push(header(names.len() as u32, kind, address, HEADER + data.len(), bytes.len()));
        data.extend(bytes);
        names.extend(name.bytes().chain([0]));
        names.clone()
    };
    for (name, address, bytes) in sections {
        add(name, 1, *address, bytes);
    }
    // Its own name is among the names.
    let names_of_all = [add("", 3, 0, b""), b".shstrtab\0".to_vec()].concat();
    let at = HEADER + data.len();
    let last = headers.len() - 1;
    headers[last] = header(names_of_all.len() as u32 - 10, 3, 0, at, names_of_all.len());
    data.extend(names_of_all);
    let mut out = b"\x7fELF\x02\x01\x01".to_vec();
    out.resize(16, 0);
    out.extend([3_u16, machine].iter().flat_map(|half| half.to_le_bytes()));
    out.extend(1_u32.to_le_bytes());
    for word in [0, 0, (HEADER + data.len()) as u64] {
        out.extend(word.to_le_bytes());
    }
    out.extend(0_u32.to_le_bytes());
    for half in [HEADER as u16, 56, 0, 64, headers.len() as u16, last as u16] {
        out.extend(half.to_le_bytes());
    }
    out.extend(data);
    out.extend(headers.concat());
    out
}

fn header(name: u32, kind: u32, address: u64, offset: usize, size: usize) -> [u8; 64] {
    let words = [2, address, offset as u64, size as u64, 0, 1, 0];
    let bytes = [name.to_le_bytes().to_vec(), kind.to_le_bytes().to_vec()].concat();
    let bytes = words.iter().fold(bytes, |bytes, word: &u64| [bytes, word.to_le_bytes().to_vec()].concat());
    bytes.try_into().expect("8 bytes and seven words")
}
