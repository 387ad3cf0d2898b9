//! Tables of rows, as they are stored: what embeddings and bags read.

use crate::isa::Simd;

/// A table of rows of the output's width.
#[derive(Clone, Copy, Debug)]
pub enum Table<'a> {
    /// `[rows][width]`
    F32(&'a [f32]),
    /// The bits of bf16, `[rows][width]`.
    Bf16(&'a [u16]),
    /// `x ≈ scales[row] · code + offsets[row]`
    I8 {
        /// `[rows][width]`
        codes: &'a [i8],
        /// One a row.
        scales: &'a [f32],
        /// One a row; none where all are 0.
        offsets: Option<&'a [f32]>,
    },
    /// `x ≈ scales[row] · code + offsets[row]`
    U4 {
        /// `[rows][width / 2]`: two a byte, the first in the lower half; of an odd width the last upper half is nothing.
        codes: &'a [u8],
        /// One a row.
        scales: &'a [f32],
        /// One a row.
        offsets: &'a [f32],
    },
}

/// How many rows before it is read a table's row is asked for.
pub(crate) const AHEAD: usize = 4;

impl Table<'_> {
    /// How many rows of `width` it has.
    ///
    /// # Panics
    ///
    /// If it is not whole rows, or has not one scale and one offset for each.
    pub(crate) fn entries(&self, width: usize) -> usize {
        let (len, stored, scales) = match *self {
            Table::F32(values) => (values.len(), width, None),
            Table::Bf16(values) => (values.len(), width, None),
            Table::I8 { codes, scales, offsets } => {
                assert!(offsets.is_none_or(|offsets| offsets.len() == scales.len()), "not one offset a row");
                (codes.len(), width, Some(scales.len()))
            }
            Table::U4 { codes, scales, offsets } => {
                assert_eq!(offsets.len(), scales.len(), "not one offset a row");
                (codes.len(), width.div_ceil(2), Some(scales.len()))
            }
        };
        let entries = scales.unwrap_or(len / stored.max(1));
        assert_eq!(len, entries * stored, "the table is not whole rows of {width}");
        entries
    }

    /// Asks for row `id`, its scale and its offset.
    #[inline(always)]
    pub(crate) fn prefetch<S: Simd>(&self, s: S, id: usize, width: usize) {
        let at = id * width;
        match *self {
            Self::F32(values) => (0..width).step_by(16).for_each(|i| s.prefetch(values, at + i)),
            Self::Bf16(values) => (0..width).step_by(32).for_each(|i| s.prefetch(values, at + i)),
            Self::I8 { codes, scales, offsets } => {
                (0..width).step_by(64).for_each(|i| s.prefetch(codes, at + i));
                s.prefetch(scales, id);
                if let Some(offsets) = offsets {
                    s.prefetch(offsets, id);
                }
            }
            Self::U4 { codes, scales, offsets } => {
                let stored = width.div_ceil(2);
                (0..stored).step_by(64).for_each(|i| s.prefetch(codes, id * stored + i));
                s.prefetch(scales, id);
                s.prefetch(offsets, id);
            }
        }
    }
}

/// What the codes of a table's rows are worth.
#[derive(Clone, Copy)]
pub(crate) struct Worth<'a> {
    /// One a row; 1 where there are none.
    pub(crate) scales: Option<&'a [f32]>,
    /// One a row; 0 where there are none.
    pub(crate) offsets: Option<&'a [f32]>,
}

impl Worth<'_> {
    /// Of entries that are worth what they are.
    pub(crate) const ITSELF: Worth<'static> = Worth { scales: None, offsets: None };

    /// The scale of a row. One of 1 changes no bit of a sum.
    #[inline(always)]
    pub(crate) fn scale<S: Simd>(&self, s: S, id: usize) -> S::F {
        s.splat(self.scales.map_or(1.0, |scales| scales[id]))
    }
}

/// How a table's entries are stored.
pub(crate) trait Entry: Copy + Default {
    /// Sixteen entries.
    type Chunk: Copy + Default;

    /// How many are stored of a row.
    #[inline(always)]
    fn stored(width: usize) -> usize {
        width
    }
    /// The sixteens of a row, and what is left.
    fn chunks(row: &[Self]) -> (&[Self::Chunk], &[Self]);
    /// What is left of a row as one of sixteen.
    fn fill(rest: &[Self]) -> Self::Chunk;
    /// Sixteen entries as they are stored, without their row's scale and offset.
    fn load<S: Simd>(s: S, chunk: &Self::Chunk) -> S::F;

    /// The entries of a row from `16 · c` on, at most sixteen.
    #[inline(always)]
    fn nth<S: Simd>(s: S, (chunks, rest): (&[Self::Chunk], &[Self]), c: usize) -> S::F {
        match chunks.get(c) {
            Some(chunk) => Self::load(s, chunk),
            None => Self::load(s, &Self::fill(rest)),
        }
    }
}

/// Entries of their own, sixteen of them `$load`ed.
macro_rules! entry {
    ($entry:ty, $stored:literal, $load:ident) => {
        type Chunk = [$entry; $stored];

        #[inline(always)]
        fn chunks(row: &[Self]) -> (&[Self::Chunk], &[Self]) {
            row.as_chunks()
        }
        #[inline(always)]
        fn fill(rest: &[Self]) -> Self::Chunk {
            let mut chunk = Self::Chunk::default();
            chunk[..rest.len()].copy_from_slice(rest);
            chunk
        }
        #[inline(always)]
        fn load<S: Simd>(s: S, chunk: &Self::Chunk) -> S::F {
            s.$load(chunk)
        }
    };
}

impl Entry for f32 {
    entry!(f32, 16, load);
}

impl Entry for u16 {
    entry!(u16, 16, load_bf16);
}

impl Entry for i8 {
    entry!(i8, 16, load_i8);
}

/// Two a byte.
impl Entry for u8 {
    entry!(u8, 8, load_u4);

    #[inline(always)]
    fn stored(width: usize) -> usize {
        width.div_ceil(2)
    }
}

#[cfg(test)]
pub(crate) mod testing {
    //! One table in every form, for the tests of what reads them.

    use super::Table;
    use crate::kernels::testing::Random;

    /// The numbers of some tables.
    pub(crate) struct Stored {
        floats: Vec<f32>,
        halves: Vec<u16>,
        codes: Vec<i8>,
        nibbles: Vec<u8>,
        scales: Vec<f32>,
        offsets: Vec<f32>,
    }

    impl Stored {
        pub(crate) fn new(rows: usize, width: usize, random: &mut Random) -> Stored {
            Stored {
                floats: random.floats(rows * width, 1.0),
                halves: (0..rows * width).map(|_| (random.float(1.0).to_bits() >> 16) as u16).collect(),
                codes: (0..rows * width).map(|_| random.below(255) as i8).collect(),
                nibbles: (0..rows * width.div_ceil(2)).map(|_| random.below(256) as u8).collect(),
                scales: random.floats(rows, 0.02),
                offsets: random.floats(rows, 1.0),
            }
        }

        /// f32, bf16, i8 without and with offsets, u4.
        pub(crate) fn tables(&self) -> [Table<'_>; 5] {
            let (codes, scales, offsets) = (&self.codes[..], &self.scales[..], &self.offsets[..]);
            [
                Table::F32(&self.floats),
                Table::Bf16(&self.halves),
                Table::I8 { codes, scales, offsets: None },
                Table::I8 { codes, scales, offsets: Some(offsets) },
                Table::U4 { codes: &self.nibbles, scales, offsets },
            ]
        }
    }

    /// The values of a table, `[rows][width]`, one by one.
    pub(crate) fn in_f64(table: Table<'_>, width: usize) -> Vec<f64> {
        let worth = |at: usize, code: i32, scales: &[f32], offsets: Option<&[f32]>| {
            let offset = offsets.map_or(0.0, |offsets| f64::from(offsets[at / width]));
            f64::from(code) * f64::from(scales[at / width]) + offset
        };
        match table {
            Table::F32(values) => values.iter().map(|&x| x.into()).collect(),
            Table::Bf16(values) => values.iter().map(|&half| f32::from_bits(u32::from(half) << 16).into()).collect(),
            Table::I8 { codes, scales, offsets } => {
                codes.iter().enumerate().map(|(at, &code)| worth(at, code.into(), scales, offsets)).collect()
            }
            Table::U4 { codes, scales, offsets } => {
                let nibble = |at: usize| {
                    let byte = codes[at / width * width.div_ceil(2) + at % width / 2];
                    i32::from(if (at % width).is_multiple_of(2) { byte % 16 } else { byte / 16 })
                };
                (0..scales.len() * width).map(|at| worth(at, nibble(at), scales, Some(offsets))).collect()
            }
        }
    }
}
