//! Positions that count the tokens which are no padding, as RoBERTa's exports compute them from the ids, and the row of the table of types
//! that all tokens of a text have there.
//!
//! `(cumsum(ids ≠ padding) · (ids ≠ padding)) + padding` names rows of the table of positions
//! (`create_position_ids_from_input_ids` of the Hugging Face library). Of these the graph has the rows from that of the padding on, by
//! [`Input::CountedPositions`], with the types' row added to each, as the other front end has it.

use super::import::{Importer, Lowered, constant};
use crate::graph::ValueId;
use crate::onnx::{Data, Step, Tensor};
use crate::ops::{Add, Gather, Input, Mul, Op};

/// What tokens become on their way to positions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::front::onnx) enum Places {
    /// Whether each is that of the padding.
    IsPadding(u32),
    /// Whether each is another than that of the padding.
    IsOther(u32),
    /// How many up to each, itself among them, are others than that of the padding.
    Counted(u32),
    /// 0 for that of the padding, for others how many there are up to it, and `from` more.
    Rows {
        /// The id of the padding's token.
        padding: u32,
        /// The row of the padding's token.
        from: u32,
    },
}

/// `ids = padding`
pub(super) fn equal(to: &mut Importer<'_>, step: &Step) -> Result<Lowered, String> {
    let [a, b] = two(step)?;
    for (ids, other) in [(a, b), (b, a)] {
        if let (Some(Lowered::Input(Input::TokenIds)), Some(id)) = (to.text(ids), whole(to, other)) {
            return Ok(Lowered::Places(Places::IsPadding(id)));
        }
    }
    Err("it compares more than tokens with that of the padding".to_owned())
}

/// `ids ≠ padding`
pub(super) fn not(to: &mut Importer<'_>, step: &Step) -> Result<Lowered, String> {
    match step.inputs.first().copied().flatten().and_then(|value| to.text(value)) {
        Some(Lowered::Places(Places::IsPadding(id))) => Ok(Lowered::Places(Places::IsOther(id))),
        _ => Err("it turns more than whether tokens are the padding's".to_owned()),
    }
}

/// How many tokens are none of the padding's.
pub(super) fn count(to: &mut Importer<'_>, step: &Step) -> Result<Lowered, String> {
    let [value, axis] = two(step)?;
    let axis = to.constant(axis).and_then(|axis| match axis.data() {
        Data::I64(axes) => axes.first().copied(),
        Data::I32(axes) => axes.first().map(|&axis| axis.into()),
        _ => None,
    });
    let usual = step.int_or("exclusive", 0)? == 0 && step.int_or("reverse", 0)? == 0;
    match (to.text(value), axis.map(|axis| to.axis(value, axis))) {
        // A text is the only row of its batch: what is left is the axis of its tokens.
        (Some(Lowered::Places(Places::IsOther(id))), Some(Ok(0))) if usual => Ok(Lowered::Places(Places::Counted(id))),
        _ => Err("it adds up more than the tokens that are none of the padding's".to_owned()),
    }
}

/// A step from counts to rows, if that is what an addition or a product is.
pub(super) fn arithmetic(to: &Importer<'_>, [a, b]: [usize; 2], op: &Op) -> Option<Lowered> {
    let of = |value: usize| match to.text(value) {
        Some(Lowered::Places(places)) => Some(places),
        _ => None,
    };
    let (add, mul) = (*op == Op::from(Add), *op == Op::from(Mul));
    [(a, b), (b, a)].into_iter().find_map(|(x, other)| {
        let places = match (of(x)?, of(other)) {
            (Places::Counted(padding), Some(Places::IsOther(id))) if mul && id == padding => {
                Places::Rows { padding, from: 0 }
            }
            (Places::Counted(padding), None) if add && whole(to, other) == Some(0) => Places::Counted(padding),
            (Places::Rows { padding, from }, None) if add => {
                Places::Rows { padding, from: from.checked_add(whole(to, other)?)? }
            }
            _ => return None,
        };
        Some(Lowered::Places(places))
    })
}

/// What the other front end calls the rows, and with them the tensor that they become.
const LABEL: &str = "embeddings.position_embeddings";

/// The rows of the table of positions.
pub(super) fn rows(to: &mut Importer<'_>, table: usize, [padding, from]: [u32; 2]) -> Result<Option<ValueId>, String> {
    let name = to.tensor_name(table);
    let tensor = to.constant(table).ok_or("its table is not constant")?;
    let &[count, width] = tensor.shape() else { return Err(format!("the table {tensor} is no matrix")) };
    if from != padding || from as usize >= count {
        return Err(format!("its rows begin at {from}, where the padding's token is {padding}, and there are {count}"));
    }
    let constant_rows = constant(tensor, vec![count, width])?.rows(from as usize, count - from as usize);
    let mut rows = to.emit.tensor(&name, constant_rows);
    if let Some(types) = to.types {
        let tensor = to.constant(types).ok_or("the table of types is not constant")?;
        let row = constant(tensor, tensor.shape().to_vec())?.rows(0, 1);
        let row = row.reshaped([tensor.shape()[1]]);
        let name = to.tensor_name(types);
        let row = to.emit.tensor(&name, row);
        rows = to.emit.op(Add, &[rows, row], LABEL);
        to.types_are_added = true;
    }
    let index = to.emit.input(Input::CountedPositions { padding });
    Ok(to.emit.op(Gather, &[rows, index], LABEL))
}

/// The table of which a value is the first row for every token, whatever the text.
pub(super) fn first_rows(to: &Importer<'_>, value: usize) -> Option<usize> {
    let step = to.maker(value).filter(|step| step.operator == "Gather")?;
    let &[Some(table), Some(index)] = &step.inputs[..] else { return None };
    let zeros = |tensor: &Tensor| match tensor.data() {
        Data::I64(rows) => rows.iter().all(|&row| row == 0),
        Data::I32(rows) => rows.iter().all(|&row| row == 0),
        _ => false,
    };
    let known = to.known(index)?.iter().all(|tensor| zeros(tensor));
    (known && to.rank(index) == 2 && to.constant(table).is_some_and(|table| table.rank() == 2)).then_some(table)
}

/// A whole number that is the same for every text.
fn whole(to: &Importer<'_>, value: usize) -> Option<u32> {
    let tensor = to.constant(value)?;
    let number = match tensor.data() {
        Data::I64(values) => values.first().copied().filter(|first| values.iter().all(|value| value == first))?,
        Data::I32(values) => values.first().copied().filter(|first| values.iter().all(|value| value == first))?.into(),
        _ => return None,
    };
    (tensor.len() == 1).then(|| u32::try_from(number).ok()).flatten()
}

fn two(step: &Step) -> Result<[usize; 2], String> {
    match step.inputs[..] {
        [Some(a), Some(b)] => Ok([a, b]),
        _ => Err("it has not two inputs".to_owned()),
    }
}
