//! Weights in memory before the first request, and on which pages.

use std::io;

/// How the bytes of a model are held in memory. Without any of these a page is read from the file when it is first needed, and
/// the system may drop it again.
///
/// One core of a Zen 4, reading the bytes in a row, best of 20 passes: 24 MB, which the third cache holds, at 42 GB/s from file
/// pages of 4 KiB and at 64 GB/s from huge pages; 110 MB, which it does not, at 12 and 35 GB/s. A model whose weights the caches hold
/// gains little, since they are fetched ahead: all-MiniLM-L6-v2 (24 MB) in int8 answers a query of 7 tokens 0 to 5 % sooner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Warm {
    /// Every page is read once. They stay the file's own, shared between processes, and the system may still drop them.
    Touch,
    /// As [`Touch`](Warm::Touch), and the system must keep them: `mlock`, within the limit `RLIMIT_MEMLOCK`.
    Lock,
    /// The bytes are copied to huge pages, which take the place of the file's pages at the same address. Reading is faster; the
    /// price is as much private memory, which is not locked even if the file's was. What fills no whole huge page of 2 MiB stays
    /// where it is, touched. It takes Linux 6.1 or later with transparent huge pages.
    Huge,
}

impl Warm {
    /// All of them, by name.
    pub const ALL: [Warm; 3] = [Warm::Touch, Warm::Lock, Warm::Huge];

    /// `touch`, `lock` or `huge`.
    pub const fn name(self) -> &'static str {
        match self {
            Warm::Touch => "touch",
            Warm::Lock => "lock",
            Warm::Huge => "huge",
        }
    }

    /// The one of that name.
    pub fn from_name(name: &str) -> Option<Warm> {
        Warm::ALL.into_iter().find(|warm| warm.name() == name)
    }

    /// Holds `bytes` so.
    ///
    /// # Errors
    ///
    /// What the system says where it refuses; the bytes are then as they were, but touched.
    pub(crate) fn hold(self, bytes: &'static [u8]) -> io::Result<()> {
        touch(bytes);
        match self {
            Warm::Touch => Ok(()),
            Warm::Lock => system::lock(bytes),
            Warm::Huge => system::huge(bytes),
        }
    }
}

/// No page is smaller.
const PAGE: usize = 4096;

fn touch(bytes: &[u8]) {
    let sum = bytes.chunks(PAGE).fold(0u8, |sum, page| sum.wrapping_add(page[0]));
    core::hint::black_box(sum);
}

#[cfg(unix)]
mod system {
    #![expect(unsafe_code, reason = "pages are the system's, and its calls are unsafe")]

    use std::io;

    fn done(status: i32) -> io::Result<()> {
        if status == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
    }

    pub(super) fn lock(bytes: &'static [u8]) -> io::Result<()> {
        // SAFETY: the range is a slice's, and locking changes none of it.
        done(unsafe { libc::mlock(bytes.as_ptr().cast(), bytes.len()) })
    }

    #[cfg(not(target_os = "linux"))]
    pub(super) fn huge(_: &'static [u8]) -> io::Result<()> {
        Err(io::Error::new(io::ErrorKind::Unsupported, "only Linux moves a mapping onto huge pages"))
    }

    #[cfg(target_os = "linux")]
    pub(super) use linux::huge;

    #[cfg(target_os = "linux")]
    mod linux {
        use super::done;
        use core::ffi::c_void;
        use core::ops::Range;
        use std::io;

        /// A huge page of x86-64, and of aarch64 with pages of 4 KiB.
        const HUGE: usize = 2 << 20;

        /// The whole huge pages within `bytes`.
        pub(super) fn whole(address: usize, len: usize) -> Range<usize> {
            let start = address.next_multiple_of(HUGE);
            let end = (address + len) / HUGE * HUGE;
            start..end.max(start)
        }

        /// Private pages that nobody else has, at a multiple of a huge page; unmapped when dropped.
        struct Fresh {
            base: *mut c_void,
            len: usize,
        }

        impl Fresh {
            fn new(len: usize) -> io::Result<Fresh> {
                let (access, kind) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS);
                // One huge page more, so that a multiple of its size lies within.
                // SAFETY: the system chooses an address where nothing lies.
                let base = unsafe { libc::mmap(core::ptr::null_mut(), len + HUGE, access, kind, -1, 0) };
                if base == libc::MAP_FAILED {
                    return Err(io::Error::last_os_error());
                }
                let aligned = base.map_addr(|address| address.next_multiple_of(HUGE));
                let before = aligned.addr() - base.addr();
                // What lies before and after is given back at once.
                drop(Fresh { base, len: before });
                drop(Fresh { base: aligned.map_addr(|address| address + len), len: HUGE - before });
                Ok(Fresh { base: aligned, len })
            }

            /// Puts these pages in the place of those at `place`.
            fn take_the_place_of(self, place: &'static [u8]) {
                let target = place.as_ptr().cast_mut().cast::<c_void>();
                let kind = libc::MREMAP_MAYMOVE | libc::MREMAP_FIXED;
                // SAFETY: the bytes at `place` are for reading only, for the life of the process, and the pages that take their
                // place hold the same. The system exchanges them as one: a thread that reads meets the old ones or the new. Should
                // it fail, the process ends, for the bytes may be gone.
                let moved = unsafe { libc::mremap(self.base, self.len, self.len, kind, target) };
                if moved == libc::MAP_FAILED {
                    eprintln!(
                        "modeldeploy: the weights were lost on their way to huge pages: {}",
                        io::Error::last_os_error()
                    );
                    std::process::abort();
                }
                // Where they were, somebody else's may lie by now.
                core::mem::forget(self);
            }
        }

        impl Drop for Fresh {
            fn drop(&mut self) {
                if self.len > 0 {
                    // SAFETY: the pages are this value's own, and nothing points to them.
                    let _unmapped = unsafe { libc::munmap(self.base, self.len) };
                }
            }
        }

        pub(in super::super) fn huge(bytes: &'static [u8]) -> io::Result<()> {
            let pages = whole(bytes.as_ptr().addr(), bytes.len());
            if pages.is_empty() {
                return Ok(());
            }
            let (len, from) = (pages.len(), pages.start - bytes.as_ptr().addr());
            let bytes = &bytes[from..from + len];
            let fresh = Fresh::new(len)?;
            // SAFETY: the pages are `fresh`'s; asking for huge ones changes no byte.
            done(unsafe { libc::madvise(fresh.base, len, libc::MADV_HUGEPAGE) })?;
            // SAFETY: both ranges have this length, and the fresh one is nobody else's.
            unsafe { core::ptr::copy_nonoverlapping(bytes.as_ptr(), fresh.base.cast(), len) };
            gather(&fresh)?;
            // SAFETY: the fresh pages are nobody else's.
            done(unsafe { libc::mprotect(fresh.base, len, libc::PROT_READ) })?;
            fresh.take_the_place_of(bytes);
            Ok(())
        }

        /// Makes huge pages of all of them, or says that the system cannot.
        fn gather(fresh: &Fresh) -> io::Result<()> {
            let once = || {
                // SAFETY: the pages are `fresh`'s, and their bytes stay as they are.
                done(unsafe { libc::madvise(fresh.base, fresh.len, libc::MADV_COLLAPSE) })
            };
            // The system asks for patience while it moves pages about.
            let is_passing = |error: &io::Error| matches!(error.raw_os_error(), Some(libc::EAGAIN | libc::EBUSY));
            for _ in 0..9 {
                match once() {
                    Err(error) if is_passing(&error) => std::thread::sleep(std::time::Duration::from_millis(1)),
                    done => return done,
                }
            }
            once()
        }
    }

    #[cfg(all(test, target_os = "linux"))]
    mod tests {
        use super::linux::whole;

        #[test]
        fn only_whole_huge_pages_are_moved() {
            const MIB: usize = 1 << 20;
            assert_eq!(whole(0, 6 * MIB), 0..6 * MIB);
            assert_eq!(whole(1, 6 * MIB), 2 * MIB..6 * MIB);
            assert_eq!(whole(MIB, 6 * MIB - 1), 2 * MIB..6 * MIB);
            assert!(whole(MIB, 2 * MIB).is_empty());
            assert!(whole(2 * MIB, 0).is_empty());
        }
    }
}

#[cfg(not(unix))]
mod system {
    use std::io;

    fn unsupported() -> io::Result<()> {
        Err(io::Error::new(io::ErrorKind::Unsupported, "this system's pages are not held by name"))
    }

    pub(super) fn lock(_: &'static [u8]) -> io::Result<()> {
        unsupported()
    }

    pub(super) fn huge(_: &'static [u8]) -> io::Result<()> {
        unsupported()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::link::Mapping;
    use std::io::Write;

    fn mapped(len: usize) -> &'static [u8] {
        let mut file = tempfile::tempfile().expect("a temporary file");
        let bytes: Vec<u8> = (0..len).map(|i| (i.wrapping_mul(0x9e37_79b9) >> 13) as u8).collect();
        file.write_all(&bytes).expect("it can be written");
        let mapping = Box::leak(Box::new(Mapping::of(&file).expect("a mapping")));
        assert_eq!(mapping.bytes(), bytes);
        mapping.bytes()
    }

    #[test]
    fn a_name_is_found() {
        for warm in Warm::ALL {
            assert_eq!(Warm::from_name(warm.name()), Some(warm));
        }
        assert_eq!(Warm::from_name("hot"), None);
    }

    #[test]
    fn bytes_are_the_same_however_they_are_held() {
        let bytes = mapped(40_000);
        let before = bytes.to_vec();
        Warm::Touch.hold(bytes).expect("pages can be read");
        Warm::Lock.hold(bytes).expect("40 kB are within any limit");
        assert_eq!(bytes, before);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn huge_pages_take_the_place_of_the_files_while_others_read() {
        let bytes = mapped(9 << 20);
        let before = bytes.to_vec();
        if let Err(error) = Warm::Huge.hold(mapped(5 << 20)) {
            eprintln!("skipped: this system makes no huge pages: {error}");
            return;
        }
        let (address, sum) = (bytes.as_ptr(), bytes.iter().map(|&byte| u64::from(byte)).sum::<u64>());
        std::thread::scope(|scope| {
            let reader = scope.spawn(|| (0..20).all(|_| bytes.iter().map(|&byte| u64::from(byte)).sum::<u64>() == sum));
            for _ in 0..3 {
                Warm::Huge.hold(bytes).expect("memory for 9 MiB");
            }
            assert!(reader.join().expect("a thread that reads meets the same bytes"));
        });
        assert!(bytes == before && bytes.as_ptr() == address);
        // The pages between are private now, which the file's were not.
        let whole = bytes.as_ptr().addr().next_multiple_of(2 << 20);
        let maps = std::fs::read_to_string("/proc/self/smaps").expect("Linux has it");
        let start = format!("{whole:x}-");
        let ours = maps.lines().skip_while(|line| !line.starts_with(&start));
        let private = ours.into_iter().find(|line| line.starts_with("Anonymous:")).expect("a mapping begins there");
        let kib: usize = private.split_whitespace().nth(1).and_then(|kib| kib.parse().ok()).expect("a number");
        assert!(kib >= 6 << 10, "{private}");
    }
}
