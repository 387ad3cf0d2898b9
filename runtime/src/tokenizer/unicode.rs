//! Unicode normalisation forms (UAX #15) over the pack's tables, with a change for each character as [`Buffer::transform`] reads it.
//!
//! [`Buffer::transform`]: super::buffer::Buffer::transform

use modeldeploy_format::tokenizer::{Classes, Map, Mapped, Words};

const SYLLABLES: u32 = 0xAC00;
const LEADS: u32 = 0x1100;
const VOWELS: u32 = 0x1161;
const TAILS: u32 = 0x11A7;
const LEAD_COUNT: u32 = 19;
const VOWEL_COUNT: u32 = 21;
const TAIL_COUNT: u32 = 28;
const SYLLABLE_COUNT: u32 = LEAD_COUNT * VOWEL_COUNT * TAIL_COUNT;

/// Gives the Jamo of a Hangul syllable, or any other character itself.
pub(super) fn jamo(c: char, mut each: impl FnMut(char)) {
    let index = u32::from(c).wrapping_sub(SYLLABLES);
    if index >= SYLLABLE_COUNT {
        return each(c);
    }
    let tail = index % TAIL_COUNT;
    let parts = [
        LEADS + index / (VOWEL_COUNT * TAIL_COUNT),
        VOWELS + index % (VOWEL_COUNT * TAIL_COUNT) / TAIL_COUNT,
        TAILS + tail,
    ];
    parts[..if tail == 0 { 2 } else { 3 }].iter().filter_map(|&part| char::from_u32(part)).for_each(each);
}

/// Decomposes `text` and puts marks in canonical order: `out` is filled with class, place, character, change.
pub(super) fn decompose(map: &Map<'_>, classes: &Classes<'_>, text: &str, out: &mut Vec<(u8, u32, char, i32)>) {
    out.clear();
    let mut sorted = 0;
    for c in text.chars() {
        let mut change = 0;
        let mut push = |c: char| {
            let class = classes.get(c);
            if class == 0 {
                out[sorted..].sort_unstable();
                sorted = out.len();
            }
            out.push((class, out.len() as u32, c, change));
            change = 1;
        };
        match map.get(c) {
            Mapped::Text(text) => text.chars().for_each(push),
            Mapped::Hangul => jamo(c, push),
            Mapped::Keep | Mapped::Slow | Mapped::Pad => push(c),
        }
    }
    out[sorted..].sort_unstable();
}

/// Composes what `decompose` gave, where there are `compositions`; `held` is the marks that wait behind a starter.
pub(super) fn compose(
    classes: &Classes<'_>,
    compositions: Words<'_>,
    decomposed: &[(u8, u32, char, i32)],
    held: &mut Vec<(char, i32)>,
    out: &mut Vec<(char, i32)>,
) {
    out.clear();
    held.clear();
    if compositions.is_empty() {
        out.extend(decomposed.iter().map(|&(.., c, change)| (c, change)));
        return;
    }
    let mut starter: Option<(char, i32)> = None;
    let mut last_class: Option<u8> = None;
    for &(_, _, c, change) in decomposed {
        let class = classes.get(c);
        let Some((first, first_change)) = starter else {
            if class == 0 {
                starter = Some((c, change));
            } else {
                out.push((c, change));
            }
            continue;
        };
        let blocked = last_class.is_some_and(|last| last >= class);
        if !blocked && let Some(composed) = pair(compositions, first, c) {
            starter = Some((composed, first_change + change - 1));
        } else if class == 0 {
            out.push((first, first_change));
            out.append(held);
            starter = Some((c, change));
            last_class = None;
        } else {
            held.push((c, change));
            last_class = Some(class);
        }
    }
    out.extend(starter);
    out.append(held);
}

/// What two characters compose to.
fn pair(compositions: Words<'_>, first: char, second: char) -> Option<char> {
    let (a, b) = (u32::from(first), u32::from(second));
    let (lead, vowel) = (a.wrapping_sub(LEADS), b.wrapping_sub(VOWELS));
    if lead < LEAD_COUNT && vowel < VOWEL_COUNT {
        return char::from_u32(SYLLABLES + (lead * VOWEL_COUNT + vowel) * TAIL_COUNT);
    }
    let (syllable, tail) = (a.wrapping_sub(SYLLABLES), b.wrapping_sub(TAILS));
    if syllable < SYLLABLE_COUNT && syllable.is_multiple_of(TAIL_COUNT) && (1..TAIL_COUNT).contains(&tail) {
        return char::from_u32(a + tail);
    }
    let (mut low, mut high) = (0, compositions.len() / 3);
    while low < high {
        let middle = low.midpoint(high);
        match (compositions.get(3 * middle), compositions.get(3 * middle + 1)).cmp(&(a, b)) {
            std::cmp::Ordering::Less => low = middle + 1,
            std::cmp::Ordering::Greater => high = middle,
            std::cmp::Ordering::Equal => return char::from_u32(compositions.get(3 * middle + 2)),
        }
    }
    None
}
