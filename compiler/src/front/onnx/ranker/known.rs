//! What follows from the lengths alone: constants that are the same for all of them, masks, positions.

use super::axes::Form;
use super::import::Importer;
use crate::graph::{Constant, ValueId};
use crate::onnx::{Data, Size, Source, Tensor};
use crate::ops::{Gather, Input};
use std::sync::Arc;

/// Below this a score gets no share: what exporters write for −∞ where the kind of number has none.
pub(super) const HIDDEN: f32 = -1e4;

impl Importer<'_> {
    /// The tensors of a value that follows from the lengths.
    pub(super) fn known(&self, value: usize) -> Option<&[Arc<Tensor>; 3]> {
        match self.trace.value(value) {
            Some(crate::onnx::Traced::Known(tensors)) => Some(tensors),
            _ => None,
        }
    }

    /// A tensor that is the same for all lengths.
    pub(super) fn constant(&self, value: usize) -> Option<&Arc<Tensor>> {
        let tensors = self.known(value)?;
        tensors.iter().all(|tensor| **tensor == *tensors[0]).then(|| &tensors[0])
    }

    /// A number that is the same for all lengths.
    pub(super) fn number(&self, value: usize) -> Option<f32> {
        match self.constant(value)?.as_f32()? {
            &[number] => Some(number),
            _ => None,
        }
    }

    /// Whole numbers that are the same for all lengths.
    pub(super) fn integers(&self, value: usize) -> Option<Vec<i64>> {
        whole(self.constant(value)?)
    }

    /// The number that a value is everywhere, of whatever kind, for all lengths; truth is 1.
    pub(super) fn uniform(&self, value: usize) -> Option<f64> {
        let mut found = None;
        for tensor in self.known(value)? {
            let numbers = numbers(tensor)?;
            let first = *numbers.first()?;
            if numbers.iter().any(|&number| number != first) || found.is_some_and(|found| found != first) {
                return None;
            }
            found = Some(first);
        }
        found
    }

    /// Whether a value is nothing but that number, for all lengths.
    pub(super) fn is_all(&self, value: usize, number: f32) -> bool {
        let is =
            |tensor: &Arc<Tensor>| tensor.as_f32().is_some_and(|values| values.iter().all(|value| *value == number));
        self.known(value).is_some_and(|tensors| tensors.iter().all(is))
    }

    /// A matrix of constant weights, `[rows, columns]`, axes of one before it left out.
    pub(super) fn matrix(&self, value: usize) -> Result<(Constant, [usize; 2]), String> {
        let tensor = self.constant(value).ok_or("its weights are not constant")?;
        let shape = tensor.shape();
        let ones = shape.len().saturating_sub(2);
        match shape[ones..] {
            [rows, columns] if rows * columns > 0 && shape[..ones].iter().all(|&size| size == 1) => {
                Ok((super::super::import::constant(tensor, vec![rows, columns])?, [rows, columns]))
            }
            _ => Err(format!("its weights {tensor} are no matrix")),
        }
    }

    /// A vector of constant numbers.
    pub(super) fn vector(&self, value: usize) -> Result<Vec<f32>, String> {
        let tensor = self.constant(value).ok_or("its parameters are not constant")?;
        Ok(super::super::import::constant(tensor, vec![tensor.len()])?.to_f32())
    }

    /// Whether a value is a mask that hides from each item those after it, by what is added to scores.
    pub(super) fn is_causal(&self, value: usize) -> bool {
        let is = |tensor: &Arc<Tensor>| match (square(tensor), tensor.as_f32()) {
            (Some(size), Some(values)) => values
                .iter()
                .enumerate()
                .all(|(at, &value)| if at % size > at / size { value <= HIDDEN } else { value == 0.0 }),
            _ => false,
        };
        self.known(value).is_some_and(|tensors| tensors.iter().all(is))
    }

    /// Whether a value is true where an item comes after another, or where it does not.
    pub(super) fn is_later(&self, value: usize, wanted: bool) -> bool {
        let is = |tensor: &Arc<Tensor>| match (square(tensor), tensor.data()) {
            (Some(size), Data::Bool(values)) => {
                values.iter().enumerate().all(|(at, &value)| value == ((at % size > at / size) == wanted))
            }
            _ => false,
        };
        self.known(value).is_some_and(|tensors| tensors.iter().all(is))
    }

    /// Whether a value is so low everywhere that a score of it gets no share.
    pub(super) fn is_hidden(&self, value: usize) -> bool {
        let is =
            |tensor: &Arc<Tensor>| tensor.as_f32().is_some_and(|values| values.iter().all(|value| *value <= HIDDEN));
        self.known(value).is_some_and(|tensors| tensors.iter().all(is))
    }

    /// What follows from the lengths as an operand of a value of these sizes and that form.
    pub(super) fn known_operand(&mut self, value: usize, sizes: &[Size], form: &Form) -> Result<ValueId, String> {
        if let Some(positions) = self.positions(value)? {
            return Ok(positions);
        }
        let name = self.trace.name(value).to_owned();
        let own = self.trace.sizes(value).ok_or("its shape follows the lengths in a way that is not supported")?;
        let tensors = self.known(value).ok_or("it is not known")?;
        let flat = tensors.iter().map(|tensor| flattened(tensor, &own)).collect::<Result<Vec<_>, _>>()?;
        if flat.iter().any(|numbers| *numbers != flat[0]) {
            return Err(format!(
                "`{}` follows from the lengths, and is no mask and no table of positions",
                name.escape_debug()
            ));
        }
        let numbers = flat.into_iter().next().expect("three lengths");
        if let Some(&first) = numbers.first()
            && numbers.iter().all(|number| *number == first)
        {
            return Ok(self.scalar(first));
        }
        // Each axis of the graph has the size that the constant has there.
        let skipped = sizes.len().checked_sub(own.len()).ok_or("it has more axes than what it makes")?;
        let shape: Vec<usize> = (0..form.dims.len())
            .map(|axis| match form.from(axis).and_then(|at| at.checked_sub(skipped)).map(|at| own[at]) {
                Some(Size::Fixed(size)) => size,
                _ => 1,
            })
            .collect();
        let ones = shape.iter().take_while(|&&size| size == 1).count();
        if shape.iter().product::<usize>() != numbers.len() {
            return Err(format!("`{}` does not go together with the other operand", name.escape_debug()));
        }
        Ok(self.graph.constant(&name, Constant::f32(&shape[ones..], &numbers)))
    }

    /// The rows of a table for the items' positions, if that is what a value is: a row for each item, which for fewer items are the first of
    /// those for more.
    fn positions(&mut self, value: usize) -> Result<Option<ValueId>, String> {
        let (Some(sizes), Some(tensors)) = (self.trace.sizes(value), self.known(value)) else { return Ok(None) };
        let &[ref outer @ .., Size::Tokens, Size::Fixed(width)] = sizes.as_slice() else { return Ok(None) };
        if outer.iter().any(|size| *size != Size::Fixed(1)) || width == 0 {
            return Ok(None);
        }
        let rows: Option<Vec<Vec<f32>>> = tensors.iter().map(|tensor| Some(tensor.as_f32()?.to_vec())).collect();
        let Some(rows) = rows else { return Ok(None) };
        let name = self.trace.name(value).to_owned();
        self.rows_by_position(&rows, width, &name)
    }

    /// The same of rows that were looked up for each length; where those for fewer items are the last of those for more, they are counted
    /// from the last item.
    pub(super) fn rows_by_position(
        &mut self,
        each: &[Vec<f32>],
        width: usize,
        name: &str,
    ) -> Result<Option<ValueId>, String> {
        let rows = each.iter().max_by_key(|rows| rows.len()).expect("three lengths");
        // Rows that are all the same are no table.
        if rows.chunks(width).all(|row| *row == rows[..width]) {
            return Ok(None);
        }
        if rows.iter().any(|number| !number.is_finite()) {
            return Err(format!("a number of `{}` is NaN or infinite", name.escape_debug()));
        }
        let shape = [rows.len() / width, width];
        let (constant, index) = if each.iter().all(|first| rows.starts_with(first)) {
            (Constant::f32(shape, rows), Input::Positions)
        } else if each.iter().all(|last| rows.ends_with(last)) {
            let turned: Vec<f32> = rows.chunks(width).rev().flatten().copied().collect();
            (Constant::f32(shape, &turned), Input::PositionsFromEnd)
        } else {
            return Ok(None);
        };
        let table = self.graph.constant(name, constant);
        let index = self.graph.input(index);
        self.add(Gather, &[table, index], "positions").map(Some)
    }

    /// One number.
    pub(super) fn scalar(&mut self, number: f32) -> ValueId {
        self.graph.scalar(&format!("{number:e}"), number)
    }

    /// The form of a value.
    pub(super) fn form(&self, value: usize) -> Result<Form, String> {
        let source = self.trace.source(value);
        if source == Source::Lengths {
            return Err("it follows from the lengths alone".to_owned());
        }
        Form::of(&self.sizes(value)?, source, self.ports.single)
    }

    /// The sizes of a value in the file.
    pub(super) fn sizes(&self, value: usize) -> Result<Vec<Size>, String> {
        self.trace.sizes(value).ok_or_else(|| "its shape is not known".to_owned())
    }
}

/// How many items a mask is of, if it is a square of its last two axes.
pub(super) fn square(tensor: &Tensor) -> Option<usize> {
    match tensor.shape() {
        [outer @ .., rows, columns] if rows == columns && *rows > 0 && outer.iter().all(|&size| size == 1) => {
            Some(*rows)
        }
        _ => None,
    }
}

/// The numbers of a tensor of any usual kind; truth is 1.
pub(super) fn numbers(tensor: &Tensor) -> Option<Vec<f64>> {
    Some(match tensor.data() {
        Data::F32(values) => values.iter().map(|&value| f64::from(value)).collect(),
        Data::F64(values) => values.clone(),
        Data::I32(values) => values.iter().map(|&value| f64::from(value)).collect(),
        Data::I64(values) => values.iter().map(|&value| value as f64).collect(),
        Data::Bool(values) => values.iter().map(|&value| f64::from(u8::from(value))).collect(),
        _ => return None,
    })
}

/// Whole numbers of any width.
pub(super) fn whole(tensor: &Tensor) -> Option<Vec<i64>> {
    match tensor.data() {
        Data::I64(values) => Some(values.clone()),
        Data::I32(values) => Some(values.iter().map(|&value| i64::from(value)).collect()),
        _ => None,
    }
}

/// The numbers of a tensor without its axes of rows, along which it must be the same.
fn flattened(tensor: &Tensor, sizes: &[Size]) -> Result<Vec<f32>, String> {
    let constant = super::super::import::constant(tensor, tensor.shape().to_vec())?;
    let (mut numbers, mut inner) = (constant.to_f32(), 1);
    for (&size, of) in tensor.shape().iter().zip(sizes).rev() {
        if let Size::Fixed(_) = of {
            inner *= size;
            continue;
        }
        let mut kept = Vec::new();
        for block in numbers.chunks(inner * size) {
            if block.chunks(inner).any(|row| row != &block[..inner]) {
                return Err("it differs by item or candidate, and is no mask and no table of positions".to_owned());
            }
            kept.extend(&block[..inner]);
        }
        numbers = kept;
    }
    Ok(numbers)
}
