//! The header of an entry, where readers of archives read it differently.
//!
//! There are four forms of it, and where one is put together from two, some take a name from a field that others do not look at; sizes
//! are octal texts or binary, of which some read what others refuse. What is written by any tool passes.

/// Where fields lie.
const SIZE: std::ops::Range<usize> = 124..136;
const MAGIC: std::ops::Range<usize> = 257..263;
const VERSION: std::ops::Range<usize> = 263..265;
/// In GNU's form two times lie where in the others the first part of a long name does.
const TIMES: [std::ops::Range<usize>; 2] = [345..357, 357..369];
/// The last byte of that part in Schilling's form, which is told by its end.
const LAST_OF_STAR: usize = 475;
const END_OF_STAR: std::ops::Range<usize> = 508..512;

/// Refuses a header that is not one thing to all.
pub(super) fn check(header: &[u8; 512]) -> Result<(), &'static str> {
    if !is_number(&header[SIZE]) {
        return Err("a size is no number to some readers");
    }
    let is_posix = &header[MAGIC] == b"ustar\0";
    let is_gnu = &header[MAGIC] == b"ustar ";
    let version = &header[VERSION];
    if is_posix && version != b"00" || is_gnu && version != b" \0" {
        return Err("a header is of a form that some readers take for another");
    }
    if is_gnu && TIMES.iter().any(|time| header[time.start] != 0 && !is_number(&header[time.clone()])) {
        return Err("a header has a time that some readers take for a name");
    }
    if is_posix && &header[END_OF_STAR] == b"tar\0" && header[LAST_OF_STAR] != 0 {
        return Err("a header has a name that some readers cut off");
    }
    Ok(())
}

/// Whether every reader reads this number: octal digits with what ends them, or binary and not negative.
fn is_number(field: &[u8]) -> bool {
    if field[0] == 0x80 {
        return field[1..field.len() - 8].iter().all(|&byte| byte == 0) && field[field.len() - 8] < 0x80;
    }
    let from = field.iter().position(|&byte| byte != b' ').unwrap_or(field.len());
    let digits = field[from..].iter().take_while(|byte| matches!(byte, b'0'..=b'7')).count();
    digits > 0 && field[from + digits..].iter().all(|byte| matches!(byte, b' ' | 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(change: impl Fn(&mut [u8; 512])) -> [u8; 512] {
        let mut header = [0; 512];
        header[SIZE].copy_from_slice(b"00000000017\0");
        header[MAGIC].copy_from_slice(b"ustar\0");
        header[VERSION].copy_from_slice(b"00");
        change(&mut header);
        header
    }

    #[test]
    fn what_tools_write_passes() {
        let gnu = |header: &mut [u8; 512]| header[257..265].copy_from_slice(b"ustar  \0");
        let old = |header: &mut [u8; 512]| header[257..265].copy_from_slice(&[0; 8]);
        let times = |header: &mut [u8; 512]| {
            gnu(header);
            header[TIMES[0].clone()].copy_from_slice(b"14000000000\0");
        };
        let binary = |header: &mut [u8; 512]| header[SIZE].copy_from_slice(b"\x80\0\0\0\0\0\0\x02\0\0\0\0");
        let spaces = |header: &mut [u8; 512]| header[SIZE].copy_from_slice(b"        17 \0");
        for passes in [header(|_| {}), header(gnu), header(old), header(times), header(binary), header(spaces)] {
            assert_eq!(check(&passes), Ok(()));
        }
    }

    #[test]
    fn what_readers_differ_about_does_not() {
        let size = |field: &'static [u8; 12]| header(|header| header[SIZE].copy_from_slice(field));
        let negative = size(b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff");
        let long = size(b"\x80\0\0\x01\0\0\0\0\0\0\0\x10");
        let sign = size(b"+0000000017\0");
        let behind = size(b"00000 00017\0");
        let none = size(b"\0\0\0\0\0\0\0\0\0\0\0\0");
        let version = header(|header| header[VERSION].copy_from_slice(b"01"));
        let time = header(|header| {
            header[257..265].copy_from_slice(b"ustar  \0");
            header[TIMES[0].clone()].copy_from_slice(b"usr/bin\0\0\0\0\0");
        });
        let star = header(|header| {
            header[END_OF_STAR].copy_from_slice(b"tar\0");
            header[345..500].fill(b'x');
        });
        for differs in [negative, long, sign, behind, none, version, time, star] {
            assert!(check(&differs).is_err());
        }
    }
}
