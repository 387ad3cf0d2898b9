//! Operators that make masks of ids, and that compute with them.

use super::super::import::{Importer, Lowered};
use super::super::known::HIDDEN;
use super::super::masks::{Mask, MaskedPlaces};
use super::{Made, input, made, numbers, output};
use crate::onnx::{Source, Step};
use crate::ops::Mul;

/// A mask that a value is.
pub(super) fn mask(to: &Importer<'_>, value: usize) -> Option<Mask> {
    match to.lowered(value) {
        Some(Lowered::Mask(mask)) => Some(*mask),
        _ => None,
    }
}

/// What an operation on two numbers gives.
pub(super) type Pair = fn(f64, f64) -> f64;

fn truth(it: bool) -> f64 {
    f64::from(u8::from(it))
}

/// A comparison: of ids with a number, or of a mask.
pub(super) fn compare(to: &mut Importer<'_>, step: &Step) -> Made {
    let (a, b) = (input(step, 0)?, input(step, 1)?);
    let holds: Pair = match step.operator {
        "Equal" => |a, b| truth(a == b),
        "Greater" => |a, b| truth(a > b),
        "GreaterOrEqual" => |a, b| truth(a >= b),
        "Less" => |a, b| truth(a < b),
        _ => |a, b| truth(a <= b),
    };
    if let Some(mask) = of_masks(to, a, b, holds)? {
        return Ok(vec![Lowered::Mask(mask)]);
    }
    let compared = |of: usize, with: usize| to.lowered(of).zip(to.uniform(with));
    let (Lowered::Columns(columns), number, turned) = (match (compared(a, b), compared(b, a)) {
        (Some((columns, number)), _) => (columns, number, false),
        (_, Some((columns, number))) => (columns, number, true),
        _ => return Err("it compares what is no id with a number that is known".to_owned()),
    }) else {
        return Err("it compares what was computed, and only ids are compared".to_owned());
    };
    let &[place] = &columns.places[..] else { return Err("it compares several columns at once".to_owned()) };
    let holds = |id: f64| if turned { holds(number, id) } else { holds(id, number) };
    let offset = place.offset as f64;
    // Equality is of one id; what is greater or less must tell one id, the first, from all others.
    let id = match step.operator {
        "Equal" => number - offset,
        _ if offset != 0.0 => return Err("it compares ids to which offsets were added".to_owned()),
        _ => 0.0,
    };
    let tells = step.operator == "Equal" || holds(1.0) == holds(f64::from(u32::MAX));
    if id < 0.0 || id >= f64::from(u32::MAX) || id.fract() != 0.0 || !tells {
        return Err("it tells ids apart in another way than by one of them".to_owned());
    }
    let (equal, other) = (holds(id + offset), holds(id + offset + 1.0));
    Ok(vec![Lowered::Mask(Mask { column: place.column, id: id as u32, equal, other, later: None })])
}

/// Ids as truth: all but 0.
pub(super) fn is_any(to: &Importer<'_>, value: usize) -> Made {
    let Some(Lowered::Columns(columns)) = to.lowered(value) else { return Err("it is no id".to_owned()) };
    match &columns.places[..] {
        [place] if place.offset == 0 => {
            Ok(vec![Lowered::Mask(Mask { column: place.column, id: 0, equal: 0.0, other: 1.0, later: None })])
        }
        _ => Err("it makes truth of several columns, or of ids to which offsets were added".to_owned()),
    }
}

pub(super) fn not(to: &mut Importer<'_>, step: &Step) -> Made {
    let mask = mask(to, input(step, 0)?).ok_or("it turns what is no mask")?;
    Ok(vec![Lowered::Mask(mask.map(|number| truth(number == 0.0)))])
}

pub(super) fn logic(to: &mut Importer<'_>, step: &Step) -> Made {
    let each: Pair = match step.operator {
        "And" => |a, b| truth(a != 0.0 && b != 0.0),
        _ => |a, b| truth(a != 0.0 || b != 0.0),
    };
    let found = of_masks(to, input(step, 0)?, input(step, 1)?, each)?;
    Ok(vec![Lowered::Mask(found.ok_or("it puts masks together that are not by the same id")?)])
}

/// An operation on two masks, or on one and a number; none where it is on something else.
pub(super) fn of_masks(to: &Importer<'_>, a: usize, b: usize, each: Pair) -> Result<Option<Mask>, String> {
    let known = |mask: Mask, value: usize, each: &dyn Fn(f64, f64) -> f64| match to.uniform(value) {
        Some(number) => Some(mask.map(|own| each(own, number))),
        None => to.triangular(value).and_then(|numbers| mask.with_later(numbers, each)),
    };
    let found = match (mask(to, a), mask(to, b)) {
        (Some(a), Some(b)) => a.with(b, each),
        (Some(mask), None) => known(mask, b, &each),
        (None, Some(mask)) => known(mask, a, &|own, number| each(number, own)),
        (None, None) => None,
    };
    match found {
        Some(Mask { equal, other, later, .. })
            if [Some(equal), Some(other), later].into_iter().flatten().any(f64::is_nan) =>
        {
            Err("its mask is NaN".to_owned())
        }
        found => Ok(found),
    }
}

/// Positions that are 0 for the padding: those of all items times a mask.
pub(super) fn places(to: &Importer<'_>, step: &Step) -> Option<MaskedPlaces> {
    let (a, b) = (input(step, 0).ok()?, input(step, 1).ok()?);
    [(a, b), (b, a)].into_iter().find_map(|(positions, of)| {
        let mask = mask(to, of).filter(|mask| (mask.equal, mask.other) == (0.0, 1.0))?;
        let known = to.known(positions)?.iter().all(|tensor| super::super::known::whole(tensor).is_some());
        known.then_some(MaskedPlaces { positions, mask })
    })
}

/// A choice by a mask: of two numbers another mask, of rows and zeros a product.
pub(super) fn choose(to: &mut Importer<'_>, step: &Step, condition: Mask) -> Made {
    let (yes, no) = (input(step, 1)?, input(step, 2)?);
    let chosen = |yes: f64, no: f64, condition: f64| if condition != 0.0 { yes } else { no };
    if let (Some(yes), Some(no)) = (to.uniform(yes), to.uniform(no)) {
        return Ok(vec![Lowered::Mask(condition.map(|own| chosen(yes, no, own)))]);
    }
    for (zeros, kept, factors) in [(yes, no, [0.0, 1.0]), (no, yes, [1.0, 0.0])] {
        let given = to.trace.source(kept) != Source::Lengths;
        let hidden = to.uniform(zeros).filter(|number| *number <= f64::from(HIDDEN));
        if let Some(hidden) = hidden.filter(|_| given)
            && to.form(kept)?.is_scores()
        {
            let mask = condition
                .map(|own| chosen(factors[0], factors[1], own))
                .map(|kept| if kept == 0.0 { hidden } else { 0.0 });
            return made(to.masked_scores(kept, mask, &step.name)?);
        }
        if to.uniform(zeros) == Some(0.0) && given {
            let factor = condition.map(|own| chosen(factors[0], factors[1], own));
            let out = output(step)?;
            let (sizes, form) = (to.sizes(out)?, to.form(out)?);
            let x = to.operand(kept, &sizes, &form)?;
            // The condition has the axes of the factor.
            let factor = numbers::masked_operand(to, factor, input(step, 0)?, &sizes, &form)?;
            return made(to.add(Mul, &[x, factor], &step.name)?);
        }
    }
    Err("it chooses between others than rows and zeros by a mask".to_owned())
}
