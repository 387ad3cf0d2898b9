//! Where the program itself lies.

use std::path::PathBuf;

/// The program's file: as `/proc` has it, links followed, or, where no `/proc` is, as it was called.
pub(super) fn path() -> Option<PathBuf> {
    std::env::current_exe().ok().or_else(called)
}

/// The path by which the system was asked to run it. Without a slash in it, it says nothing of a folder.
#[cfg(target_os = "linux")]
fn called() -> Option<PathBuf> {
    use std::ffi::{CStr, OsStr};
    use std::os::unix::ffi::OsStrExt;

    #[expect(unsafe_code, reason = "what the system hands to a program beside its arguments only the C library reads")]
    // SAFETY: it reads a table that is there for the life of the process.
    let text = unsafe { libc::getauxval(libc::AT_EXECFN) };
    if text == 0 {
        return None;
    }
    let text = core::ptr::with_exposed_provenance(text as usize);
    #[expect(unsafe_code, reason = "as above")]
    // SAFETY: the entry is the address of a text that ends with a zero and stays above the first frame of the stack.
    let text = unsafe { CStr::from_ptr(text) };
    let path = PathBuf::from(OsStr::from_bytes(text.to_bytes()));
    std::path::absolute(path).ok()
}

#[cfg(not(target_os = "linux"))]
fn called() -> Option<PathBuf> {
    None
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn both_ways_lead_to_this_program() {
        let by_proc = path().expect("Linux has it");
        let called = called().expect("Linux says it").canonicalize().expect("a file");
        assert_eq!(called, by_proc.canonicalize().expect("a file"));
    }
}
