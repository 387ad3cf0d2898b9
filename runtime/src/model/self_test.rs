//! Does this machine give what the pack gave when it was built? The golden vectors in the pack say.

use super::{Engine, Error, Input};

/// What a passed self test found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SelfTest {
    /// How many golden vectors came back to the bit.
    pub vectors: usize,
    /// The least cosine of a vector to that of the f32 reference; 1 where an output is a single number.
    pub cosine: f32,
    /// The greatest distance of a value from that of the f32 reference.
    pub distance: f32,
}

impl Engine<'_> {
    /// Runs the texts of the golden vectors and compares, bit by bit, with what the pack gave when the gate accepted it. The
    /// distance from the f32 reference is therefore the one that the gate accepted, and is reported.
    ///
    /// # Errors
    ///
    /// If a value differs in any bit.
    pub fn self_test(&self) -> Result<SelfTest, Error> {
        let goldens = self.artifact().goldens();
        let inputs =
            goldens.iter().map(|golden| Input { prompt: "", text: &golden.text, pair: golden.pair.as_deref() });
        let mut rows: Vec<Vec<f32>> = Vec::with_capacity(goldens.len());
        self.run(inputs, |row| rows.push(row.to_vec()))?;
        let mut found = SelfTest { vectors: goldens.len(), cosine: 1.0, distance: 0.0 };
        for (vector, (golden, here)) in goldens.iter().zip(&rows).enumerate() {
            let differs = golden.got.iter().zip(here).position(|(built, here)| built.to_bits() != here.to_bits());
            if let Some(value) = differs {
                return Err(Error::SelfTest { vector, value, built: golden.got[value], here: here[value] });
            }
            if here.len() > 1 {
                found.cosine = found.cosine.min(cosine(here, &golden.reference));
            }
            let distances = here.iter().zip(&golden.reference).map(|(here, reference)| (here - reference).abs());
            found.distance = distances.fold(found.distance, f32::max);
        }
        Ok(found)
    }
}

/// In f64, so that the figure is the vectors' and not the summation's.
fn cosine(a: &[f32], b: &[f32]) -> f32 {
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(&a, &b)| f64::from(a) * f64::from(b)).sum::<f64>();
    (dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()) as f32
}
