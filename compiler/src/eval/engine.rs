//! What is measured: anything that turns texts into outputs.

use crate::diagnostic::Diagnostic;
use std::fmt;

/// A text or a pair, with its prompt before it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Text {
    /// The text.
    pub text: String,
    /// The second text of a pair.
    pub pair: Option<String>,
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.pair {
            Some(pair) => write!(f, "{} | {pair}", self.text),
            None => f.write_str(&self.text),
        }
    }
}

/// The reference or a pack.
pub trait Engine: Sync {
    /// The outputs of each text, in the texts' order: the values of the vector (`embed`), the relevance (`score`), the score of each
    /// label (`classify`).
    ///
    /// # Errors
    ///
    /// If a text cannot be run.
    fn run(&self, texts: &[Text]) -> Result<Vec<Vec<f32>>, Diagnostic>;
}
