//! The weights of one panel in the form that `Simd::dot` takes, made once for all the tiles that pass over them.
#![expect(unsafe_code, reason = "room on the stack is not cleared before it is written")]

use std::mem::MaybeUninit;

use super::simd::Simd;

/// The most steps along k for which there is room: 4096 deep, as the deepest layers of encoders are.
const STEPS: usize = 1024;
/// The most of them that are kept for one tile alone, which gains by it as long as they stay in the first cache (by single
/// runs on a Sapphire Rapids server; bench `kernels` measures it).
const ALONE: usize = 256;

/// One step's weights, as [`Simd::keep`] gives them.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(64))]
pub(crate) struct Kept([[i32; 16]; 2]);

impl Kept {
    /// What was kept.
    #[inline(always)]
    pub(crate) fn weights<S: Simd>(&self, s: S) -> S::Weights {
        s.kept([s.load_int(&self.0[0]), s.load_int(&self.0[1])])
    }
}

/// Room for the weights of one panel: 128 KiB of stack, touched as far as the panel is deep.
pub(crate) struct Room([MaybeUninit<Kept>; STEPS]);

impl Room {
    #[inline(always)]
    pub(crate) fn new() -> Self {
        Self([const { MaybeUninit::uninit() }; STEPS])
    }

    /// Keeps the weights of a panel for so many tiles, all or, where they are too many, none. Returns what they leave out, too.
    #[inline(always)]
    pub(crate) fn keep<S: Simd>(&mut self, s: S, panel: &[[i8; 64]], tiles: usize) -> (&[Kept], S::I) {
        let mut debt = s.splat_int(0);
        let most = if tiles == 1 { ALONE } else { STEPS };
        let Some(room) = self.0[..most].get_mut(..panel.len()) else {
            for weights in panel {
                debt = s.debt(debt, s.weights(weights));
            }
            return (&[], debt);
        };
        for (room, weights) in room.iter_mut().zip(panel) {
            let weights = s.weights(weights);
            let [first, second] = s.keep(weights);
            let Kept(room) = room.write(Kept([[0; 16]; 2]));
            s.store_int(&mut room[0], first);
            s.store_int(&mut room[1], second);
            debt = s.debt(debt, weights);
        }
        // SAFETY: `room` is as long as `panel`, so the loop has written each of it.
        (unsafe { room.assume_init_ref() }, debt)
    }
}
