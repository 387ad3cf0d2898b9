//! A tensor, whatever the wire: from its shape and its elements to what is asked.

use crate::inference::Text;
use modeldeploy::format::features::{Fact, Side};

/// The name of the input of every model.
pub(super) const INPUT: &str = "text";

/// An element as a text.
pub(super) fn utf8(at: usize, bytes: &[u8]) -> Result<String, String> {
    let text = std::str::from_utf8(bytes).map_err(|error| format!("element {at} is not UTF-8: {error}"))?;
    Ok(text.to_owned())
}

/// A shape whose sizes have a sign on the wire.
pub(super) fn sizes(shape: &[i64]) -> Result<Vec<u64>, String> {
    let sizes: Result<_, _> = shape.iter().map(|&size| u64::try_from(size)).collect();
    sizes.map_err(|_| format!("`shape` is {shape:?}, and no size of a tensor that is sent is negative"))
}

/// How many elements a tensor of that shape has; none if no number says it.
pub(super) fn elements(shape: &[u64]) -> Option<u64> {
    shape.iter().try_fold(1u64, |product, &size| product.checked_mul(size))
}

/// Whether a tensor of that shape can be a feature's: a value for each candidate, the user's one, or a list of the session's; an embedding is
/// as many numbers as it is wide.
pub(super) fn fits(fact: &Fact, shape: &[u64]) -> Result<(), String> {
    let width = fact.kind.embedding().map(|of| u64::from(of.width));
    let (fits, expected) = match (fact.side, width) {
        (Side::Candidate, None) => (matches!(shape, [_] | [_, 1]), "[n], a value for each candidate".to_owned()),
        (Side::User, None) => (matches!(shape, [] | [1] | [1, 1]), "[1], the user's value".to_owned()),
        (Side::Session, None) => {
            (matches!(shape, [_] | [1, _]), "[k], a value for each item of the session".to_owned())
        }
        (Side::User, Some(width)) => {
            let fits = matches!(shape, [1, own] | [own] if *own == width);
            (fits, format!("[1, {width}], the user's embedding"))
        }
        (_, Some(width)) => {
            let fits = matches!(shape, [_, own] if *own == width);
            (fits, format!("[n, {width}], an embedding for each candidate"))
        }
    };
    fits.then_some(()).ok_or_else(|| format!("`shape` is {shape:?}, and must be {expected}"))
}

/// Texts, or pairs of them, by the shape, which the elements fit.
pub(super) fn texts(shape: &[u64], elements: Vec<String>) -> Result<Vec<Text>, String> {
    let mut elements = elements.into_iter();
    match shape {
        [_] | [_, 1] => Ok(elements.map(Text::One).collect()),
        [_, 2] => {
            let mut pairs = vec![];
            while let (Some(text), Some(pair)) = (elements.next(), elements.next()) {
                pairs.push(Text::Pair(text, pair));
            }
            Ok(pairs)
        }
        _ => Err(format!("`shape` is {shape:?}, and must be [n] for texts or [n, 2] for pairs")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_say_texts_or_pairs() {
        let strings = |texts: &[&str]| texts.iter().map(ToString::to_string).collect::<Vec<_>>();
        let one = |text: &str| Text::One(text.to_owned());
        assert_eq!(texts(&[2], strings(&["a", "b"])), Ok(vec![one("a"), one("b")]));
        assert_eq!(texts(&[2, 1], strings(&["a", "b"])), Ok(vec![one("a"), one("b")]));
        assert_eq!(texts(&[1, 2], strings(&["a", "b"])), Ok(vec![Text::Pair("a".to_owned(), "b".to_owned())]));
        for shape in [&[][..], &[1, 3], &[1, 1, 1]] {
            let error = texts(shape, strings(&["a"; 3])).expect_err("no texts");
            assert_eq!(error, format!("`shape` is {shape:?}, and must be [n] for texts or [n, 2] for pairs"));
        }
    }

    #[test]
    fn sizes_are_not_negative_and_may_be_too_many() {
        assert_eq!(sizes(&[0, 3]), Ok(vec![0, 3]));
        let error = "`shape` is [-1], and no size of a tensor that is sent is negative";
        assert_eq!(sizes(&[-1]), Err(error.to_owned()));
        assert_eq!(elements(&[]), Some(1));
        assert_eq!(elements(&[u64::MAX, 2]), None);
    }
}
