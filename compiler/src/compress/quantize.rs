//! Numbers to 8 bits: weights by output channel, tables by row.
//!
//! Everything here is plain f32 and f64 arithmetic in one fixed order, so that the same numbers give the same bits on every
//! machine.

/// The largest code of a weight: codes are within ±127, so that `i8 · u8` sums of pairs behave alike on every instruction set.
pub const MAX_CODE: f32 = 127.0;

/// An 8-bit matrix: the value at `[row, column]` is `codes[row · columns + column] · scales[row]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Int8Matrix {
    /// `[rows, columns]`, within ±127.
    pub codes: Vec<i8>,
    /// `[rows]`; 1 for a row of zeros.
    pub scales: Vec<f32>,
}

/// How far below a row's largest value its codes may end, in 64ths, smallest cut first.
const CUTS: [u8; 20] = [64, 63, 62, 61, 60, 59, 58, 57, 56, 55, 54, 53, 52, 51, 50, 48, 46, 44, 42, 40];

/// Quantizes each row of `values[rows, columns]` with a scale of its own.
///
/// Of some 20 scales, from the one that reaches the row's largest value down to 40/64 of it, each row takes that with the
/// least squared error. The values alone decide: a row is quantized alike whatever texts a model is calibrated on.
///
/// # Panics
///
/// If `values` is not whole rows of `columns`.
pub fn int8_rows(values: &[f32], columns: usize) -> Int8Matrix {
    assert!(values.len().is_multiple_of(columns.max(1)), "the matrix is not whole rows");
    let mut codes = Vec::with_capacity(values.len());
    let mut scales = Vec::with_capacity(values.len() / columns.max(1));
    for row in values.chunks_exact(columns.max(1)) {
        let scale = best_scale(row);
        codes.extend(row.iter().map(|&value| code(value, scale)));
        scales.push(scale);
    }
    Int8Matrix { codes, scales }
}

/// The nearest code, ties to even.
fn code(value: f32, scale: f32) -> i8 {
    nearest(value, scale) as i8
}

/// The nearest code as a float. From 2²³ on floats have no fraction, so adding and taking off 1.5 · 2²³ rounds to even; this is
/// many times faster than a call of `rint`, which is what the base instruction set has.
fn nearest(value: f32, scale: f32) -> f32 {
    const WHOLE: f32 = 12_582_912.0;
    ((value / scale).clamp(-MAX_CODE, MAX_CODE) + WHOLE) - WHOLE
}

fn best_scale(row: &[f32]) -> f32 {
    let largest = row.iter().fold(0.0_f32, |largest, value| largest.max(value.abs()));
    let full = largest / MAX_CODE;
    // A row of zeros, or of numbers so small that their scale has no normal f32: a code is worth 1 or the smallest normal.
    if largest == 0.0 {
        return 1.0;
    }
    if full < f32::MIN_POSITIVE {
        return f32::MIN_POSITIVE;
    }
    let error = |scale: f32| -> f64 {
        let off = |value: f32| f64::from(value) - f64::from(nearest(value, scale)) * f64::from(scale);
        row.iter().map(|&value| off(value) * off(value)).sum()
    };
    let mut best = (full, error(full));
    for cut in &CUTS[1..] {
        let scale = (full * (f32::from(*cut) / 64.0)).max(f32::MIN_POSITIVE);
        let error = error(scale);
        if error < best.1 {
            best = (scale, error);
        }
    }
    best.0
}

/// Leaves of `statistic` only its sign, exponent and `bits` bits after the leading one, rounded to nearest.
///
/// What is measured on calibration texts passes through candle's kernels, whose last bits differ between CPUs; after this
/// they no longer do, but for a value that lies within such a last bit of a boundary.
pub fn coarse(statistic: f64, bits: u32) -> f64 {
    let drop = 52 - bits;
    let half = 1_u64 << (drop - 1);
    f64::from_bits((statistic.to_bits() + half) & !((1 << drop) - 1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn codes_by_hand() {
        // The largest value of each row is 127 codes; -0.5 is 63.5 codes of 1/127, and 63.5 goes to the even 64.
        let matrix = int8_rows(&[1.0, -0.5, 0.0, 254.0, -254.0, 2.0], 3);
        assert_eq!(matrix.scales[1], 2.0);
        assert_eq!(matrix.codes[3..], [127, -127, 1]);
        assert_eq!(matrix.codes[..3], [127, -64, 0]);
    }

    #[test]
    fn rows_of_zeros_constants_and_outliers_keep_their_meaning() {
        for (row, codes) in [
            (&[0.0, -0.0, 0.0][..], &[0, 0, 0][..]),
            (&[3.5; 5], &[127; 5]),
            (&[-1e-3; 2], &[-127; 2]),
            (&[7.0], &[127]),
        ] {
            let matrix = int8_rows(row, row.len());
            assert_eq!(matrix.codes, codes, "{row:?}");
            for (&value, &code) in row.iter().zip(&matrix.codes) {
                assert!((f32::from(code) * matrix.scales[0] - value).abs() <= value.abs() * 1e-6, "{row:?}");
            }
        }
        // One huge value among small ones: cutting it off would cost more than the small ones could gain.
        let mut row = vec![0.01_f32; 384];
        row[7] = 1000.0;
        let matrix = int8_rows(&row, 384);
        assert_eq!(f32::from(matrix.codes[7]) * matrix.scales[0], 1000.0);
        let tiny = int8_rows(&[1e-42, -1e-45], 2);
        assert!(tiny.scales[0].is_normal() && tiny.codes.iter().all(|code| code.abs() <= 1));
    }

    #[test]
    fn the_least_error_is_chosen() {
        // Many values on a grid that the largest value alone would spoil.
        let mut row: Vec<f32> = (0..256).map(|i| (i % 80) as f32).collect();
        row.push(100.0);
        let error = |matrix: &Int8Matrix| -> f32 {
            let value = |i: usize| f32::from(matrix.codes[i]) * matrix.scales[0];
            row.iter().enumerate().map(|(i, x)| (x - value(i)).powi(2)).sum()
        };
        let plain = Int8Matrix {
            codes: row.iter().map(|x| (x / (100.0 / 127.0)).round_ties_even() as i8).collect(),
            scales: vec![100.0 / 127.0],
        };
        assert!(error(&int8_rows(&row, row.len())) <= error(&plain));
    }

    #[test]
    fn coarse_statistics_forget_the_last_bits() {
        assert_eq!(coarse(1.0 + 1e-9, 4), 1.0);
        assert_eq!(coarse(-1.97, 4), -2.0);
        assert_eq!(coarse(1.06, 4), 1.0625);
        assert_eq!(coarse(0.0, 4), 0.0);
    }

    proptest! {
        /// Where nothing is cut off, a value is at most half a code off; where something is, the row's error is no greater
        /// than without.
        #[test]
        fn the_error_of_a_row_is_bounded(row in prop::collection::vec(-1e4_f32..1e4, 1..80)) {
            let matrix = int8_rows(&row, row.len());
            let largest = row.iter().fold(0.0_f32, |a, b| a.max(b.abs()));
            let half = f64::from(largest) / 127.0 / 2.0 * 1.0001 + 1e-30;
            let square: f64 = row.iter().zip(&matrix.codes)
                .map(|(&x, &code)| (f64::from(x) - f64::from(code) * f64::from(matrix.scales[0])).powi(2)).sum();
            prop_assert!(square <= row.len() as f64 * half * half);
            prop_assert!(matrix.codes.iter().all(|&code| code >= -127));
        }
    }
}
