//! Golden rows of a ranker: values of candidates, as they come after the features' rules, with what the plain evaluator of the trees
//! gives for each; the pack's own kernel must give it to the bit before the objective's function, and this to the bit after it.

use crate::wire::{Decoder, Encoder};

/// One row and its scores.
#[derive(Clone, Debug, PartialEq)]
pub struct GoldenRow {
    /// A number for each feature; NaN where it is missing.
    pub row: Vec<f64>,
    /// What the pack's own kernel gave when it was built.
    pub scores: Vec<f64>,
}

/// The golden rows as bytes: a section of a pack, and a file of the store.
pub fn encode(rows: &[GoldenRow]) -> Vec<u8> {
    let mut out = Encoder::default();
    out.count(rows.len());
    for number in rows.iter().flat_map(|golden| golden.row.iter().chain(&golden.scores)) {
        out.u64(number.to_bits());
    }
    out.0
}

/// Reads what [`encode`] wrote, for a model of that many features and outputs.
///
/// # Errors
///
/// What is wrong with the bytes, in words.
pub fn decode(bytes: &[u8], features: usize, outputs: usize) -> Result<Vec<GoldenRow>, String> {
    let mut read = Decoder::new(bytes);
    let early = |_| "the golden rows end early".to_owned();
    let count = read.count(features.saturating_add(outputs).saturating_mul(8)).map_err(early)?;
    let mut rows = Vec::with_capacity(count);
    for _ in 0..count {
        let mut numbers = |count: usize| (0..count).map(|_| read.u64().map(f64::from_bits)).collect::<Result<_, _>>();
        rows.push(GoldenRow { row: numbers(features).map_err(early)?, scores: numbers(outputs).map_err(early)? });
    }
    if read.is_empty() { Ok(rows) } else { Err("the golden rows have bytes after their end".to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let rows = vec![
            GoldenRow { row: vec![1.0, f64::INFINITY], scores: vec![0.1] },
            GoldenRow { row: vec![-0.0, 2.0], scores: vec![f64::MIN_POSITIVE] },
        ];
        let bytes = encode(&rows);
        assert_eq!(decode(&bytes, 2, 1), Ok(rows));
        assert!(decode(&bytes, 3, 1).is_err());
        for len in 0..bytes.len() {
            assert!(decode(&bytes[..len], 2, 1).is_err(), "{len} bytes");
        }
    }
}
