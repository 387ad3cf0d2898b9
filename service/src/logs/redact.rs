//! Texts without what points at a person: e-mail addresses, phone numbers and card numbers become `[e-mail]`, `[phone]`, `[card]`.
//!
//! What looks like one is replaced even where it may be something else, a long article number, say: a log can lose that.
//!
//! - An e-mail address is what stands around an `@`, with a dot in its domain.
//! - Digits may stand in groups of two and more, apart by a space, `-`, `.`, `/` or parentheses; the first may be alone, and one
//!   after a country.
//! - 13 to 19 digits that end in their check digit by Luhn are a card number, unless they begin as a phone number does alone.
//! - A phone number has 7 to 15 digits (ITU-T E.164) and begins with `+` or `00`, or has 9 and more in groups, or 10 and more together: so
//!   Chinese mobile numbers, with 86 before them or not, and numbers with an area code. A date has 8.
//! - Groups of two digits at most are a number only where they begin with 0, as in France; else they are sizes. So are three groups and more
//!   apart by a space or `/` that grow or fall by one step, as `36 37 38` and `100/120/140` do.

use std::borrow::Cow;
use std::ops::Range;

const EMAIL: &str = "[e-mail]";
const PHONE: &str = "[phone]";
const CARD: &str = "[card]";

/// The text without e-mail addresses, phone numbers and card numbers.
pub fn redact(text: &str) -> Cow<'_, str> {
    let chars: Vec<char> = text.chars().collect();
    let is_plain = !chars.iter().any(|&c| is_at(c)) && chars.iter().filter(|&&c| digit(c).is_some()).count() < 7;
    if is_plain {
        return Cow::Borrowed(text);
    }
    let (mut out, mut done) = (String::with_capacity(text.len()), 0);
    for email in emails(&chars) {
        numbers(&chars[done..email.start], &mut out);
        out.push_str(EMAIL);
        done = email.end;
    }
    numbers(&chars[done..], &mut out);
    Cow::Owned(out)
}

/// Also as Chinese keyboards write it.
fn is_at(c: char) -> bool {
    matches!(c, '@' | '＠')
}

/// Where e-mail addresses stand, one after the other.
fn emails(chars: &[char]) -> Vec<Range<usize>> {
    let mut found: Vec<Range<usize>> = vec![];
    for at in (0..chars.len()).filter(|&at| is_at(chars[at])) {
        let from = found.last().map_or(0, |last| last.end);
        if at < from {
            continue;
        }
        // Words of other scripts are written without a space before an address, and belong to it only if nothing else does.
        let run = |is_part: fn(char) -> bool| chars[from..at].iter().rev().take_while(|&&c| is_part(c)).count();
        let local = |is_letter: fn(char) -> bool, ascii| if ascii > 0 { ascii } else { run(is_letter) };
        let before =
            local(char::is_alphanumeric, run(|c| c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~.".contains(c)));
        let after = domain(&chars[at + 1..], |c| c.is_ascii_alphanumeric())
            .or_else(|| domain(&chars[at + 1..], char::is_alphanumeric));
        if let Some(after) = after.filter(|_| before > 0) {
            found.push(at - before..at + 1 + after);
        }
    }
    found
}

/// How much of the beginning is a domain: labels with dots between, the last of two letters and more.
fn domain(chars: &[char], is_letter: fn(char) -> bool) -> Option<usize> {
    let is_part = |c: char| is_letter(c) || c == '-' || c == '.';
    let mut end = chars.iter().take_while(|&&c| is_part(c)).count();
    while end > 0 && !is_letter(chars[end - 1]) {
        end -= 1;
    }
    let dot = chars[..end].iter().rposition(|&c| c == '.')?;
    (dot > 0 && end - dot > 2).then_some(end)
}

/// Digits of the scripts that write numbers by tens.
fn digit(c: char) -> Option<u8> {
    let zeros = ['0', '０', '٠', '۰', '०'];
    zeros
        .into_iter()
        .find_map(|zero| (c as u32).checked_sub(zero as u32).filter(|value| *value < 10))
        .map(|value| value as u8)
}

/// Digits that stand together.
#[derive(Clone, Debug)]
struct Group {
    place: Range<usize>,
    digits: Vec<u8>,
}

/// Writes a text without phone and card numbers.
fn numbers(chars: &[char], out: &mut String) {
    let mut done = 0;
    for run in runs(chars) {
        let mut at = 0;
        while at < run.len() {
            let Some((count, word)) = number(chars, &run[at..]) else {
                at += 1;
                continue;
            };
            let (start, end) = (begin(chars, run[at].place.start, done), run[at + count - 1].place.end);
            out.extend(&chars[done..start]);
            out.push_str(word);
            done = end;
            at += count;
        }
    }
    out.extend(&chars[done..]);
}

/// Groups of digits that may be one number, each list with nothing but separators between its groups.
fn runs(chars: &[char]) -> Vec<Vec<Group>> {
    let (mut runs, mut at): (Vec<Vec<Group>>, _) = (vec![], 0);
    while at < chars.len() {
        if digit(chars[at]).is_none() {
            at += 1;
            continue;
        }
        let digits: Vec<u8> = chars[at..].iter().map_while(|&c| digit(c)).collect();
        let group = Group { place: at..at + digits.len(), digits };
        at = group.place.end;
        match runs.last_mut() {
            Some(run) if is_more(chars, run, &group) && are_near(chars, run, &group) => run.push(group),
            _ => runs.push(vec![group]),
        }
    }
    runs
}

/// Whether a group can go on a number: one digit can only after a country, as in `+33 1` and `+49 (0)30`.
fn is_more(chars: &[char], run: &[Group], group: &Group) -> bool {
    let is_country = |first: &Group| has_plus(chars, first.place.start) || first.digits.starts_with(&[0, 0]);
    let is_after_country = || run.len() == 1 && is_country(&run[0]);
    group.digits.len() > 1 || is_after_country()
}

/// Whether a plus stands before a number whose digits begin there.
fn has_plus(chars: &[char], digits: usize) -> bool {
    matches!(chars[..digits], [.., '+' | '＋'] | [.., '+' | '＋', '(' | '（'])
}

/// Whether a group goes on where a list of them ends.
fn are_near(chars: &[char], run: &[Group], next: &Group) -> bool {
    let between = run.last().map_or(&[][..], |last| &chars[last.place.end..next.place.start]);
    between.len() <= 2 && between.iter().all(|&c| " \u{a0}-‐‑–.·/()（）".contains(c))
}

/// How many groups at the beginning are a number, and what it is called: the longest that is one, of cards before phones.
fn number(chars: &[char], run: &[Group]) -> Option<(usize, &'static str)> {
    let digits = |count: usize| run[..count].iter().flat_map(|group| &group.digits).copied().collect::<Vec<u8>>();
    let longest = |is_one: &dyn Fn(usize) -> bool| (1..=run.len()).rev().find(|&count| is_one(count));
    let has_plus = has_plus(chars, run[0].place.start);
    let is_sizes = |count: usize| !has_plus && run[0].digits[0] != 0 && are_sizes(chars, &run[..count]);
    let is_card = |count: usize| {
        let digits = digits(count);
        (13..=19).contains(&digits.len()) && luhn(&digits) && !is_sizes(count)
    };
    let is_phone = |count: usize| {
        let digits = digits(count);
        let least = match count {
            _ if has_plus || digits.starts_with(&[0, 0]) => 7,
            1 => 10,
            _ => 9,
        };
        (least..=15).contains(&digits.len()) && !is_sizes(count)
    };
    // No card's number begins so, even where the last digit happens to fit.
    let is_sure = |count: usize| {
        let digits = digits(count);
        let is_chinese = matches!(digits[..], [8, 6, 1, 3..=9, ..]) && digits.len() == 13;
        is_phone(count) && (has_plus || digits.starts_with(&[0, 0]) || is_chinese)
    };
    let found = longest(&is_sure).map(|count| (count, PHONE));
    found
        .or_else(|| longest(&is_card).map(|count| (count, CARD)))
        .or_else(|| longest(&is_phone).map(|count| (count, PHONE)))
}

/// Whether groups are a list of sizes, and no number that begins with a country or an area.
fn are_sizes(chars: &[char], groups: &[Group]) -> bool {
    let is_steady = |three: &[Group]| {
        let value = |group: &Group| group.digits.iter().fold(0i64, |value, &digit| 10 * value + i64::from(digit));
        let is_apart = |pair: &[Group]| matches!(chars[pair[0].place.end..pair[1].place.start], [' ' | '\u{a0}' | '/']);
        let steps = [value(&three[1]) - value(&three[0]), value(&three[2]) - value(&three[1])];
        steps[0] == steps[1] && STEPS.contains(&steps[0].abs()) && three.windows(2).all(is_apart)
    };
    groups.len() > 2 && (groups.iter().all(|group| group.digits.len() < 3) || groups.windows(3).any(is_steady))
}

/// Between the sizes of a list. The groups of phone numbers seldom follow each other so.
const STEPS: [i64; 14] = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 20, 25, 50, 100];

/// Where a number begins whose digits begin there: a plus and a parenthesis before them are its own.
fn begin(chars: &[char], digits: usize, done: usize) -> usize {
    let own = chars[done..digits].iter().rev().take_while(|&&c| matches!(c, '+' | '＋' | '(' | '（')).count();
    digits - own.min(2)
}

/// Whether the last digit is the check digit of the others: ISO/IEC 7812-1, annex B.
fn luhn(digits: &[u8]) -> bool {
    let doubled = |digit: u8| if digit > 4 { 2 * digit - 9 } else { 2 * digit };
    let value = |(at, &digit): (usize, &u8)| u32::from(if at % 2 == 1 { doubled(digit) } else { digit });
    digits.iter().rev().enumerate().map(value).sum::<u32>() % 10 == 0
}

#[cfg(test)]
mod tests;
