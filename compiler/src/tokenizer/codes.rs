//! The diagnostics of this stage, MD03xx.

use crate::diagnostic::{Code, Diagnostic};

/// The folder has no tokenizer that is known.
pub const NO_TOKENIZER: Code = Code("MD0301");
/// A file cannot be read, or is not the JSON or the text that it should be.
pub const UNREADABLE: Code = Code("MD0302");
/// A component is not supported.
pub const UNSUPPORTED: Code = Code("MD0303");
/// The vocabulary is empty, has a hole, a piece twice, or is too large.
pub const VOCABULARY: Code = Code("MD0304");
/// A token that the tokenizer needs is not in the vocabulary.
pub const MISSING_TOKEN: Code = Code("MD0305");
/// A component's field is missing or is not what it should be.
pub const MALFORMED: Code = Code("MD0306");

/// The file that is read, by the name that a user knows it by.
#[derive(Clone, Copy)]
pub(super) struct Place<'a>(pub(super) &'a str);

impl Place<'_> {
    /// A component that is not `supported`.
    pub(super) fn unsupported(self, component: &str, kind: &str, supported: &str) -> Diagnostic {
        Diagnostic::new(UNSUPPORTED, format!("the {component} `{kind}` is not supported"))
            .at(format!("{}, `{component}`", self.0))
            .help(format!("those supported are {supported}"))
    }

    /// A field that is missing or wrong.
    pub(super) fn malformed(self, component: &str, what: impl Into<String>) -> Diagnostic {
        Diagnostic::new(MALFORMED, what)
            .at(format!("{}, `{component}`", self.0))
            .help("save the tokenizer again with `save_pretrained`")
    }

    /// A vocabulary that cannot be used.
    pub(super) fn vocabulary(self, what: impl Into<String>) -> Diagnostic {
        Diagnostic::new(VOCABULARY, what)
            .at(format!("{}, the vocabulary", self.0))
            .help("take the vocabulary that the model was trained with; its ids are rows of the embedding")
    }

    /// A token that should be in the vocabulary.
    pub(super) fn missing_token(self, role: &str, token: &str) -> Diagnostic {
        Diagnostic::new(MISSING_TOKEN, format!("the {role} `{token}` is not in the vocabulary"))
            .at(self.0)
            .help("take the vocabulary and the special tokens from the same model")
    }
}
