//! What was attached to the program after it was linked: its record says how far from itself each part lies.

use crate::model::Error;
use modeldeploy_format::pack::{Bytes, places};

/// The parts of what `record` speaks of; it is a static of the expansion, `what` it is for errors.
///
/// # Errors
///
/// If nothing was attached.
pub(super) fn parts(what: &'static str, record: &'static [u8]) -> Result<Vec<&'static [u8]>, Error> {
    let places = places(record, record.as_ptr().addr() as u64);
    match places.as_deref() {
        Some([place]) => match &place.bytes {
            Bytes::Parts(parts) => Ok(parts.iter().map(|&(address, size)| slice(address, size)).collect()),
            Bytes::Awaited(_) => Err(Error::NotAttached { what }),
            Bytes::Beside(_) => Err(damaged(what)),
        },
        _ => Err(damaged(what)),
    }
}

fn damaged(what: &str) -> Error {
    Error::Damaged { cause: format!("{what} has a damaged record in the program") }
}

fn slice(address: u64, size: u64) -> &'static [u8] {
    let start = core::ptr::with_exposed_provenance::<u8>(address as usize);
    #[expect(unsafe_code, reason = "the linker did not see what was attached after it, so no static stands for it")]
    // SAFETY: a record has distances only where `cargo modeldeploy build` wrote them, together with the read-only segment in which they
    // end; the system maps it with the program, whose file is no more to be changed while it runs than for its code.
    unsafe {
        core::slice::from_raw_parts(start, size as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use modeldeploy_format::pack::MARK;

    fn record(distances: &[(u64, u64)]) -> &'static mut [u8] {
        let mut bytes = [&MARK[..], &(distances.len() as u64).to_le_bytes()].concat();
        for (distance, size) in distances {
            bytes.extend([distance.to_le_bytes(), size.to_le_bytes()].concat());
        }
        bytes.extend([0; 48]);
        Vec::leak(bytes)
    }

    #[test]
    fn parts_are_found_from_their_record() {
        let pack = Vec::leak(b"a pack in two parts".to_vec());
        let whole = record(&[(0, 6), (0, 13)]);
        for (slot, part) in [(16, 0), (32, 6)] {
            let from = (whole.as_ptr().addr() + slot) as u64;
            let to = pack[part..].as_ptr().expose_provenance() as u64;
            whole[slot..slot + 8].copy_from_slice(&to.wrapping_sub(from).to_le_bytes());
        }
        let found = parts("model `m`", whole).expect("two parts");
        assert_eq!(found, [&b"a pack"[..], &b" in two parts"[..]]);
    }

    #[test]
    fn what_was_not_attached_or_is_no_record_is_an_error() {
        let error = parts("model `m`", record(&[(0, 6)])).expect_err("nothing is attached").to_string();
        assert!(
            error.contains("model `m` is not in the program") && error.contains("--release` attaches it"),
            "{error}"
        );
        for wrong in [&b""[..], b"MDPARTS\n", &[0; 64]] {
            let error = parts("model `m`", Vec::leak(wrong.to_vec())).expect_err("no record").to_string();
            assert!(error.contains("damaged record"), "{error}");
        }
    }
}
