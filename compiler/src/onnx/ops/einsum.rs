//! Einstein's sums: letters name axes, those that the result lacks are summed over.

use super::number::{Number, numbers};
use super::{ANY, Call, Operator, row};
use crate::onnx::indices::{places, strides};
use crate::onnx::tensor::{Tensor, count};
use std::collections::BTreeMap;

pub(super) const OPERATORS: &[Operator] = &[row("Einsum", 12, (1, ANY), &["equation"], einsum).widened()];

/// An axis by its letter, or one of those that `...` stands for, counted from the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Label {
    Dots(usize),
    Letter(char),
}

fn labels(term: &str, dots: usize) -> Result<Vec<Label>, String> {
    let (before, after, has) = match term.split_once("...") {
        Some((before, after)) => (before, after, true),
        None => (term, "", false),
    };
    let letters = |part: &str| {
        let read = part.chars().map(|letter| match letter {
            letter if letter.is_ascii_alphabetic() => Ok(Label::Letter(letter)),
            other => Err(format!("`{}` names no axis", other.escape_debug())),
        });
        read.collect::<Result<Vec<_>, String>>()
    };
    let mut all = letters(before)?;
    if has {
        all.extend((0..dots).rev().map(Label::Dots));
    }
    all.extend(letters(after)?);
    Ok(all)
}

fn einsum(call: &Call<'_>) -> Result<Tensor, String> {
    let equation = call.attributes.text("equation")?.ok_or("it has no equation")?;
    let equation: String = equation.chars().filter(|letter| !letter.is_whitespace()).collect();
    let (left, right) = match equation.split_once("->") {
        Some((left, right)) => (left, Some(right)),
        None => (equation.as_str(), None),
    };
    let terms: Vec<&str> = left.split(',').collect();
    if terms.len() != call.inputs.len() {
        return Err(format!("the equation has {} terms, and there are {} inputs", terms.len(), call.inputs.len()));
    }
    let mut sizes: BTreeMap<Label, usize> = BTreeMap::new();
    let mut named = Vec::new();
    let mut most_dots = 0;
    for (at, term) in terms.iter().enumerate() {
        let x = call.input(at)?;
        let letters = term.chars().filter(|letter| *letter != '.').count();
        let dots = x.rank().checked_sub(letters).filter(|&dots| dots == 0 || term.contains("..."));
        let dots = dots.ok_or_else(|| format!("the term `{}` does not name the axes of {x}", term.escape_debug()))?;
        most_dots = most_dots.max(dots);
        let own = labels(term, dots)?;
        for (label, &size) in own.iter().zip(x.shape()) {
            let known = sizes.entry(*label).or_insert(size);
            match (*known, size) {
                (known, size) if known == size || size == 1 => {}
                (1, size) => _ = sizes.insert(*label, size),
                (known, size) => return Err(format!("an axis is {known} long in one term and {size} in another")),
            }
        }
        named.push((x, own));
    }
    let result = match right {
        Some(right) => labels(right, most_dots)?,
        None => implicit(&named, most_dots),
    };
    if (1..result.len()).any(|at| result[..at].contains(&result[at])) {
        return Err("an axis stands twice in the result".to_owned());
    }
    if let Some(unknown) = result.iter().find(|label| !sizes.contains_key(label)) {
        return Err(format!("no term has the axis {unknown:?} of the result"));
    }
    let summed: Vec<Label> = sizes.keys().copied().filter(|label| !result.contains(label)).collect();
    let size = |labels: &[Label]| labels.iter().map(|label| sizes[label]).collect::<Vec<usize>>();
    let (shape, inside) = (size(&result), size(&summed));
    call.budget.work(&[count(&[count(&shape)?, count(&inside)?])?, named.len()])?;
    // Where an axis stands twice in a term, both strides are walked at once: the diagonal.
    let walks = |labels: &[Label], shape: &[usize]| -> Vec<Vec<usize>> {
        let of = |(x, own): &(&Tensor, Vec<Label>)| {
            let all = strides(x.shape());
            let step = |label: &Label| {
                let parts = own.iter().zip(&all).zip(x.shape());
                parts.filter(|((other, _), size)| *other == label && **size != 1).map(|((_, stride), _)| stride).sum()
            };
            places(shape, &labels.iter().map(step).collect::<Vec<isize>>(), 0)
        };
        named.iter().map(of).collect()
    };
    let (outer, inner) = (walks(&result, &shape), walks(&summed, &inside));
    let first = call.input(0)?;
    numbers!(first, values => {
        let made = sum(values, &named, &outer, &inner, [count(&shape)?, count(&inside)?])?;
        Tensor::new(shape, made)
    })
}

/// Without an arrow: the letters that stand once, in the order of the alphabet, after the dots.
fn implicit(named: &[(&Tensor, Vec<Label>)], dots: usize) -> Vec<Label> {
    let mut times: BTreeMap<Label, usize> = BTreeMap::new();
    named.iter().flat_map(|(_, own)| own).for_each(|label| *times.entry(*label).or_default() += 1);
    let letters = times.iter().filter(|(label, times)| matches!(label, Label::Letter(_)) && **times == 1);
    (0..dots).rev().map(Label::Dots).chain(letters.map(|(label, _)| *label)).collect()
}

fn sum<T: Number>(
    _: &[T],
    named: &[(&Tensor, Vec<Label>)],
    outer: &[Vec<usize>],
    inner: &[Vec<usize>],
    [outers, inners]: [usize; 2],
) -> Result<Vec<T>, String> {
    let values: Vec<&[T]> = named.iter().map(|(x, _)| x.of::<T>()).collect::<Result<_, _>>()?;
    let product = |to: usize, over: usize| {
        let factors = values.iter().enumerate().map(|(term, values)| values[outer[term][to] + inner[term][over]]);
        factors.fold(T::of(1.0), T::mul)
    };
    Ok((0..outers).map(|to| (0..inners).fold(T::default(), |sum, over| sum.add(product(to, over)))).collect())
}
