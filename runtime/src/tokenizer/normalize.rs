//! The normaliser: all its steps at once by one table where that is possible, else one after the other.

use modeldeploy_format::tokenizer::{Charsmap, Map, Mapped, Normalizer, Step};
use unicode_segmentation::UnicodeSegmentation;

use super::buffer::{Buffer, Span};
use super::encoding::Front;
use super::unicode;

/// SentencePiece looks a whole grapheme up only when it is shorter than this many bytes.
const LONGEST_GRAPHEME: usize = 6;

/// What the fused table makes of each ASCII character: one ASCII character, or one of these.
const REMOVED: u8 = 0xFF;
const OTHER: u8 = 0xFE;

/// The fused table for ASCII.
pub(super) fn ascii_table(normalizer: &Normalizer<'_>) -> [u8; 128] {
    std::array::from_fn(|byte| {
        let byte = byte as u8;
        match normalizer.fused().map_or(Mapped::Keep, |map| map.get(char::from(byte))) {
            Mapped::Keep => byte,
            Mapped::Text("") => REMOVED,
            Mapped::Text(text) if text.len() == 1 => text.as_bytes()[0],
            _ => OTHER,
        }
    })
}

/// Writes the normalised form of `text`, which begins at `base` of the original, to `front.text`.
pub(super) fn normalize(normalizer: &Normalizer<'_>, ascii: &[u8; 128], text: &str, base: u32, front: &mut Front) {
    front.text.clear();
    if let Some(map) = normalizer.fused() {
        if fused(map, ascii, text, base, &mut front.text) {
            return;
        }
        front.text.clear();
    }
    front.text.push_original(text, base);
    for step in normalizer.steps() {
        take(step, front);
    }
}

/// All steps in one pass; false when a character is met that they must see one by one.
fn fused(map: &Map<'_>, ascii: &[u8; 128], text: &str, base: u32, out: &mut Buffer) -> bool {
    out.reserve(text.len());
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        let start = base + at as u32;
        let byte = bytes[at];
        if byte < 0x80 && ascii[usize::from(byte)] != OTHER {
            at += 1;
            let mapped = ascii[usize::from(byte)];
            if mapped != REMOVED {
                out.text.push(char::from(mapped));
                out.spans.push((start, start + 1));
            }
            continue;
        }
        let Some(c) = text[at..].chars().next() else { break };
        at += c.len_utf8();
        if !mapped(map, c, (start, base + at as u32), out) {
            return false;
        }
    }
    true
}

/// Adds what `c` becomes; false when the table alone cannot say.
#[inline]
fn mapped(map: &Map<'_>, c: char, span: Span, out: &mut Buffer) -> bool {
    match map.get(c) {
        Mapped::Keep => out.push(c, span),
        Mapped::Text(text) => out.push_str(text, span),
        Mapped::Pad => {
            out.push(' ', span);
            out.push(c, span);
            out.push(' ', span);
        }
        Mapped::Hangul => unicode::jamo(c, |jamo| out.push(jamo, span)),
        Mapped::Slow => return false,
    }
    true
}

/// Takes one step over `front.text`.
fn take(step: &Step<'_>, front: &mut Front) {
    let Front { text, next, changes, .. } = front;
    next.clear();
    match *step {
        Step::Map(ref map) => {
            let mut at = 0;
            for c in text.text.chars() {
                let span = text.spans[at];
                at += c.len_utf8();
                if !mapped(map, c, span, next) {
                    next.push(c, span);
                }
            }
        }
        Step::Unicode { ref decompositions, ref classes, compositions } => {
            unicode::decompose(decompositions, classes, &text.text, &mut front.decomposed);
            unicode::compose(classes, compositions, &front.decomposed, &mut front.pending, changes);
            text.transform(changes, next);
        }
        Step::Charsmap(ref charsmap) => {
            if !rewrite(charsmap, &text.text, changes) {
                return;
            }
            text.transform(changes, next);
        }
        Step::Replace { from, to } => replace(text, to, next, |rest| rest.find(from).map(|at| (at, at + from.len()))),
        Step::CollapseSpaces { to } => replace(text, to, next, |rest| {
            let at = rest.find("  ")?;
            Some((at, rest.len() - rest[at..].trim_start_matches(' ').len()))
        }),
        Step::Prepend { text: prefix } => {
            let Some(&span) = text.spans.first() else { return };
            next.push_str(prefix, span);
            next.extend(&text.text, &text.spans);
        }
        Step::Strip { left, right } => {
            let all = text.text.as_str();
            let start = if left { all.len() - all.trim_start().len() } else { 0 };
            let end = if right { all.trim_end().len().max(start) } else { all.len() };
            next.extend(&all[start..end], &text.spans[start..end]);
        }
    }
    std::mem::swap(text, next);
}

/// Each place that `find` gives becomes `to`, which stands for the last character replaced.
fn replace(text: &Buffer, to: &str, out: &mut Buffer, find: impl Fn(&str) -> Option<(usize, usize)>) {
    let mut done = 0;
    while let Some((start, end)) = find(&text.text[done..]) {
        let (start, end) = (done + start, done + end);
        out.extend(&text.text[done..start], &text.spans[done..start]);
        out.push_str(to, text.spans[end - 1]);
        done = end;
    }
    out.extend(&text.text[done..], &text.spans[done..]);
}

/// SentencePiece's rules on each grapheme, or else on each of its characters; false when none applies.
fn rewrite(charsmap: &Charsmap<'_>, text: &str, changes: &mut Vec<(char, i32)>) -> bool {
    changes.clear();
    // Without a line end every ASCII character is a grapheme.
    if text.is_ascii() && !text.contains('\r') {
        return rewrite_chars(charsmap, text, changes);
    }
    let mut modified = false;
    for grapheme in text.graphemes(true) {
        match charsmap.get(grapheme) {
            Some(new) if grapheme.len() < LONGEST_GRAPHEME => {
                substitute(changes, grapheme, new);
                modified = true;
            }
            _ => modified |= rewrite_chars(charsmap, grapheme, changes),
        }
    }
    modified
}

/// The rules on each character.
fn rewrite_chars(charsmap: &Charsmap<'_>, text: &str, changes: &mut Vec<(char, i32)>) -> bool {
    let mut modified = false;
    for (at, c) in text.char_indices() {
        let part = &text[at..at + c.len_utf8()];
        match charsmap.get(part) {
            Some(new) => {
                substitute(changes, part, new);
                modified = true;
            }
            None => changes.push((c, 0)),
        }
    }
    modified
}

/// Adds `new` in the place of `old`. Characters too many are additions; those too few count as removed by the last change, whichever
/// text it came from, as in the Hugging Face library.
fn substitute(changes: &mut Vec<(char, i32)>, old: &str, new: &str) {
    let (old, count) = (old.chars().count(), new.chars().count());
    changes.extend(new.chars().map(|c| (c, 0)));
    let len = changes.len();
    for change in &mut changes[len - count.saturating_sub(old)..] {
        change.1 = 1;
    }
    if old > count
        && let Some(last) = changes.last_mut()
    {
        last.1 -= (old - count) as i32;
    }
}
