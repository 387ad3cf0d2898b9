//! From text to ids, as the Hugging Face library gives them, without allocating.
//!
//! The tables of the pack ([`modeldeploy_format::tokenizer`]) are used where they lie. The path of a text: tokens written in it are
//! found; what lies between them is normalised, split into words, and each word given to the model; then the tokens are cut to the
//! limit and special ones put around them.

mod added;
mod bpe;
mod buffer;
mod decode;
mod encoding;
mod normalize;
mod split;
mod truncate;
mod unicode;
mod unigram;
mod wordpiece;

pub use encoding::Encoding;
pub use modeldeploy_format::tokenizer::{Side, Strategy, Tables, Truncation};
pub use truncate::EncodeError;

use std::ops::Range;

use modeldeploy_format::tokenizer::{AddedToken, Classes, Model, Part, Trim};

use added::Finder;
use buffer::Span;
use encoding::{Back, Front, Limit, Token};

/// A tokenizer over parsed tables. Making one takes microseconds; it is shared by all threads, each with its own [`Encoding`].
#[derive(Debug)]
pub struct Tokenizer<'a> {
    tables: Tables<'a>,
    classes: Classes<'a>,
    raw: Finder<'a>,
    normalized: Finder<'a>,
    ascii: [u8; 128],
    ascii_classes: [u8; 128],
}

impl<'a> Tokenizer<'a> {
    /// A tokenizer over `tables`.
    pub fn new(tables: Tables<'a>) -> Self {
        let (classes, added) = (tables.classes(), tables.added());
        Self {
            classes,
            raw: Finder::new(added, added.raw()),
            normalized: Finder::new(added, added.normalized()),
            ascii: normalize::ascii_table(tables.normalizer()),
            ascii_classes: std::array::from_fn(|byte| classes.get(char::from(byte as u8))),
            tables,
        }
    }

    /// The number of ids: each id of an encoding is below it.
    pub fn vocab_size(&self) -> u32 {
        self.tables.vocab_size()
    }

    /// The truncation that the tokenizer's own files ask for.
    pub fn truncation(&self) -> Truncation {
        self.tables.truncation()
    }

    /// The spelling of `id` in the vocabulary, if there is such an id.
    pub fn piece(&self, id: u32) -> Option<&'a str> {
        (id < self.vocab_size()).then(|| self.tables.pieces().get(id as usize))
    }

    /// What normalisation makes of `text`.
    pub fn normalized(&self, text: &str) -> String {
        let mut front = Front::default();
        normalize::normalize(self.tables.normalizer(), &self.ascii, text, 0, &mut front);
        front.text.text
    }

    /// Encodes `text`, or `text` and `pair` together, with the special tokens of the model, into `out`, whose tokens go before. No
    /// padding is added. Nothing is allocated once `out` has grown to the length of the texts.
    ///
    /// Ids and offsets are those of the Hugging Face `tokenizers` library; offsets count bytes.
    ///
    /// # Errors
    ///
    /// If a text is 4 GiB or longer, or `truncation` asks for what these texts cannot give.
    pub fn encode_into(
        &self,
        text: &str,
        pair: Option<&str>,
        truncation: Truncation,
        out: &mut Encoding,
    ) -> Result<(), EncodeError> {
        self.encode(text, pair, truncation, true, out)
    }

    /// [`encode_into`](Self::encode_into) without special tokens.
    ///
    /// # Errors
    ///
    /// As [`encode_into`](Self::encode_into).
    pub fn encode_bare_into(
        &self,
        text: &str,
        pair: Option<&str>,
        truncation: Truncation,
        out: &mut Encoding,
    ) -> Result<(), EncodeError> {
        self.encode(text, pair, truncation, false, out)
    }

    fn encode(
        &self,
        text: &str,
        pair: Option<&str>,
        truncation: Truncation,
        with_special: bool,
        out: &mut Encoding,
    ) -> Result<(), EncodeError> {
        out.clear();
        if [Some(text), pair].into_iter().flatten().any(|text| u32::try_from(text.len()).is_err()) {
            return Err(EncodeError::TextTooLong);
        }
        // The first text is needed whole where only the second is cut.
        let whole = truncation == Truncation::NONE || truncation.strategy == Strategy::OnlySecond;
        let first = self.sequence(text, (!whole).then_some(truncation), out);
        let second = pair.map(|pair| self.sequence(pair, (truncation != Truncation::NONE).then_some(truncation), out));

        let template = if pair.is_some() { self.tables.pair() } else { self.tables.single() };
        let special = if with_special { template.specials() } else { 0 };
        let kept = truncate::kept(first.len(), second.as_ref().map(Range::len), special, truncation)?;
        let cut = |range: Range<usize>, kept: usize| match truncation.side {
            Side::Left => range.end - kept..range.end,
            Side::Right => range.start..range.start + kept,
        };
        let tokens = std::mem::take(&mut out.back.tokens);
        for part in template.parts() {
            let (range, type_id) = match part {
                Part::Special { id, type_id } if with_special => {
                    out.push(id, type_id, (0, 0), true);
                    continue;
                }
                Part::Special { .. } => continue,
                Part::First { type_id } => (cut(first.clone(), kept.0), type_id),
                Part::Second { type_id } => (cut(second.clone().unwrap_or_default(), kept.1), type_id),
            };
            for (i, token) in tokens[range].iter().enumerate() {
                out.push(token.id, type_id, self.trimmed(token, i == 0), false);
            }
        }
        out.back.tokens = tokens;
        Ok(())
    }

    /// The offsets of a token without the white space at its ends, where the model has it so.
    fn trimmed(&self, token: &Token, is_first: bool) -> Span {
        let trim = self.tables.trim();
        if trim == Trim::Off {
            return token.span;
        }
        let (mut start, mut end) = token.span;
        let (before, after) = token.edges.unwrap_or_else(|| edges(self.tables.pieces().get(token.id as usize)));
        let is_prefix = trim == Trim::KeepPrefix && before == 1 && (is_first || start == 0);
        if !is_prefix {
            start = end.min(start + before);
        }
        if end >= after {
            end = start.max(end - after);
        }
        (start, end)
    }

    /// One text: the tokens written in it, and the parts between them; where its tokens lie, as far as `truncation` needs them.
    fn sequence(&self, text: &str, truncation: Option<Truncation>, out: &mut Encoding) -> Range<usize> {
        let Encoding { front, back, .. } = out;
        let start = back.tokens.len();
        back.is_full = false;
        back.starts.clear();
        back.limit = match truncation {
            None => Limit::None,
            Some(Truncation { side: Side::Right, max_len, .. }) => Limit::First(start.saturating_add(max_len as usize)),
            Some(Truncation { side: Side::Left, max_len, .. }) => Limit::Last(max_len as usize),
        };
        self.parts(text, front, back);
        let end = back.tokens.len();
        let start = match back.limit {
            Limit::None | Limit::First(_) => start,
            Limit::Last(enough) => {
                let starts = back.starts.iter().rev().map(|&start| start as usize);
                starts.into_iter().find(|word| end - word >= enough).unwrap_or(start)
            }
        };
        start..end
    }

    /// The tokens written in a text, and the parts between them.
    fn parts(&self, text: &str, front: &mut Front, back: &mut Back) {
        self.raw.split(&self.classes, text, |token, range| {
            let (start, end) = (range.start as u32, range.end as u32);
            match token {
                _ if back.is_full => {}
                Some(token) => back.tokens.push(found(token, &text[range], (start, end))),
                None => self.segment(&text[range], start, front, back),
            }
        });
    }

    /// A part of a text that begins at `base`: it is normalised, and the tokens written in what comes of it are found.
    fn segment(&self, text: &str, base: u32, front: &mut Front, back: &mut Back) {
        normalize::normalize(self.tables.normalizer(), &self.ascii, text, base, front);
        let Front { text: buffer, marked, .. } = front;
        self.normalized.split(&self.classes, &buffer.text, |token, range| {
            let (part, spans) = (&buffer.text[range.clone()], &buffer.spans[range]);
            match token {
                _ if back.is_full => {}
                Some(token) => back.tokens.push(found(token, part, (spans[0].0, spans[spans.len() - 1].1))),
                None => self.split(part, spans, marked, back),
            }
        });
    }

    /// One word, unless it is empty.
    #[inline]
    fn word(&self, word: &str, spans: &[Span], back: &mut Back) {
        if word.is_empty() || back.is_full {
            return;
        }
        if matches!(back.limit, Limit::Last(_)) {
            back.starts.push(back.tokens.len() as u32);
        }
        match self.tables.model() {
            Model::WordPiece(model) => wordpiece::encode(model, word, spans, back),
            Model::Bpe(model) => bpe::encode(model, word, spans, back),
            Model::Unigram(model) => unigram::encode(model, word, spans, back),
        }
        back.is_full = matches!(back.limit, Limit::First(enough) if back.tokens.len() >= enough);
    }
}

/// The token that stands in the text as `written`.
fn found(token: AddedToken, written: &str, span: Span) -> Token {
    Token { id: token.id, span, edges: Some(edges(written)) }
}

/// The white-space characters at the start of `piece` and at its end; U+0120 is how byte-level vocabularies write a space.
fn edges(piece: &str) -> (u32, u32) {
    let is_space = |c: &char| c.is_whitespace() || *c == '\u{120}';
    (piece.chars().take_while(is_space).count() as u32, piece.chars().rev().take_while(is_space).count() as u32)
}
