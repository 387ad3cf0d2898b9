//! The splitters: from normalised text to the words that the model sees.

use modeldeploy_format::tokenizer::{Classes, Prepend, Splitter};

use super::Tokenizer;
use super::buffer::{Buffer, Span};
use super::encoding::Back;

/// The contractions of GPT-2's expression, in its order.
const CONTRACTIONS: [&[u8]; 7] = [b"'s", b"'t", b"'re", b"'ve", b"'m", b"'ll", b"'d"];

impl Tokenizer<'_> {
    /// Splits a part of the text and gives each word to the model.
    pub(super) fn split(&self, text: &str, spans: &[Span], marked: &mut Buffer, back: &mut Back) {
        match self.tables.splitter() {
            Splitter::Whole => self.word(text, spans, back),
            Splitter::Bert => self.split_bert(text, spans, back),
            Splitter::Whitespace => self.split_whitespace(text, spans, |text, spans| self.word(text, spans, back)),
            Splitter::ByteLevel { prefix_space, split } => {
                if prefix_space && !text.starts_with(' ') {
                    marked.clear();
                    marked.push_str(" ", spans[0]);
                    marked.extend(text, spans);
                    self.split_bytes(&marked.text, &marked.spans, split, back);
                } else {
                    self.split_bytes(text, spans, split, back);
                }
            }
            Splitter::Metaspace { whitespace, mark, prepend, split } => {
                let mut mark_up = |text: &str, spans: &[Span]| {
                    marked.clear();
                    let starts = text.starts_with(mark) || text.starts_with(' ');
                    if !starts && (prepend == Prepend::Always || prepend == Prepend::First && spans[0].0 == 0) {
                        marked.push(mark, spans[0]);
                    }
                    for (at, c) in text.char_indices() {
                        marked.push(if c == ' ' { mark } else { c }, spans[at]);
                    }
                    self.split_marks(&marked.text, &marked.spans, split.then_some(mark), back);
                };
                if whitespace {
                    self.split_whitespace(text, spans, mark_up);
                } else {
                    mark_up(text, spans);
                }
            }
        }
    }

    /// The class and the length of the character at `at`.
    #[inline]
    fn class_at(&self, text: &str, at: usize) -> (u8, usize) {
        let byte = text.as_bytes()[at];
        if byte < 0x80 {
            return (self.ascii_classes[usize::from(byte)], 1);
        }
        text[at..].chars().next().map_or((0, 1), |c| (self.classes.get(c), c.len_utf8()))
    }

    fn split_bert(&self, text: &str, spans: &[Span], back: &mut Back) {
        let mut start = 0;
        let mut at = 0;
        while at < text.len() && !back.is_full {
            let (class, len) = self.class_at(text, at);
            if class & (Classes::WHITESPACE | Classes::PUNCTUATION) != 0 {
                self.word(&text[start..at], &spans[start..at], back);
                if class & Classes::WHITESPACE == 0 {
                    self.word(&text[at..at + len], &spans[at..at + len], back);
                }
                start = at + len;
            }
            at += len;
        }
        if !back.is_full {
            self.word(&text[start..at], &spans[start..at], back);
        }
    }

    fn split_whitespace(&self, text: &str, spans: &[Span], mut each: impl FnMut(&str, &[Span])) {
        let mut start = 0;
        for (at, c) in text.char_indices().filter(|&(_, c)| c.is_whitespace()) {
            if start < at {
                each(&text[start..at], &spans[start..at]);
            }
            start = at + c.len_utf8();
        }
        if start < text.len() {
            each(&text[start..], &spans[start..]);
        }
    }

    /// Each mark begins a word; without one the text is one word.
    fn split_marks(&self, text: &str, spans: &[Span], mark: Option<char>, back: &mut Back) {
        let mut start = 0;
        if let Some(mark) = mark {
            for (at, _) in text.match_indices(mark) {
                self.word(&text[start..at], &spans[start..at], back);
                start = at;
                if back.is_full {
                    return;
                }
            }
        }
        self.word(&text[start..], &spans[start..], back);
    }

    fn split_bytes(&self, text: &str, spans: &[Span], split: bool, back: &mut Back) {
        let mut start = 0;
        while start < text.len() && !back.is_full {
            let end = if split { self.end_of_bytes(text, start) } else { text.len() };
            self.word(&text[start..end], &spans[start..end], back);
            start = end;
        }
    }

    /// Where the match of `'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+` that begins at `start` ends.
    fn end_of_bytes(&self, text: &str, start: usize) -> usize {
        const KINDS: u8 = Classes::LETTER | Classes::NUMBER | Classes::WHITESPACE;
        let rest = &text.as_bytes()[start..];
        if let Some(contraction) = CONTRACTIONS.iter().find(|contraction| rest.starts_with(contraction)) {
            return start + contraction.len();
        }
        // Letters, numbers or others, with one space before them.
        let first = start + usize::from(rest[0] == b' ');
        if first < text.len() {
            let kind = self.class_at(text, first).0 & KINDS;
            if kind & Classes::WHITESPACE == 0 {
                return self.end_of_run(text, first, |class| class & KINDS == kind);
            }
        }
        // White space; the last of it belongs to the word that follows.
        let end = self.end_of_run(text, start, |class| class & Classes::WHITESPACE != 0);
        let last = text[start..end].char_indices().next_back().map_or(0, |(at, _)| at);
        if end == text.len() || last == 0 { end } else { start + last }
    }

    fn end_of_run(&self, text: &str, start: usize, in_run: impl Fn(u8) -> bool) -> usize {
        let mut at = start;
        while at < text.len() {
            let (class, len) = self.class_at(text, at);
            if !in_run(class) {
                break;
            }
            at += len;
        }
        at
    }
}
