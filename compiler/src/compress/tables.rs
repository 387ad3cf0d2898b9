//! Tables of embeddings to 8 and to 4 bits: by row a scale, and an offset where the rows are not even about 0.
//!
//! Like [`quantize`](super::quantize): plain f32 and f64 arithmetic in one fixed order, the same bits on every machine.

use super::quantize::{MAX_CODE, int8_rows};

/// An 8-bit table: the value at `[row, column]` is `codes[row · columns + column] · scales[row] + offsets[row]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Int8Table {
    /// `[rows, columns]`, within ±127.
    pub codes: Vec<i8>,
    /// `[rows]`
    pub scales: Vec<f32>,
    /// `[rows]`; none where all are 0.
    pub offsets: Option<Vec<f32>>,
}

/// A 4-bit table: the value at `[row, column]` is `codes[row · columns + column] · scales[row] + offsets[row]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Int4Table {
    /// `[rows, columns]`, from 0 to 15.
    pub codes: Vec<u8>,
    /// `[rows]`
    pub scales: Vec<f32>,
    /// `[rows]`
    pub offsets: Vec<f32>,
}

/// The most that the squared error of an 8-bit table with offsets may be of that without, so that they are worth their four bytes a row.
///
/// Measured on the tables of `examples/feed-ranking` and `examples/product-search`: rows of 8 values have 0.55 of the error, of 16 0.64, of
/// 32 0.73, of 64 0.77 to 0.82 and of 128 0.83.
const WORTH: f64 = 0.8;

/// How much of a row's range its 4-bit codes span to begin with, in 64ths.
const SPANS: [u8; 8] = [64, 60, 56, 52, 48, 44, 40, 36];

/// How often a row's scale and offset are fitted to its codes, and these taken anew.
const FITS: usize = 3;

/// Quantizes each row of `values[rows, columns]`, with offsets where they lower the table's squared error by a fifth or more.
///
/// # Panics
///
/// If `values` is not whole rows of `columns`.
pub fn int8_table(values: &[f32], columns: usize) -> Int8Table {
    let plain = int8_rows(values, columns);
    let count = plain.scales.len();
    let mut moved =
        Int8Table { codes: plain.codes.clone(), scales: plain.scales.clone(), offsets: Some(vec![0.0; count]) };
    let mut errors = [0.0, 0.0];
    let rows = values.chunks_exact(columns.max(1)).zip(moved.codes.chunks_exact_mut(columns.max(1)));
    let offsets = moved.offsets.iter_mut().flatten();
    for (((row, codes), scale), offset) in rows.zip(&mut moved.scales).zip(offsets) {
        let as_it_is = error(row, codes.iter().map(|&code| f64::from(code)), *scale, 0.0);
        let (least, greatest) = bounds(row);
        let middle = ((least + greatest) / 2.0) as f32;
        let by = usable((greatest - least) / f64::from(2.0 * MAX_CODE));
        let nearest = |value: f32| code(value, by, middle, -f64::from(MAX_CODE), f64::from(MAX_CODE));
        let other = error(row, row.iter().map(|&value| nearest(value)), by, middle);
        errors[0] += as_it_is;
        errors[1] += other.min(as_it_is);
        if other < as_it_is {
            (*scale, *offset) = (by, middle);
            codes.iter_mut().zip(row).for_each(|(code, &value)| *code = nearest(value) as i8);
        }
    }
    if errors[1] <= errors[0] * WORTH && errors[0] > 0.0 {
        return moved;
    }
    Int8Table { codes: plain.codes, scales: plain.scales, offsets: None }
}

/// Quantizes each row of `values[rows, columns]` to 16 values, evenly spaced, of the least squared error that is found.
///
/// # Panics
///
/// If `values` is not whole rows of `columns`.
pub fn int4_table(values: &[f32], columns: usize) -> Int4Table {
    assert!(values.len().is_multiple_of(columns.max(1)), "the table is not whole rows");
    let rows = values.len() / columns.max(1);
    let mut table =
        Int4Table { codes: Vec::with_capacity(values.len()), scales: Vec::new(), offsets: Vec::with_capacity(rows) };
    for row in values.chunks_exact(columns.max(1)) {
        let (scale, offset) = spaced(row);
        table.codes.extend(row.iter().map(|&value| nibble(value, scale, offset) as u8));
        table.scales.push(scale);
        table.offsets.push(offset);
    }
    table
}

/// The scale and the offset of a row's 4-bit codes.
fn spaced(row: &[f32]) -> (f32, f32) {
    let (least, greatest) = bounds(row);
    let mut best = (1.0, least as f32, f64::INFINITY);
    for span in SPANS {
        let cut = (greatest - least) * (1.0 - f64::from(span) / 64.0) / 2.0;
        let mut scale = usable((greatest - least - 2.0 * cut) / 15.0);
        let mut offset = (least + cut) as f32;
        for _ in 0..=FITS {
            let error = error(row, row.iter().map(|&value| nibble(value, scale, offset)), scale, offset);
            if error < best.2 {
                best = (scale, offset, error);
            }
            (scale, offset) = fitted(row, scale, offset);
        }
    }
    (best.0, best.1)
}

/// The line of least squares through a row's codes and values.
fn fitted(row: &[f32], scale: f32, offset: f32) -> (f32, f32) {
    let count = row.len() as f64;
    let (mut codes, mut values, mut squares, mut products) = (0.0, 0.0, 0.0, 0.0);
    for &value in row {
        let (code, value) = (nibble(value, scale, offset), f64::from(value));
        codes += code;
        values += value;
        squares += code * code;
        products += code * value;
    }
    let spread = squares - codes * codes / count;
    if spread <= 0.0 {
        return (scale, offset);
    }
    let slope = (products - codes * values / count) / spread;
    (usable(slope), ((values - slope * codes) / count) as f32)
}

/// The code of 4 bits that is nearest, ties to even.
fn nibble(value: f32, scale: f32, offset: f32) -> f64 {
    code(value, scale, offset, 0.0, 15.0)
}

/// The nearest code, ties to even, within bounds. From 2⁵² on floats have no fraction, so adding and taking off 1.5 · 2⁵² rounds to even.
fn code(value: f32, scale: f32, offset: f32, least: f64, greatest: f64) -> f64 {
    const WHOLE: f64 = 6_755_399_441_055_744.0;
    let exact = (f64::from(value) - f64::from(offset)) / f64::from(scale);
    (exact.clamp(least, greatest) + WHOLE) - WHOLE
}

/// A scale that codes can be divided by: 1 where all are the same, and no less than a normal f32.
fn usable(scale: f64) -> f32 {
    if scale == 0.0 { 1.0 } else { (scale as f32).max(f32::MIN_POSITIVE) }
}

fn bounds(row: &[f32]) -> (f64, f64) {
    let each = || row.iter().map(|&value| f64::from(value));
    (each().fold(f64::INFINITY, f64::min), each().fold(f64::NEG_INFINITY, f64::max))
}

/// The squared error of a row as codes.
fn error(row: &[f32], codes: impl Iterator<Item = f64>, scale: f32, offset: f32) -> f64 {
    let off = |(&value, code): (&f32, f64)| f64::from(value) - (code * f64::from(scale) + f64::from(offset));
    row.iter().zip(codes).map(off).map(|off| off * off).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn int8_value(table: &Int8Table, columns: usize, at: usize) -> f64 {
        let offset = table.offsets.as_ref().map_or(0.0, |offsets| offsets[at / columns]);
        f64::from(table.codes[at]) * f64::from(table.scales[at / columns]) + f64::from(offset)
    }

    fn int4_value(table: &Int4Table, columns: usize, at: usize) -> f64 {
        let row = at / columns;
        f64::from(table.codes[at]) * f64::from(table.scales[row]) + f64::from(table.offsets[row])
    }

    #[test]
    fn rows_far_from_0_have_offsets_and_even_ones_do_not() {
        let far: Vec<f32> = (0..64).map(|at| 100.0 + at as f32 / 8.0).collect();
        let table = int8_table(&far, 16);
        let offsets = table.offsets.as_ref().expect("offsets");
        assert_eq!(offsets[0], 100.9375);
        for (at, &value) in far.iter().enumerate() {
            assert!((int8_value(&table, 16, at) - f64::from(value)).abs() <= 0.004, "{at}");
        }
        let even: Vec<f32> = (0..64).map(|at| if at % 2 == 0 { 1.0 } else { -1.0 } * (1 + at % 16) as f32).collect();
        let (table, plain) = (int8_table(&even, 16), int8_rows(&even, 16));
        assert_eq!((table.offsets, table.codes, table.scales), (None, plain.codes, plain.scales));
    }

    #[test]
    fn sixteen_even_values_are_kept_whatever_their_row() {
        for (step, from) in [(0.5, -3.0), (1e-3, 70.0), (2.0, 0.0), (1e30, -3e30)] {
            let row: Vec<f32> = [3, 0, 15, 7, 9, 1].map(|code| from + step * code as f32).into();
            let table = int4_table(&row, row.len());
            assert_eq!(table.codes, [3, 0, 15, 7, 9, 1], "{step} {from}");
            for (at, &value) in row.iter().enumerate() {
                let off = (int4_value(&table, row.len(), at) - f64::from(value)).abs();
                assert!(off <= f64::from(value.abs().max(step)) * 1e-6, "{step} {from}: {off}");
            }
        }
    }

    #[test]
    fn rows_of_one_value_are_exact() {
        for value in [0.0, -0.25, 3e38, 1e-42] {
            let table = int4_table(&[value; 5], 5);
            assert_eq!((0..5).map(|at| int4_value(&table, 5, at)).collect::<Vec<_>>(), [f64::from(value); 5]);
            let table = int8_table(&[value; 5], 5);
            assert!((int8_value(&table, 5, 2) - f64::from(value)).abs() <= f64::from(value.abs()) * 1e-6 + 1e-38);
        }
        assert!(int4_table(&[], 3).codes.is_empty());
        let wide = int4_table(&[-3e38, 3e38, 0.0], 3);
        assert!(wide.scales[0].is_finite() && wide.offsets[0].is_finite());
    }

    #[test]
    fn few_values_that_stand_out_do_not_take_the_codes_of_the_many() {
        // Normal numbers: the best 16 even steps span about 5.2 deviations (Max 1960), which the range of 512 of them exceeds.
        let mut state = 1_u64;
        let mut uniform = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 11) as f64 / (1_u64 << 53) as f64
        };
        let row: Vec<f32> = (0..512).map(|_| ((0..12).map(|_| uniform()).sum::<f64>() - 6.0) as f32).collect();
        let table = int4_table(&row, 512);
        let square: f64 =
            row.iter().enumerate().map(|(at, &value)| (f64::from(value) - int4_value(&table, 512, at)).powi(2)).sum();
        // Max's table has a mean squared error of 0.01154 for 16 even steps.
        assert!(square / 512.0 < 0.0125, "{}", square / 512.0);
    }

    proptest! {
        /// No value is further off than half a step of the row's whole range, but in sum: cutting must pay.
        #[test]
        fn the_error_of_a_row_is_bounded(row in prop::collection::vec(-1e4_f32..1e4, 1..80)) {
            let (least, greatest) = bounds(&row);
            let table = int4_table(&row, row.len());
            let square: f64 = row.iter().enumerate()
                .map(|(at, &value)| (f64::from(value) - int4_value(&table, row.len(), at)).powi(2)).sum();
            let half = (greatest - least) / 15.0 / 2.0 * 1.0001 + 1e-2;
            prop_assert!(square <= row.len() as f64 * half * half, "{square} {half}");
            let table = int8_table(&row, row.len());
            let half = greatest.abs().max(least.abs()) / 127.0 / 2.0 * 1.0001 + 1e-3;
            let square: f64 = row.iter().enumerate()
                .map(|(at, &value)| (f64::from(value) - int8_value(&table, row.len(), at)).powi(2)).sum();
            prop_assert!(square <= row.len() as f64 * half * half, "{square} {half}");
            prop_assert!(table.codes.iter().all(|&code| code >= -127));
        }
    }
}
