//! Byte-level BPE: a word's bytes are joined, pair by pair, in the order in which the merges were learned; leftmost first.
//!
//! A heap of candidate pairs makes it O(n log n) in the length of the word.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use modeldeploy_format::tokenizer::{Bpe, NONE};

use super::buffer::Span;
use super::encoding::{Back, Token};

/// A stretch of bytes that is one token so far; `len` 0 once it is part of the one before.
#[derive(Clone, Copy, Debug)]
struct Symbol {
    id: u32,
    previous: u32,
    next: u32,
    len: u32,
}

/// What merging needs, kept from word to word.
#[derive(Debug, Default)]
pub(super) struct Room {
    symbols: Vec<Symbol>,
    /// Rank, place of the left symbol, id that comes of it.
    queue: BinaryHeap<Reverse<(u32, u32, u32)>>,
}

impl Room {
    /// Puts the pair that begins at `left` in the queue, if there is a merge for it.
    fn offer(&mut self, model: &Bpe<'_>, left: u32) {
        let Symbol { id, next, .. } = self.symbols[left as usize];
        if next != NONE
            && let Some((rank, joined)) = model.merges.get(id, self.symbols[next as usize].id)
        {
            self.queue.push(Reverse((rank, left, joined)));
        }
    }

    fn merge(&mut self, model: &Bpe<'_>, word: &[u8]) {
        self.symbols.clear();
        self.queue.clear();
        let count = word.len() as u32;
        self.symbols.extend((0..count).zip(word).map(|(i, &byte)| Symbol {
            id: model.bytes.get(usize::from(byte)),
            previous: if i == 0 { NONE } else { i - 1 },
            next: if i + 1 == count { NONE } else { i + 1 },
            len: 1,
        }));
        for left in 0..count {
            self.offer(model, left);
        }
        while let Some(Reverse((_, left, joined))) = self.queue.pop() {
            let Symbol { id, previous, next, len } = self.symbols[left as usize];
            if len == 0 || next == NONE {
                continue;
            }
            let right = self.symbols[next as usize];
            // The pair may have changed since it was put in the queue.
            if model.merges.get(id, right.id).is_none_or(|(_, now)| now != joined) {
                continue;
            }
            self.symbols[left as usize] = Symbol { id: joined, previous, next: right.next, len: len + right.len };
            self.symbols[next as usize].len = 0;
            if right.next != NONE {
                self.symbols[right.next as usize].previous = left;
            }
            if previous != NONE {
                self.offer(model, previous);
            }
            self.offer(model, left);
        }
    }
}

/// Adds the tokens of `word`, which is not empty.
pub(super) fn encode(model: &Bpe<'_>, word: &str, spans: &[Span], back: &mut Back) {
    let bytes = word.as_bytes();
    let whole = match &model.whole {
        Some(trie) => trie.exact(bytes),
        None if bytes.len() == 1 => Some(model.bytes.get(usize::from(bytes[0]))),
        None => None,
    };
    if let Some(id) = whole {
        return back.tokens.push(token(id, spans));
    }
    let Back { bpe, tokens, .. } = back;
    bpe.merge(model, bytes);
    let mut at = 0;
    for symbol in bpe.symbols.iter().filter(|symbol| symbol.len != 0) {
        let end = at + symbol.len as usize;
        tokens.push(token(symbol.id, &spans[at..end]));
        at = end;
    }
}

fn token(id: u32, spans: &[Span]) -> Token {
    Token { id, span: (spans[0].0, spans[spans.len() - 1].1), edges: None }
}
