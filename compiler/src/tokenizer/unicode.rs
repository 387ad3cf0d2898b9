//! What is known of each character, from the very crates that the Hugging Face library asks, so that no version can differ.

use modeldeploy_format::tokenizer::{BLOCKS, CHARS_PER_BLOCK, Classes};
use regex_syntax::hir::{Class, HirKind};
use std::ops::RangeInclusive;
use std::sync::LazyLock;
use unicode_categories::UnicodeCategories;
use unicode_normalization_alignments::char as forms;

/// All code points; for surrogates, which no text holds, `absent`.
pub(super) fn table<T: Clone>(absent: T, of: impl FnMut(char) -> T) -> Vec<T> {
    let mut of = of;
    (0..(BLOCKS * CHARS_PER_BLOCK) as u32).map(|code| char::from_u32(code).map_or(absent.clone(), &mut of)).collect()
}

/// Planes whose characters nothing here tells apart but their [`FACTS`]: unassigned, or private. They are seven in ten of all code points.
const ALIKE: [RangeInclusive<u32>; 2] = [0x4_0000..=0xD_FFFF, 0xF_0000..=0x10_FFFF];

/// As [`table`], where `of` asks nothing of a character but what this module and `char` know of it: it is asked once for all that are alike.
pub(super) fn table_by_kind<T: Clone>(absent: T, of: impl FnMut(char) -> T) -> Vec<T> {
    let mut of = of;
    let mut known: [Option<T>; ALIKE.len()] = [const { None }; ALIKE.len()];
    table(absent, |c| {
        let alike = |planes: &RangeInclusive<u32>| {
            planes.contains(&c.into()) && FACTS[c as usize] == FACTS[*planes.start() as usize]
        };
        match ALIKE.iter().position(alike) {
            Some(kind) => known[kind].get_or_insert_with(|| of(c)).clone(),
            None => of(c),
        }
    })
}

/// Facts beside [`Classes`]' flags.
const UNCLEAN: u8 = 1 << 5;
const NONSPACING_MARK: u8 = 1 << 6;
const COMBINING_MARK: u8 = 1 << 7;

/// All that is asked of every code point, looked up once in a process: the crates search their tables for each.
static FACTS: LazyLock<Vec<u8>> = LazyLock::new(|| {
    const {
        let classes = Classes::WHITESPACE | Classes::PUNCTUATION | Classes::LETTER | Classes::NUMBER | Classes::WORD;
        assert!(classes & (UNCLEAN | NONSPACING_MARK | COMBINING_MARK) == 0, "two facts share a bit");
    }
    let mut facts = table(0, |c| {
        let unclean = c == '\0' || c == '\u{FFFD}' || !matches!(c, '\t' | '\n' | '\r') && c.is_other();
        [
            (c.is_whitespace(), Classes::WHITESPACE),
            (c.is_ascii_punctuation() || c.is_punctuation(), Classes::PUNCTUATION),
            (unclean, UNCLEAN),
            (c.is_mark_nonspacing(), NONSPACING_MARK),
            (forms::is_combining_mark(c), COMBINING_MARK),
        ]
        .into_iter()
        .filter_map(|(holds, flag)| holds.then_some(flag))
        .fold(0, |facts, flag| facts | flag)
    });
    for (flag, pattern) in [(Classes::LETTER, r"\p{L}"), (Classes::NUMBER, r"\p{N}"), (Classes::WORD, r"\w")] {
        for (start, end) in ranges(pattern) {
            facts[start as usize..=end as usize].iter_mut().for_each(|facts| *facts |= flag);
        }
    }
    facts
});

fn has(c: char, fact: u8) -> bool {
    FACTS[c as usize] & fact != 0
}

/// The classes named by `wanted`, a set of [`Classes`]' flags, of every code point.
pub(super) fn classes(wanted: u8) -> Vec<u8> {
    FACTS.iter().map(|facts| facts & wanted).collect()
}

/// The code points that a class of the regex syntax holds.
fn ranges(pattern: &str) -> Vec<(u32, u32)> {
    let hir = regex_syntax::parse(pattern).expect("the three patterns above are well formed");
    match hir.kind() {
        HirKind::Class(Class::Unicode(class)) => {
            class.iter().map(|range| (range.start().into(), range.end().into())).collect()
        }
        _ => unreachable!("the three patterns above are classes"),
    }
}

/// The canonical combining class of every code point.
pub(super) fn combining_classes() -> Vec<u8> {
    static TABLE: LazyLock<Vec<u8>> = LazyLock::new(|| table(0, forms::canonical_combining_class));
    TABLE.clone()
}

/// The full decomposition of `c`.
pub(super) fn decomposition(c: char, compatible: bool) -> Vec<char> {
    let mut parts = Vec::new();
    if compatible {
        forms::decompose_compatible(c, |part| parts.push(part));
    } else {
        forms::decompose_canonical(c, |part| parts.push(part));
    }
    parts
}

/// All pairs that compose, Hangul apart, as `first, second, composed`, sorted.
pub(super) fn compositions() -> Vec<[char; 3]> {
    static PAIRS: LazyLock<Vec<[char; 3]>> = LazyLock::new(find_compositions);
    PAIRS.clone()
}

fn find_compositions() -> Vec<[char; 3]> {
    let mut found = Vec::new();
    for composed in (0..=u32::from(char::MAX)).filter_map(char::from_u32).filter(|c| !is_syllable(*c)) {
        let parts = decomposition(composed, false);
        if let [start @ .., second] = parts.as_slice()
            && let Some(first) = start.iter().copied().map(Some).reduce(|a, b| forms::compose(a?, b?)).flatten()
            && forms::compose(first, *second) == Some(composed)
        {
            found.push([first, *second, composed]);
        }
    }
    found.sort_unstable();
    found
}

/// A Hangul syllable, whose decomposition is arithmetic.
pub(super) fn is_syllable(c: char) -> bool {
    ('\u{AC00}'..='\u{D7A3}').contains(&c)
}

/// Whether BERT's cleaning takes `c` away.
pub(super) fn is_unclean(c: char) -> bool {
    has(c, UNCLEAN)
}

/// What BERT takes for a Chinese character.
pub(super) fn is_chinese(c: char) -> bool {
    matches!(
        u32::from(c),
        0x4E00..=0x9FFF
            | 0x3400..=0x4DBF
            | 0x2_0000..=0x2_A6DF
            | 0x2_A700..=0x2_B73F
            | 0x2_B740..=0x2_B81F
            | 0x2_B920..=0x2_CEAF
            | 0xF900..=0xFAFF
            | 0x2_F800..=0x2_FA1F
    )
}

/// A mark as BERT's accent stripping sees it.
pub(super) fn is_nonspacing_mark(c: char) -> bool {
    has(c, NONSPACING_MARK)
}

/// A mark as the `StripAccents` normaliser sees it.
pub(super) fn is_combining_mark(c: char) -> bool {
    has(c, COMBINING_MARK)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_called_alike_is() {
        let classes = combining_classes();
        for planes in ALIKE {
            for c in planes.filter_map(char::from_u32) {
                let itself = [false, true].iter().all(|&compatible| decomposition(c, compatible) == [c]);
                let plain = classes[c as usize] == 0 && !is_chinese(c) && !is_syllable(c);
                assert!(itself && plain && c.to_lowercase().eq([c]), "{c:?}");
            }
        }
    }

    #[test]
    fn every_pair_that_composes_is_listed() {
        let listed = compositions();
        let seconds: std::collections::BTreeSet<char> = listed.iter().map(|&[_, second, _]| second).collect();
        let firsts: std::collections::BTreeSet<char> = (0..=u32::from(char::MAX))
            .filter_map(char::from_u32)
            .flat_map(|c| decomposition(c, false).into_iter().chain([c]))
            .collect();
        let count = firsts
            .iter()
            .filter(|c| !is_syllable(**c) && !('\u{1100}'..='\u{11FF}').contains(*c) && u32::from(**c) < 0x2_0000)
            .flat_map(|&first| seconds.iter().filter_map(move |&second| forms::compose(first, second)))
            .count();
        assert_eq!(listed.len(), count);
    }
}
