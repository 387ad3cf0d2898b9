//! A tokenizer that has been read, ready to be written as tables.

use modeldeploy::tokenizer::{Tables, Tokenizer};
use modeldeploy_format::tokenizer::{Classes, Part, Splitter, Template, Trim, Truncation, WordPiece, Writer, begin};

use super::added::{self, RawToken};
use super::codes::Place;
use super::model::{self, Model};
use super::normalizer::{self, Op};
use super::template::Templates;
use super::trie;
use super::unicode;
use super::vocabulary::Vocabulary;
use crate::diagnostic::Diagnostic;

/// All parts of a tokenizer.
pub(super) struct Draft {
    pub(super) vocabulary: Vocabulary,
    pub(super) model: Model,
    pub(super) normalizer: Vec<Op>,
    pub(super) splitter: Splitter,
    pub(super) tokens: Vec<RawToken>,
    pub(super) templates: Templates,
    pub(super) truncation: Truncation,
    /// How many pieces at the end of the vocabulary are added tokens that the model does not have.
    pub(super) added: usize,
}

impl Draft {
    /// The tables.
    pub(super) fn write(&self, place: Place<'_>) -> Result<Vec<u8>, Diagnostic> {
        let mut writer = begin(&self.vocabulary.pieces);
        self.write_front(&mut writer);
        self.splitter.write(&mut writer);
        model::write(&mut writer, &self.model, &self.vocabulary, self.added, place)?;
        let normalized = self.tokens.iter().any(|token| token.normalized) && !self.normalizer.is_empty();
        let bare = normalized.then(|| self.bare());
        let tokenizer =
            bare.as_ref().map(|bytes| Tokenizer::new(Tables::parse(bytes).expect("these tables were just written")));
        let normalize =
            |text: &str| tokenizer.as_ref().map_or_else(|| text.to_owned(), |tokenizer| tokenizer.normalized(text));
        added::write(&mut writer, &self.tokens, &self.vocabulary, normalize, place)?;
        Template::write(&mut writer, &self.templates.single);
        Template::write(&mut writer, &self.templates.pair);
        self.templates.trim.write(&mut writer);
        self.truncation.write(&mut writer);
        Ok(writer.into_bytes())
    }

    /// The classes that this tokenizer asks for, and the normaliser.
    fn write_front(&self, writer: &mut Writer) {
        let split = match self.splitter {
            Splitter::Bert => Classes::WHITESPACE | Classes::PUNCTUATION,
            Splitter::ByteLevel { .. } => Classes::WHITESPACE | Classes::LETTER | Classes::NUMBER,
            Splitter::Whole | Splitter::Whitespace | Splitter::Metaspace { .. } => 0,
        };
        let words = if self.tokens.iter().any(|token| token.single_word) { Classes::WORD } else { 0 };
        Classes::write(writer, &unicode::classes(split | words));
        normalizer::write(writer, &self.normalizer);
    }

    /// Tables of one piece that only normalise.
    fn bare(&self) -> Vec<u8> {
        let mut writer = begin(&["?"]);
        self.write_front(&mut writer);
        Splitter::Whole.write(&mut writer);
        let nothing = trie::build([]).expect("an empty trie is small");
        WordPiece::write(&mut writer, 0, 0, &nothing, &nothing);
        modeldeploy_format::tokenizer::Added::write(&mut writer, &[], &nothing, &nothing);
        Template::write(&mut writer, &[Part::First { type_id: 0 }]);
        Template::write(&mut writer, &[Part::First { type_id: 0 }]);
        Trim::Off.write(&mut writer);
        Truncation::NONE.write(&mut writer);
        writer.into_bytes()
    }
}
