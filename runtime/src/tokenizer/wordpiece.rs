//! WordPiece: again and again the longest piece that the rest of the word begins with; a word that cannot be spelled is unknown.

use modeldeploy_format::tokenizer::WordPiece;

use super::buffer::Span;
use super::encoding::{Back, Token};

/// Adds the pieces of `word`, which is not empty.
pub(super) fn encode(model: &WordPiece<'_>, word: &str, spans: &[Span], back: &mut Back) {
    let before = back.tokens.len();
    let push = |id, start: usize, end: usize, back: &mut Back| {
        back.tokens.push(Token { id, span: (spans[start].0, spans[end - 1].1), edges: None });
    };
    let most = model.max_chars as usize;
    if word.len() > most && word.chars().count() > most {
        return push(model.unk, 0, word.len(), back);
    }
    let mut trie = model.words;
    let mut at = 0;
    while at < word.len() {
        let Some((len, id)) = trie.longest(&word.as_bytes()[at..]) else {
            back.tokens.truncate(before);
            return push(model.unk, 0, word.len(), back);
        };
        push(id, at, at + len, back);
        at += len;
        trie = model.continuations;
    }
}
