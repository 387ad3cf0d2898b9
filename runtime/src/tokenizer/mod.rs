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

use modeldeploy_format::tokenizer::{AddedToken, Classes, Model, Part, Trim};

use added::Finder;
use buffer::Span;
use encoding::{Back, Front, Token};

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
        // What is cut from the end need not be worked out, unless its number is asked for.
        let enough = |is_first: bool| match truncation {
            Truncation { side: Side::Left, .. } => usize::MAX,
            Truncation { strategy: Strategy::OnlySecond, .. } if is_first => usize::MAX,
            Truncation { max_len, .. } => max_len as usize,
        };
        out.back.enough = enough(true);
        self.sequence(text, &mut out.front, &mut out.back);
        let first = out.back.tokens.len();
        if let Some(pair) = pair {
            out.back.enough = enough(false).saturating_add(first);
            self.sequence(pair, &mut out.front, &mut out.back);
        }
        let second = pair.map(|_| out.back.tokens.len() - first);

        let template = if pair.is_some() { self.tables.pair() } else { self.tables.single() };
        let special = if with_special { template.specials() } else { 0 };
        let kept = truncate::kept(first, second, special, truncation)?;
        let range = |start: usize, len: usize, kept: usize| match truncation.side {
            Side::Left => start + len - kept..start + len,
            Side::Right => start..start + kept,
        };
        let tokens = std::mem::take(&mut out.back.tokens);
        for part in template.parts() {
            let (range, type_id) = match part {
                Part::Special { id, type_id } if with_special => {
                    out.push(id, type_id, (0, 0), true);
                    continue;
                }
                Part::Special { .. } => continue,
                Part::First { type_id } => (range(0, first, kept.0), type_id),
                Part::Second { type_id } => (range(first, second.unwrap_or(0), kept.1), type_id),
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

    /// One text: the tokens written in it, and the parts between them.
    fn sequence(&self, text: &str, front: &mut Front, back: &mut Back) {
        self.raw.split(&self.classes, text, |token, range| {
            let (start, end) = (range.start as u32, range.end as u32);
            match token {
                Some(token) => back.tokens.push(found(token, &text[range], (start, end))),
                None if back.is_full() => {}
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
                Some(token) => back.tokens.push(found(token, part, (spans[0].0, spans[spans.len() - 1].1))),
                None if back.is_full() => {}
                None => self.split(part, spans, marked, back),
            }
        });
    }

    /// One word, unless it is empty.
    #[inline]
    fn word(&self, word: &str, spans: &[Span], back: &mut Back) {
        if word.is_empty() {
            return;
        }
        match self.tables.model() {
            Model::WordPiece(model) => wordpiece::encode(model, word, spans, back),
            Model::Bpe(model) => bpe::encode(model, word, spans, back),
            Model::Unigram(model) => unigram::encode(model, word, spans, back),
        }
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
