//! AMX: tiles of 16 rows of 64 int8 products each, exact in i32, 1,024 of them a cycle.
//!
//! A tile of codes is up to 16 rows of 64 bytes; a tile of weights is a panel's next 16 groups of four along k, 1 KiB as it lies in
//! the pack; their product is 16 columns of as many rows. Four tiles of sums, two of codes and two of weights are all that there are,
//! so that each tile that is loaded is used twice.
//! The compiler's own intrinsics are not stable, and it keeps nothing in these registers by itself: what is set here stays.
#![expect(unsafe_code, reason = "the instructions of this CPU, behind the token that proves it")]

use core::arch::asm;
use core::arch::x86_64::{__cpuid, __cpuid_count, _xgetbv};
use core::cell::Cell;
use core::marker::PhantomData;

/// Proof that this CPU has AMX's int8 tiles and that the system lets this process use them. Only detection makes one.
#[derive(Clone, Copy, Debug)]
pub struct Matrix(());

/// The depth of a step: bytes of a tile's row.
pub(crate) const STEP: usize = 64;
/// The most rows of a tile.
pub(crate) const ROWS: usize = 16;

/// Sums of two tiles of rows, each by two panels: `[tile of rows][panel][row][column]`.
#[repr(C, align(64))]
pub(crate) struct Sums(pub(crate) [[[[i32; 16]; ROWS]; 2]; 2]);

/// Tiles of so many rows, set up on this thread until this is dropped.
#[derive(Debug)]
pub(crate) struct Tiles {
    rows: usize,
    /// They are this thread's.
    thread: PhantomData<*mut ()>,
}

thread_local! {
    /// Whether this thread's tiles are set up.
    static TAKEN: Cell<bool> = const { Cell::new(false) };
}

/// Palette 1: the bytes of a row and the rows of each tile.
#[repr(C, align(64))]
struct Config {
    palette: u8,
    start_row: u8,
    reserved: [u8; 14],
    bytes: [u16; 16],
    rows: [u8; 16],
}

impl Matrix {
    pub(super) fn detect() -> Option<Self> {
        (has_tiles() && is_permitted()).then_some(Self(()))
    }

    /// Tiles of `rows` rows of codes.
    ///
    /// # Panics
    ///
    /// If there are none or more than 16, or this thread's tiles are taken.
    #[inline]
    pub(crate) fn tiles(self, rows: usize) -> Tiles {
        assert!((1..=ROWS).contains(&rows), "a tile of {rows} rows");
        assert!(!TAKEN.replace(true), "this thread's tiles are taken");
        let mut config = Config { palette: 1, start_row: 0, reserved: [0; 14], bytes: [0; 16], rows: [0; 16] };
        config.bytes[..8].fill(STEP as u16);
        config.rows[..6].fill(rows as u8);
        config.rows[6..8].fill(ROWS as u8);
        // SAFETY: the token proves the instruction, which reads the 64 bytes of `config`; no tile is in use on this thread.
        unsafe { asm!("ldtilecfg [{}]", in(reg) &raw const config, options(nostack, preserves_flags, readonly)) };
        Tiles { rows, thread: PhantomData }
    }
}

impl Matrix {
    /// So many products of whole tiles, four at a time, of what is loaded once: the most that the unit does. Returns the
    /// multiply-accumulates.
    pub fn peak(self, fours: u64) -> u64 {
        let (rows, panel) = ([1; ROWS * STEP], [1; ROWS * STEP]);
        let mut tiles = self.tiles(ROWS);
        let walk = tiles.walk([Some(&rows), Some(&rows)], STEP, [&panel; 2], 1);
        walk.step(0);
        for _ in 0..fours {
            // SAFETY: the tiles that `walk` borrows prove the instructions and are set up and loaded.
            unsafe {
                asm!(
                    "tdpbusd tmm0, tmm4, tmm6",
                    "tdpbusd tmm1, tmm4, tmm7",
                    "tdpbusd tmm2, tmm5, tmm6",
                    "tdpbusd tmm3, tmm5, tmm7",
                    options(nomem, nostack, preserves_flags)
                );
            }
        }
        let mut sums = Sums([[[[0; 16]; ROWS]; 2]; 2]);
        walk.store(&mut sums);
        core::hint::black_box(&sums);
        4 * fours * (ROWS * STEP * 16) as u64
    }
}

impl Tiles {
    /// One or two tiles of rows, `stride` bytes apart, beside two panels, `[k/4][16][4]`, both `steps` steps deep.
    ///
    /// # Panics
    ///
    /// If rows or panels are shorter than the steps.
    #[inline(always)]
    pub(crate) fn walk<'a>(
        &'a mut self,
        [rows, more]: [Option<&'a [u8]>; 2],
        stride: usize,
        panels: [&'a [i8]; 2],
        steps: usize,
    ) -> Walk<'a> {
        let depth = steps.checked_mul(STEP).expect("a depth within memory");
        let last = stride.checked_mul(self.rows - 1).and_then(|last| last.checked_add(depth));
        let last = last.expect("rows within memory");
        for rows in rows.iter().chain(&more) {
            assert!(rows.len() >= last, "rows are shorter than the walk");
        }
        for panel in panels {
            assert!(panel.len() / ROWS >= depth, "panels are shorter than the walk");
        }
        let rows = rows.expect("a walk has rows");
        let is_pair = more.is_some();
        // SAFETY: the token behind `self` proves the instructions, and its tiles are set up.
        unsafe {
            asm!(
                "tilezero tmm0",
                "tilezero tmm1",
                "tilezero tmm2",
                "tilezero tmm3",
                options(nomem, nostack, preserves_flags)
            );
        }
        let rows = [rows.as_ptr(), more.unwrap_or(rows).as_ptr()];
        Walk { rows, is_pair, stride, panels: panels.map(<[i8]>::as_ptr), steps, tiles: PhantomData }
    }
}

/// Rows and panels that are multiplied step by step, the sums in the tiles.
pub(crate) struct Walk<'a> {
    rows: [*const u8; 2],
    is_pair: bool,
    stride: usize,
    panels: [*const i8; 2],
    steps: usize,
    tiles: PhantomData<(&'a Tiles, &'a [u8])>,
}

impl Walk<'_> {
    /// Adds the products of step `at`.
    ///
    /// # Panics
    ///
    /// If there is no such step.
    #[inline(always)]
    pub(crate) fn step(&self, at: usize) {
        assert!(at < self.steps, "a step past the last");
        let [p, q] = self.panels.map(|panel| panel.wrapping_add(at * ROWS * STEP));
        let [a, b] = self.rows.map(|rows| rows.wrapping_add(at * STEP));
        // SAFETY: the tiles that `self` borrows prove the instructions and are set up. That 64 bytes of each of their rows, `stride`
        // apart, and 1 KiB of each panel lie at any step was checked when the walk was made.
        unsafe {
            asm!(
                "tileloadd tmm6, [{p} + {line}*1]",
                "tileloadd tmm4, [{a} + {stride}*1]",
                "tdpbusd tmm0, tmm4, tmm6",
                "tileloadd tmm7, [{q} + {line}*1]",
                "tdpbusd tmm1, tmm4, tmm7",
                p = in(reg) p,
                q = in(reg) q,
                a = in(reg) a,
                stride = in(reg) self.stride,
                line = in(reg) STEP,
                options(readonly, nostack, preserves_flags),
            );
        }
        if !self.is_pair {
            return;
        }
        // SAFETY: as above; the panels' tiles are still those of this step.
        unsafe {
            asm!(
                "tileloadd tmm5, [{b} + {stride}*1]",
                "tdpbusd tmm2, tmm5, tmm6",
                "tdpbusd tmm3, tmm5, tmm7",
                b = in(reg) b,
                stride = in(reg) self.stride,
                options(readonly, nostack, preserves_flags),
            );
        }
    }

    /// The sums of the steps taken.
    #[inline(always)]
    pub(crate) fn store(self, sums: &mut Sums) {
        // SAFETY: the tiles that `self` borrows prove the instructions and are set up; `sums` holds four tiles of 1 KiB, their rows 64
        // bytes apart.
        unsafe {
            asm!(
                "tilestored [{sums} + {line}*1], tmm0",
                "tilestored [{sums} + {line}*1 + 1024], tmm1",
                "tilestored [{sums} + {line}*1 + 2048], tmm2",
                "tilestored [{sums} + {line}*1 + 3072], tmm3",
                sums = in(reg) &raw mut sums.0,
                line = in(reg) STEP,
                options(nostack, preserves_flags),
            );
        }
    }
}

impl Drop for Tiles {
    fn drop(&mut self) {
        // SAFETY: that this value was made proves the instruction; nothing else uses this thread's tiles.
        unsafe { asm!("tilerelease", options(nomem, nostack, preserves_flags)) };
        TAKEN.set(false);
    }
}

/// Whether the CPU has int8 tiles and the system saves them.
fn has_tiles() -> bool {
    if __cpuid(0).eax < 7 || !is_x86_feature_detected!("xsave") {
        return false;
    }
    const TILE_AND_INT8: u32 = 0b11 << 24;
    const STATES: u64 = 0b11 << 17;
    #[target_feature(enable = "xsave")]
    fn saved() -> u64 {
        // SAFETY: the caller proves XSAVE; register 0 is there wherever the system has turned it on.
        unsafe { _xgetbv(0) }
    }
    const OSXSAVE: u32 = 1 << 27;
    if __cpuid(1).ecx & OSXSAVE == 0 || __cpuid_count(7, 0).edx & TILE_AND_INT8 != TILE_AND_INT8 {
        return false;
    }
    // SAFETY: detected above.
    unsafe { saved() & STATES == STATES }
}

/// Whether the system lets this process, all of its threads, use tiles: Linux wants to be asked, since it must save 8 KiB more a thread.
#[cfg(target_os = "linux")]
fn is_permitted() -> bool {
    const REQUEST_PERMISSION: libc::c_ulong = 0x1023;
    const TILE_DATA: libc::c_ulong = 18;
    // SAFETY: the request takes numbers alone.
    unsafe { libc::syscall(libc::SYS_arch_prctl, REQUEST_PERMISSION, TILE_DATA) == 0 }
}

#[cfg(not(target_os = "linux"))]
fn is_permitted() -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tiles_are_one_user_s_at_a_time() {
        let Some(matrix) = Matrix::detect() else {
            eprintln!("skipped: this CPU has no AMX");
            return;
        };
        let tiles = matrix.tiles(3);
        assert!(std::panic::catch_unwind(|| matrix.tiles(2)).is_err());
        drop(tiles);
        drop(matrix.tiles(16));
        assert!(std::panic::catch_unwind(|| matrix.tiles(17)).is_err());
    }
}
