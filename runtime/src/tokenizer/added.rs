//! Tokens that are written in the text itself, as `[MASK]`: the leftmost, and of those the longest.

use std::ops::Range;

use modeldeploy_format::tokenizer::{Added, AddedToken, Classes, Trie};

/// One of the two tries of added tokens, and the bytes with which its tokens begin.
#[derive(Debug)]
pub(super) struct Finder<'a> {
    added: Added<'a>,
    trie: Trie<'a>,
    starts: Option<[bool; 256]>,
}

impl<'a> Finder<'a> {
    pub(super) fn new(added: Added<'a>, trie: Trie<'a>) -> Self {
        let starts: [bool; 256] = std::array::from_fn(|byte| trie.step(trie.root(), byte as u8).is_some());
        Self { added, trie, starts: starts.contains(&true).then_some(starts) }
    }

    /// Gives the parts of `text` in order: tokens, and what lies between them.
    pub(super) fn split(
        &self,
        classes: &Classes<'_>,
        text: &str,
        mut each: impl FnMut(Option<AddedToken>, Range<usize>),
    ) {
        let mut done = 0;
        let mut at = 0;
        while let Some((found, token)) = self.next(text, at) {
            at = found.end;
            if token.single_word && inside_word(classes, text, &found) {
                continue;
            }
            let mut part = found;
            if token.lstrip {
                part.start = text[..part.start].trim_end().len().max(done);
            }
            if token.rstrip {
                part.end = text.len() - text[part.end..].trim_start().len();
            }
            if done < part.start {
                each(None, done..part.start);
            }
            if part.start < part.end {
                done = part.end;
                each(Some(token), part);
            }
        }
        if done < text.len() {
            each(None, done..text.len());
        }
    }

    /// The next token that begins at `at` or after it.
    fn next(&self, text: &str, at: usize) -> Option<(Range<usize>, AddedToken)> {
        let starts = self.starts.as_ref()?;
        let bytes = text.as_bytes();
        (at..bytes.len()).filter(|&start| starts[usize::from(bytes[start])]).find_map(|start| {
            let (len, value) = self.trie.longest(&bytes[start..])?;
            let whole = text.is_char_boundary(start) && text.is_char_boundary(start + len);
            whole.then(|| (start..start + len, self.added.token(value)))
        })
    }
}

/// Whether the characters on both sides, or on one, make a word with what is `found`.
fn inside_word(classes: &Classes<'_>, text: &str, found: &Range<usize>) -> bool {
    let is_word = |c: Option<char>| c.is_some_and(|c| classes.get(c) & Classes::WORD != 0);
    is_word(text[..found.start].chars().next_back()) || is_word(text[found.end..].chars().next())
}
