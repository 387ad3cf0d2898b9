//! Unigram: of all ways to cut a word into pieces the one with the highest sum of scores (Viterbi).
//!
//! Unknown characters that stand together are one token, or their bytes where the vocabulary has those.

use modeldeploy_format::tokenizer::{NONE, Unigram};

use super::buffer::Span;
use super::encoding::{Back, Token};

/// The best way to reach a place in the word.
#[derive(Clone, Copy, Debug)]
pub(super) struct Best {
    score: f64,
    /// Where its last piece begins; `NONE` as long as nothing reaches the place.
    start: u32,
    id: u32,
}

/// Adds the tokens of `word`, which is not empty.
pub(super) fn encode(model: &Unigram<'_>, word: &str, spans: &[Span], back: &mut Back) {
    let Back { best, tokens, .. } = back;
    search(model, word, best);
    let before = tokens.len();
    // From the end to the start; `unknown` is the end of the unknown characters met last.
    let mut unknown = None;
    let mut end = word.len();
    while end > 0 {
        let Best { start, id, .. } = best[end];
        let start = if start == NONE { 0 } else { start as usize };
        if id == model.unk {
            unknown.get_or_insert(end);
        } else {
            if let Some(unknown) = unknown.take() {
                push_unknown(model, word, end..unknown, spans, tokens);
            }
            tokens.push(token(id, &spans[start..end]));
        }
        end = start;
    }
    if let Some(unknown) = unknown {
        push_unknown(model, word, 0..unknown, spans, tokens);
    }
    tokens[before..].reverse();
}

/// Fills `best[0..=word.len()]`.
fn search(model: &Unigram<'_>, word: &str, best: &mut Vec<Best>) {
    best.clear();
    best.resize(word.len() + 1, Best { score: 0.0, start: NONE, id: model.unk });
    for (start, c) in word.char_indices() {
        let here = best[start].score;
        let mut reach = |end: usize, score: f64, id: u32| {
            let place = &mut best[end];
            if place.start == NONE || score > place.score {
                *place = Best { score, start: start as u32, id };
            }
        };
        let mut single = false;
        let mut node = model.trie.root();
        for (end, &byte) in (start + 1..).zip(&word.as_bytes()[start..]) {
            match model.trie.step(node, byte) {
                Some(next) => node = next,
                None => break,
            }
            if let Some(id) = model.trie.value(node) {
                reach(end, model.scores.get(id as usize) + here, id);
                single |= end == start + c.len_utf8();
            }
        }
        if !single {
            reach(start + c.len_utf8(), model.unk_score + here, model.unk);
        }
    }
}

/// Adds what stands for text that no piece spells, last token first.
fn push_unknown(
    model: &Unigram<'_>,
    word: &str,
    range: std::ops::Range<usize>,
    spans: &[Span],
    tokens: &mut Vec<Token>,
) {
    let (bytes, spans) = (&word.as_bytes()[range.clone()], &spans[range]);
    // Characters unknown one by one may yet spell a piece, or the unknown token itself.
    if let Some(id) = model.trie.exact(bytes) {
        return tokens.push(token(id, spans));
    }
    let id_of = |&byte: &u8| model.bytes.get(usize::from(byte));
    if !model.bytes.is_empty() && bytes.iter().map(id_of).all(|id| id != NONE) {
        tokens.extend(bytes.iter().rev().map(|byte| token(id_of(byte), spans)));
    } else {
        tokens.push(token(model.unk, spans));
    }
}

fn token(id: u32, spans: &[Span]) -> Token {
    Token { id, span: (spans[0].0, spans[spans.len() - 1].1), edges: None }
}
