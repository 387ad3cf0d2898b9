//! Truth, comparison, and the choice that follows from them.

use super::arithmetic::zip;
use super::number::{Number, numbers};
use super::pointwise::apply;
use super::{Call, Operator, joined, row};
use crate::onnx::indices::{broadcast, places, repeated};
use crate::onnx::tensor::{Data, Tensor, Value, any};

pub(super) const OPERATORS: &[Operator] = &[
    row("And", 7, (2, 2), &[], |call| pair(call, |a, b| a && b)),
    row("Or", 7, (2, 2), &[], |call| pair(call, |a, b| a || b)),
    row("Xor", 7, (2, 2), &[], |call| pair(call, |a, b| a != b)),
    row("Not", 1, (1, 1), &[], |call| super::arithmetic::map(call.input(0)?, |a: bool| !a)),
    row("Equal", 7, (2, 2), &[], equal),
    row("Greater", 7, (2, 2), &[], |call| compare(call, Order::Greater)).widened(),
    row("GreaterOrEqual", 12, (2, 2), &[], |call| compare(call, Order::GreaterOrEqual)).widened(),
    row("Less", 7, (2, 2), &[], |call| compare(call, Order::Less)).widened(),
    row("LessOrEqual", 12, (2, 2), &[], |call| compare(call, Order::LessOrEqual)).widened(),
    row("Where", 9, (3, 3), &[], choose),
    row("IsNaN", 9, (1, 1), &[], |call| is(call, f64::is_nan)).widened(),
    row("IsInf", 10, (1, 1), &["detect_negative", "detect_positive"], is_infinite).widened(),
];

fn pair(call: &Call<'_>, f: fn(bool, bool) -> bool) -> Result<Tensor, String> {
    zip(call.input(0)?, call.input(1)?, |a, b| Ok(f(a, b)))
}

fn equal(call: &Call<'_>) -> Result<Tensor, String> {
    fn typed<T: Value>(_: &[T], a: &Tensor, b: &Tensor) -> Result<Tensor, String> {
        zip(a, b, |a: T, b: T| Ok(a == b))
    }
    let (a, b) = (call.input(0)?, call.input(1)?);
    any!(a.data(), values => typed(values, a, b))
}

#[derive(Clone, Copy)]
enum Order {
    Greater,
    GreaterOrEqual,
    Less,
    LessOrEqual,
}

fn compare(call: &Call<'_>, order: Order) -> Result<Tensor, String> {
    fn typed<T: Number>(_: &[T], order: Order, a: &Tensor, b: &Tensor) -> Result<Tensor, String> {
        zip(a, b, |a: T, b: T| {
            Ok(match order {
                Order::Greater => a > b,
                Order::GreaterOrEqual => a >= b,
                Order::Less => a < b,
                Order::LessOrEqual => a <= b,
            })
        })
    }
    let (a, b) = (call.input(0)?, call.input(1)?);
    numbers!(a, values => typed(values, order, a, b))
}

fn choose(call: &Call<'_>) -> Result<Tensor, String> {
    let (condition, a, b) = (call.input(0)?, call.input(1)?, call.input(2)?);
    let shape = broadcast(&broadcast(condition.shape(), a.shape())?, b.shape())?;
    let at = |tensor: &Tensor| places(&shape, &repeated(tensor.shape(), &shape), 0);
    let condition: Vec<bool> =
        at(condition).into_iter().map(|place| Ok(condition.of::<bool>()?[place])).collect::<Result<_, String>>()?;
    let both = joined(a.data(), b.data())?;
    let chosen = condition.into_iter().zip(at(a).into_iter().zip(at(b)));
    let chosen: Vec<usize> = chosen.map(|(first, (in_a, in_b))| if first { in_a } else { a.len() + in_b }).collect();
    Tensor::new(shape, both.pick(&chosen))
}

fn is(call: &Call<'_>, f: impl Fn(f64) -> bool) -> Result<Tensor, String> {
    let x = call.input(0)?;
    match x.data() {
        Data::F32(_) => super::arithmetic::map(x, |x: f32| f(x.into())),
        Data::F64(_) => super::arithmetic::map(x, f),
        _ => apply(x, |x| x, |x| x),
    }
}

fn is_infinite(call: &Call<'_>) -> Result<Tensor, String> {
    let negative = call.attributes.flag_or("detect_negative", true)?;
    let positive = call.attributes.flag_or("detect_positive", true)?;
    is(call, |x| x == f64::INFINITY && positive || x == f64::NEG_INFINITY && negative)
}
