//! What went wrong, where, and what to do next: the one shape of every error that a user meets.
//!
//! A stage collects all the diagnostics of one run and returns them together.

use std::fmt;

/// A number that `cargo modeldeploy explain` knows, as `MD0301`.
///
/// Ranges: 01xx model folder and configuration, 02xx safetensors and tensors, 03xx tokenizer, 04xx graph and lowering, 05xx recipe
/// and compression, 06xx suite, evaluation and gate, 07xx lock, 08xx store and pack, 09xx command and cargo, 10xx programs, 11xx keys,
/// signatures and policy, 16xx trees and their features, 17xx ONNX models.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Code(pub &'static str);

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

/// One error: lower case, no full stop; `help` is a line that one can follow or paste.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// Its number.
    pub code: Code,
    /// What is wrong.
    pub message: String,
    /// Where: a file, and the tensor, node, key or line in it.
    pub place: Option<String>,
    /// What to do next.
    pub help: Option<String>,
}

impl Diagnostic {
    /// A diagnostic that says only what is wrong; [`at`](Self::at) and [`help`](Self::help) add the rest.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), place: None, help: None }
    }

    /// Says where.
    #[must_use]
    pub fn at(mut self, place: impl Into<String>) -> Self {
        self.place = Some(place.into());
        self
    }

    /// Says what to do next.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error[{}]: {}", self.code, self.message)?;
        if let Some(place) = &self.place {
            write!(f, "\n  --> {place}")?;
        }
        if let Some(help) = &self.help {
            write!(f, "\n  help: {help}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Diagnostic {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_diagnostic_says_what_where_and_what_next() {
        let diagnostic = Diagnostic::new(Code("MD0410"), "operator `GridSample` is not supported")
            .at("ranker.onnx, node `/head/GridSample_3`")
            .help("`cargo modeldeploy explain MD0410` lists the operators that are");
        assert_eq!(
            diagnostic.to_string(),
            "error[MD0410]: operator `GridSample` is not supported\n  \
             --> ranker.onnx, node `/head/GridSample_3`\n  \
             help: `cargo modeldeploy explain MD0410` lists the operators that are"
        );
    }

    #[test]
    fn a_bare_diagnostic_is_one_line() {
        assert_eq!(Diagnostic::new(Code("MD0101"), "no such folder").to_string(), "error[MD0101]: no such folder");
    }
}
