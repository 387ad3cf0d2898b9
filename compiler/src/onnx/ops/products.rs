//! Products of matrices: `C[…, m, n] = A[…, m, k] · B[…, k, n]`.

use super::number::{Number, numbers};
use super::quantize::{dequantized, requantized};
use super::{Call, Operator, arithmetic, cast, row};
use crate::onnx::elem::Elem;
use crate::onnx::indices::{broadcast, places, repeated};
use crate::onnx::tensor::{Tensor, count};

pub(super) const OPERATORS: &[Operator] = &[
    row("MatMul", 1, (2, 2), &[], |call| matmul(call, call.input(0)?, call.input(1)?)).widened(),
    row("Gemm", 7, (2, 3), &["alpha", "beta", "transA", "transB"], gemm).widened(),
    row("MatMulInteger", 10, (2, 4), &[], integer),
    row("QLinearMatMul", 10, (8, 8), &[], quantized),
];

/// The product as NumPy's `matmul` has it: axes before the last two are batches, a vector is a row or a column.
pub(super) fn matmul(call: &Call<'_>, a: &Tensor, b: &Tensor) -> Result<Tensor, String> {
    let wrong = || format!("{a} and {b} have no product");
    if a.rank() == 0 || b.rank() == 0 {
        return Err(wrong());
    }
    let (left, right) = (matrix(a, false)?, matrix(b, true)?);
    let (rank_a, rank_b) = (left.rank(), right.rank());
    let [m, k] = [left.shape()[rank_a - 2], left.shape()[rank_a - 1]];
    let [depth, n] = [right.shape()[rank_b - 2], right.shape()[rank_b - 1]];
    if k != depth {
        return Err(wrong());
    }
    let (batch_a, batch_b) = (&left.shape()[..rank_a - 2], &right.shape()[..rank_b - 2]);
    let batch = broadcast(batch_a, batch_b)?;
    let mut shape = batch.clone();
    shape.extend([m, n]);
    call.budget.work(&[count(&shape)?, k])?;
    let firsts = |own: &[usize]| places(&batch, &repeated(own, &batch), 0);
    let pairs: Vec<(usize, usize)> = firsts(batch_a).into_iter().zip(firsts(batch_b)).collect();
    let made = numbers!(left, values => {
        let other = right.of()?;
        let mut made = Vec::with_capacity(pairs.len() * m * n);
        for (of_a, of_b) in pairs {
            multiply(&values[of_a * m * k..][..m * k], &other[of_b * k * n..][..k * n], [m, n, k], &mut made);
        }
        Tensor::new(shape.clone(), made)
    })?;
    if a.rank() == 1 {
        shape.remove(shape.len() - 2);
    }
    if b.rank() == 1 {
        shape.pop();
    }
    made.reshaped(shape)
}

/// A vector as a row, or as a column.
fn matrix(x: &Tensor, column: bool) -> Result<Tensor, String> {
    match (x.rank(), column) {
        (1, false) => x.reshaped([1, x.len()]),
        (1, true) => x.reshaped([x.len(), 1]),
        _ => Ok(x.clone()),
    }
}

/// Each sum goes over the depth in order.
fn multiply<T: Number>(a: &[T], b: &[T], [m, n, k]: [usize; 3], to: &mut Vec<T>) {
    for row in 0..m {
        let start = to.len();
        to.resize(start + n, T::default());
        let sums = &mut to[start..];
        for depth in 0..k {
            let factor = a[row * k + depth];
            for (sum, &x) in sums.iter_mut().zip(&b[depth * n..][..n]) {
                *sum = sum.add(factor.mul(x));
            }
        }
    }
}

pub(super) fn transposed(x: &Tensor) -> Result<Tensor, String> {
    let &[rows, columns] = x.shape() else { return Err(format!("a matrix is needed, not {x}")) };
    Ok(x.pick([columns, rows], &places(&[columns, rows], &[1, columns as isize], 0)))
}

fn gemm(call: &Call<'_>) -> Result<Tensor, String> {
    let turned = |at: usize, name: &str| {
        let x = call.input(at)?;
        if x.rank() != 2 {
            return Err(format!("a matrix is needed, not {x}"));
        }
        if call.attributes.flag_or(name, false)? { transposed(x) } else { Ok(x.clone()) }
    };
    let mut product =
        scale(matmul(call, &turned(0, "transA")?, &turned(1, "transB")?)?, call.attributes.float_or("alpha", 1.0)?)?;
    if let Some(c) = call.optional(2) {
        let sum = arithmetic::add(&product, &scale(c.clone(), call.attributes.float_or("beta", 1.0)?)?)?;
        if sum.shape() != product.shape() {
            return Err(format!("{c} does not go with a product {product}"));
        }
        product = sum;
    }
    Ok(product)
}

fn scale(x: Tensor, factor: f32) -> Result<Tensor, String> {
    fn typed<T: Number>(_: &[T], x: &Tensor, factor: f32) -> Result<Tensor, String> {
        let factor = T::of(factor.into());
        arithmetic::map(x, |x: T| x.mul(factor))
    }
    if factor == 1.0 { Ok(x) } else { numbers!(x, values => typed(values, &x, factor)) }
}

/// A matrix of 8-bit codes as whole numbers from its zero. `rows` says that a list of zeros is one a row, else one a column.
pub(super) fn from_zero(x: &Tensor, zero: Option<&Tensor>, rows: bool) -> Result<Tensor, String> {
    if !matches!(x.elem(), Elem::U8 | Elem::I8) {
        return Err(format!("8-bit codes are needed, not {x}"));
    }
    let wide = cast::to(x, Elem::I32)?;
    let Some(zero) = zero else { return Ok(wide) };
    if zero.elem() != x.elem() {
        return Err(format!("the zeros {zero} are not of the kind of {x}"));
    }
    let mut zero = cast::to(zero, Elem::I32)?;
    if rows && zero.rank() == 1 && zero.len() > 1 {
        zero = zero.reshaped([zero.len(), 1])?;
    } else if zero.len() == 1 {
        zero = zero.reshaped([])?;
    }
    let made = arithmetic::zip(&wide, &zero, |x: i32, zero: i32| Ok(x - zero))?;
    if made.shape() == x.shape() { Ok(made) } else { Err(format!("the zeros {zero} do not go with {x}")) }
}

fn integer(call: &Call<'_>) -> Result<Tensor, String> {
    let a = from_zero(call.input(0)?, call.optional(2), true)?;
    let b = from_zero(call.input(1)?, call.optional(3), false)?;
    matmul(call, &a, &b)
}

fn quantized(call: &Call<'_>) -> Result<Tensor, String> {
    let part = |at: usize, rows: bool| {
        let scale = call.input(at + 1)?;
        let scale = if rows && scale.rank() == 1 && scale.len() > 1 {
            scale.reshaped([scale.len(), 1])?
        } else {
            scale.clone()
        };
        dequantized(&from_zero(call.input(at)?, call.optional(at + 2), rows)?, &scale)
    };
    let product = matmul(call, &part(0, true)?, &part(3, false)?)?;
    requantized(&product, call.input(6)?, call.input(7)?)
}
