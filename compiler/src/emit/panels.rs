//! Weights in the order in which the kernels read them: sixteen output channels side by side.

use modeldeploy_format::tensor::{PANEL, QUAD};

/// `weights[n, k]`, row-major, as `[n/16][k][16]`; channels past `n` are zeros.
///
/// # Panics
///
/// If there are not `n · k` weights.
pub fn panels<T: Copy + Default>(weights: &[T], n: usize, k: usize) -> Vec<T> {
    assert_eq!(weights.len(), n * k, "weights of {n} channels and a depth of {k}");
    let mut packed = vec![T::default(); n.next_multiple_of(PANEL) * k];
    for (panel, channels) in packed.chunks_exact_mut((PANEL * k).max(1)).zip(weights.chunks((PANEL * k).max(1))) {
        for (lane, channel) in channels.chunks_exact(k).enumerate() {
            for (row, &weight) in panel.chunks_exact_mut(PANEL).zip(channel) {
                row[lane] = weight;
            }
        }
    }
    packed
}

/// The bytes of i8 `codes[n, k]`, row-major, as `[n/16][k/4][16][4]`; channels past `n` and depths past `k` are zeros.
///
/// # Panics
///
/// If there are not `n · k` codes.
pub fn quad_panels(codes: &[u8], n: usize, k: usize) -> Vec<u8> {
    assert_eq!(codes.len(), n * k, "codes of {n} channels and a depth of {k}");
    let depth = k.next_multiple_of(QUAD);
    let mut packed = vec![0; n.next_multiple_of(PANEL) * depth];
    for (panel, channels) in packed.chunks_exact_mut((PANEL * depth).max(1)).zip(codes.chunks((PANEL * k).max(1))) {
        for (lane, channel) in channels.chunks_exact(k).enumerate() {
            for (quads, codes) in panel.chunks_exact_mut(PANEL * QUAD).zip(channel.chunks(QUAD)) {
                quads[lane * QUAD..][..codes.len()].copy_from_slice(codes);
            }
        }
    }
    packed
}

/// The sum of each channel's codes, of the bytes of i8 `codes[n, k]`.
///
/// # Panics
///
/// If `codes` is not whole channels of `k`.
pub fn sums(codes: &[u8], k: usize) -> Vec<i32> {
    assert!(codes.len().is_multiple_of(k), "the codes are not whole channels");
    codes.chunks_exact(k).map(|channel| channel.iter().map(|code| i32::from(code.cast_signed())).sum()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sizes on both sides of a panel and of a quad.
    const SIZES: [(usize, usize); 8] = [(1, 1), (1, 5), (15, 4), (16, 8), (17, 3), (33, 7), (48, 12), (5, 130)];

    #[test]
    fn panels_are_where_the_index_says() {
        for (n, k) in SIZES {
            let weights: Vec<f32> = (1..=n * k).map(|i| i as f32).collect();
            let packed = panels(&weights, n, k);
            assert_eq!(packed.len(), n.div_ceil(16) * 16 * k, "{n}x{k}");
            for channel in 0..n.div_ceil(16) * 16 {
                for depth in 0..k {
                    let expected = if channel < n { weights[channel * k + depth] } else { 0.0 };
                    let at = (channel / 16 * k + depth) * 16 + channel % 16;
                    assert_eq!(packed[at], expected, "{n}x{k} at {channel},{depth}");
                }
            }
        }
    }

    #[test]
    fn quads_are_where_the_index_says() {
        for (n, k) in SIZES {
            let codes: Vec<u8> = (0..n * k).map(|i| (i % 255) as u8).collect();
            let packed = quad_panels(&codes, n, k);
            let quads = k.div_ceil(4);
            assert_eq!(packed.len(), n.div_ceil(16) * quads * 64, "{n}x{k}");
            for channel in 0..n.div_ceil(16) * 16 {
                for depth in 0..quads * 4 {
                    let expected = if channel < n && depth < k { codes[channel * k + depth] } else { 0 };
                    let at = ((channel / 16 * quads + depth / 4) * 16 + channel % 16) * 4 + depth % 4;
                    assert_eq!(packed[at], expected, "{n}x{k} at {channel},{depth}");
                }
            }
        }
    }

    #[test]
    fn sums_by_hand() {
        let bytes = |codes: &[i8]| codes.iter().map(|code| code.cast_unsigned()).collect::<Vec<u8>>();
        assert_eq!(sums(&bytes(&[1, -2, 3, 127, 127, -127]), 3), [2, 127]);
        assert_eq!(sums(&bytes(&[-127; 4096]), 4096), [-127 * 4096]);
    }
}
