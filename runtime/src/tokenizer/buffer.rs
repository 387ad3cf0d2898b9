//! Text under way, each byte with the place in the original from which it came.

/// `start..end`, in bytes of the original text.
pub(super) type Span = (u32, u32);

/// A text and a span for each of its bytes; all bytes of a character have the same.
#[derive(Debug, Default)]
pub(super) struct Buffer {
    pub(super) text: String,
    pub(super) spans: Vec<Span>,
}

impl Buffer {
    pub(super) fn clear(&mut self) {
        self.text.clear();
        self.spans.clear();
    }

    pub(super) fn reserve(&mut self, bytes: usize) {
        self.text.reserve(bytes);
        self.spans.reserve(bytes);
    }

    #[inline]
    pub(super) fn push(&mut self, c: char, span: Span) {
        self.text.push(c);
        for _ in 0..c.len_utf8() {
            self.spans.push(span);
        }
    }

    #[inline]
    pub(super) fn push_str(&mut self, text: &str, span: Span) {
        self.text.push_str(text);
        self.spans.resize(self.spans.len() + text.len(), span);
    }

    /// Adds `text` with its own spans.
    pub(super) fn extend(&mut self, text: &str, spans: &[Span]) {
        self.text.push_str(text);
        self.spans.extend_from_slice(spans);
    }

    /// Adds `text`, which begins at `base` of the original.
    pub(super) fn push_original(&mut self, text: &str, base: u32) {
        self.reserve(text.len());
        let mut at = base;
        for c in text.chars() {
            let end = at + c.len_utf8() as u32;
            self.push(c, (at, end));
            at = end;
        }
    }

    /// Writes to `out` the characters of `changes`. A change of 0 takes the place of the next character here, −n that and n more, 1 adds
    /// a character beside the one before. These are the rules by which the Hugging Face library keeps its alignments.
    pub(super) fn transform(&self, changes: &[(char, i32)], out: &mut Buffer) {
        out.clear();
        out.reserve(self.text.len());
        let mut at = 0;
        let mut source = self.text.chars();
        let last = self.spans.last().copied().unwrap_or_default();
        for &(c, change) in changes {
            let span = match change {
                1.. if at == 0 => (0, 0),
                1.. => self.spans[at - 1],
                _ => self.spans.get(at).copied().unwrap_or(last),
            };
            for _ in change..=0 {
                at += source.next().map_or(0, char::len_utf8);
            }
            out.push(c, span);
        }
    }
}
