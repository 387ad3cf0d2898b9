//! What this machine reaches at the most, measured: the ceilings that kernels are told as parts of.

use modeldeploy::isa::{Isa, Kernel, Matrix, Simd, Tiles};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::hint::black_box;
use std::time::Instant;

/// What a kernel is bound by, and how much of it it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// So many int8 multiply-accumulates.
    Int8(u64),
    /// So many f32 multiply-accumulates.
    Float(u64),
    /// So many bytes read, from memory as large.
    Read(u64),
    /// So many bytes read and written, half of them each, in memory as large.
    Copy(u64),
}

/// What can be had a second, of [`Work::amount`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ceiling {
    /// A second.
    pub rate: f64,
    /// `MAC` or `B`.
    pub unit: &'static str,
}

impl Work {
    /// Multiply-accumulates or bytes.
    pub fn amount(self) -> u64 {
        match self {
            Work::Int8(amount) | Work::Float(amount) | Work::Read(amount) | Work::Copy(amount) => amount,
        }
    }

    /// What tells one ceiling from another.
    fn kind(self) -> (&'static str, u64) {
        match self {
            Work::Int8(_) => ("int8", 0),
            Work::Float(_) => ("f32", 0),
            Work::Read(bytes) => ("read", bytes),
            Work::Copy(bytes) => ("copy", bytes),
        }
    }
}

/// The ceilings measured so far.
#[derive(Debug, Default)]
pub struct Machine {
    known: RefCell<BTreeMap<(&'static str, &'static str, u64), Ceiling>>,
}

impl Machine {
    /// The ceiling of `work` on `isa`: measured when it is first asked for, and said on stderr.
    pub fn ceiling(&self, isa: Isa, work: Work) -> Ceiling {
        let (kind, size) = work.kind();
        *self.known.borrow_mut().entry((isa.name(), kind, size)).or_insert_with(|| {
            let ceiling = measure(isa, work);
            let of = if size == 0 { String::new() } else { format!(" of {size} bytes") };
            eprintln!("ceiling of {isa}, {kind}{of}: {:.1} G{}/s", ceiling.rate / 1e9, ceiling.unit);
            ceiling
        })
    }
}

/// How long a ceiling is looked for; the best of all tries counts.
const SECONDS: f64 = 0.3;

fn measure(isa: Isa, work: Work) -> Ceiling {
    match work {
        Work::Int8(_) => {
            if let Some(matrix) = isa.run(Unit) {
                return Ceiling { rate: best(matrix.peak(STEPS as u64), || matrix.peak(STEPS as u64)), unit: "MAC" };
            }
            let codes = Box::new([[[200, 3, 127, 50]; ROWS]; STEPS]);
            let weights = std::array::from_fn(|p| std::array::from_fn(|i| (i + p) as i8));
            let macs = isa.run(Chains { codes: &codes, weights: &weights }).0;
            Ceiling {
                rate: best(macs, || black_box(isa.run(Chains { codes: black_box(&codes), weights: &weights })).0),
                unit: "MAC",
            }
        }
        Work::Float(_) => {
            let factors = Box::new([[0.5; 16]; STEPS]);
            let macs = isa.run(Fused(&factors)).0;
            Ceiling { rate: best(macs, || black_box(isa.run(Fused(black_box(&factors)))).0), unit: "MAC" }
        }
        Work::Read(bytes) => {
            let values = lines(bytes);
            Ceiling {
                rate: best(bytes, || {
                    black_box(isa.run(Read(black_box(&values))));
                    bytes
                }),
                unit: "B",
            }
        }
        Work::Copy(bytes) => {
            let (from, mut to) = (lines(bytes / 2), lines(bytes / 2));
            let rate = best(bytes, || {
                isa.run(Copy { from: black_box(&from), to: black_box(&mut to) });
                bytes
            });
            Ceiling { rate, unit: "B" }
        }
    }
}

/// The best rate of `amount` a run.
fn best(amount: u64, mut run: impl FnMut() -> u64) -> f64 {
    let begin = Instant::now();
    let mut least = f64::INFINITY;
    // So many runs a try that the clock's own time does not count.
    let mut runs = 1;
    while begin.elapsed().as_secs_f64() < SECONDS {
        let start = Instant::now();
        for _ in 0..runs {
            assert_eq!(run(), amount);
        }
        let seconds = start.elapsed().as_secs_f64();
        least = least.min(seconds / f64::from(runs));
        if seconds < 2e-4 {
            runs *= 2;
        }
    }
    amount as f64 / least
}

fn lines(bytes: u64) -> Vec<[f32; 16]> {
    vec![[1.0; 16]; (bytes as usize).div_ceil(64).next_multiple_of(8)]
}

const STEPS: usize = 2048;

/// The matrix unit beside the vectors, if there is one.
struct Unit;

impl Kernel for Unit {
    type Output = Option<Matrix>;

    fn run<S: Simd>(self, s: S) -> Option<Matrix> {
        s.matrix()
    }
}

/// int8 products with nothing to load but a few rows' codes, the weights being in registers; how many they were, and what keeps them
/// from being left out.
struct Chains<'a> {
    codes: &'a [[[u8; 4]; ROWS]; STEPS],
    weights: &'a [[i8; 64]; PANELS],
}

/// The most rows and panels of its tile.
const ROWS: usize = 6;
const PANELS: usize = 4;

impl Chains<'_> {
    #[inline(always)]
    fn chains<S: Simd, const R: usize, const P: usize>(&self, s: S) -> (u64, [i32; 16]) {
        let mut totals = [[s.splat_int(0); P]; R];
        let mut weights = [s.weights(&self.weights[0]); P];
        for (to, weights) in weights.iter_mut().zip(self.weights) {
            *to = s.weights(weights);
        }
        for codes in self.codes {
            for (totals, codes) in totals.iter_mut().zip(codes) {
                let codes = s.codes(*codes);
                for (total, &weights) in totals.iter_mut().zip(&weights) {
                    *total = s.dot(*total, codes, weights);
                }
            }
        }
        let sum = totals.into_iter().flatten().fold(s.splat_int(0), |sum, total| s.add_int(sum, total));
        let mut out = [0; 16];
        s.store_int(&mut out, sum);
        ((STEPS * R * P * 64) as u64, out)
    }
}

impl Kernel for Chains<'_> {
    type Output = (u64, [i32; 16]);

    #[inline(always)]
    fn run<S: Simd>(self, s: S) -> Self::Output {
        match S::TILES {
            Tiles::Wide => self.chains::<S, ROWS, PANELS>(s),
            Tiles::Narrow if S::DOT_ROWS == ROWS => self.chains::<S, ROWS, 1>(s),
            Tiles::Narrow => self.chains::<S, 4, 1>(s),
        }
    }
}

/// f32 products likewise.
struct Fused<'a>(&'a [[f32; 16]; STEPS]);

impl Fused<'_> {
    #[inline(always)]
    fn chains<S: Simd, const N: usize>(&self, s: S) -> (u64, [f32; 16]) {
        let mut totals = [s.splat(0.0); N];
        let factor = s.splat(0.75);
        for x in self.0 {
            let x = s.load(x);
            for total in &mut totals {
                *total = s.fma(x, factor, *total);
            }
        }
        let sum = totals.into_iter().fold(s.splat(0.0), |sum, total| s.add(sum, total));
        let mut out = [0.0; 16];
        s.store(&mut out, sum);
        ((STEPS * N * 16) as u64, out)
    }
}

impl Kernel for Fused<'_> {
    type Output = (u64, [f32; 16]);

    #[inline(always)]
    fn run<S: Simd>(self, s: S) -> Self::Output {
        match S::TILES {
            Tiles::Wide => self.chains::<S, 24>(s),
            Tiles::Narrow => self.chains::<S, 6>(s),
        }
    }
}

/// All lines read once, eight at a time.
struct Read<'a>(&'a [[f32; 16]]);

impl Kernel for Read<'_> {
    type Output = [i32; 16];

    #[inline(always)]
    fn run<S: Simd>(self, s: S) -> [i32; 16] {
        let mut sums = [s.splat_int(0); 8];
        for lines in self.0.as_chunks::<8>().0 {
            for (sum, line) in sums.iter_mut().zip(lines) {
                *sum = s.or(*sum, s.bits(s.load(line)));
            }
        }
        let mut out = [0; 16];
        s.store_int(&mut out, sums.into_iter().fold(s.splat_int(0), |sum, each| s.or(sum, each)));
        out
    }
}

/// All lines read once and written elsewhere.
struct Copy<'a> {
    from: &'a [[f32; 16]],
    to: &'a mut [[f32; 16]],
}

impl Kernel for Copy<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        for (from, to) in self.from.as_chunks::<8>().0.iter().zip(self.to.as_chunks_mut::<8>().0) {
            for (from, to) in from.iter().zip(to) {
                s.store(to, s.load(from));
            }
        }
    }
}
