//! Recurrent layers, as PyTorch and cuDNN have them: gated recurrent units and long short-term memory, forward, backward and both.

use super::super::import::{Importer, Lowered, flat};
use super::{Made, input, optional};
use crate::graph::{Constant, Dim, ValueId};
use crate::onnx::{Source, Step};
use crate::ops::{Add, Concat, Gru, Lstm, MatMul, Pool};
use modeldeploy_format::program::Pooling;

/// A kind of layer.
#[derive(Clone, Copy, PartialEq)]
enum Cell {
    Gru,
    Lstm,
}

impl Cell {
    /// Where each gate of the program stands among those of ONNX: r, z, n among z, r, h; i, f, g, o among i, o, f, c.
    const fn gates(self) -> &'static [usize] {
        match self {
            Cell::Gru => &[1, 0, 2],
            Cell::Lstm => &[0, 2, 3, 1],
        }
    }
}

pub(super) fn gru(to: &mut Importer<'_>, step: &Step) -> Made {
    if step.int_or("linear_before_reset", 0)? != 1 {
        return Err("its reset gate stands before the product, which PyTorch and cuDNN have after it".to_owned());
    }
    layer(to, step, Cell::Gru)
}

pub(super) fn lstm(to: &mut Importer<'_>, step: &Step) -> Made {
    if step.int_or("input_forget", 0)? != 0 || optional(step, 7).is_some() {
        return Err("its input gate is tied to the other, or its gates read the cell".to_owned());
    }
    let cells = step.outputs.get(2).copied().flatten();
    let read = |cells| {
        to.trace.steps.iter().any(|step| step.inputs.contains(&Some(cells)))
            || to.trace.outputs().iter().any(|(_, value)| *value == cells)
    };
    if cells.is_some_and(read) {
        return Err("its last cell is read, and only its states are known".to_owned());
    }
    layer(to, step, Cell::Lstm)
}

fn layer(to: &mut Importer<'_>, step: &Step, cell: Cell) -> Made {
    let directions: &[bool] = match step.text_or("direction", "forward")? {
        "forward" => &[false],
        "reverse" => &[true],
        "bidirectional" => &[false, true],
        _ => return Err("it goes in a direction that is none".to_owned()),
    };
    if step.int_or("layout", 0)? != 0 {
        return Err("it does not go over items along the first axis".to_owned());
    }
    if step.has("activations") || step.has("activation_alpha") || step.has("activation_beta") || step.has("clip") {
        return Err("its functions are not the usual ones".to_owned());
    }
    if optional(step, 4).is_some() {
        return Err("it takes the lengths of sessions; export it without, for they are as long as they come".to_owned());
    }
    if [5, 6].into_iter().any(|at| optional(step, at).is_some_and(|state| !to.is_all(state, 0.0))) {
        return Err("it does not begin with zeros".to_owned());
    }
    let value = input(step, 0)?;
    if to.trace.source(value) == Source::Candidates {
        return Err("it goes over candidates".to_owned());
    }
    let parameters = Parameters::read(to, step, cell, directions.len())?;
    let x = to.value(value)?;
    let x = to.reshaped(x, &flat(Some(Dim::Tokens), &[parameters.depth]), &step.name)?;
    if to.sizes(value)?.first() != Some(&crate::onnx::Size::Tokens) {
        return Err("it goes over another axis than that of the items".to_owned());
    }
    let size = parameters.size;
    let (mut states, mut last) = (vec![], vec![]);
    for (at, &backward) in directions.iter().enumerate() {
        let all = parameters.direction(to, step, (cell, backward), at, x)?;
        // The state that is reached last stands at the item where the layer ends.
        let pooling = if backward { Pooling::Cls } else { Pooling::Last };
        let end = to.add(Pool { pooling }, &[all], &step.name)?;
        states.push(to.reshaped(all, &flat(Some(Dim::Tokens), &[1, size]), &step.name)?);
        last.push(to.reshaped(end, &flat(None, &[1, size]), &step.name)?);
    }
    let mut made = Vec::new();
    for (parts, rows) in [(states, Some(Dim::Tokens)), (last, None)] {
        let joined = match parts[..] {
            [only] => only,
            _ => to.add(Concat { axis: usize::from(rows.is_some()) }, &parts, &step.name)?,
        };
        // Axes of one are left out.
        let row: Vec<usize> = [directions.len(), size].into_iter().filter(|&size| size != 1).collect();
        made.push(Lowered::Value(to.reshaped(joined, &flat(rows, &row), &step.name)?));
    }
    Ok(made)
}

/// The parameters of a layer, of all its directions, as the file has them.
struct Parameters {
    weights: Vec<f32>,
    hidden: Vec<f32>,
    bias: Vec<f32>,
    depth: usize,
    size: usize,
}

impl Parameters {
    fn read(to: &Importer<'_>, step: &Step, cell: Cell, directions: usize) -> Result<Parameters, String> {
        let count = cell.gates().len();
        let tensor = |at: usize| {
            let value = input(step, at)?;
            let shape = to.constant(value).ok_or("its weights are not constant")?.shape().to_vec();
            Ok::<_, String>((to.vector(value)?, shape))
        };
        let ((weights, of_weights), (hidden, of_hidden)) = (tensor(1)?, tensor(2)?);
        let wrong = || format!("its parameters are not those of {count} gates");
        let (&[d, gates, depth], &[other, rows, size]) = (&of_weights[..], &of_hidden[..]) else { return Err(wrong()) };
        let bias = match optional(step, 3) {
            Some(bias) => to.vector(bias)?,
            None => vec![0.0; 2 * gates * d],
        };
        let fits = [d, other] == [directions; 2] && rows == gates && gates == count * size;
        if !fits || size == 0 || depth == 0 || bias.len() != 2 * gates * d {
            return Err(wrong());
        }
        Ok(Parameters { weights, hidden, bias, depth, size })
    }

    /// The states `[items, size]` of one direction.
    fn direction(
        &self,
        to: &mut Importer<'_>,
        step: &Step,
        (cell, backward): (Cell, bool),
        at: usize,
        x: ValueId,
    ) -> Result<ValueId, String> {
        let Parameters { depth, size, .. } = *self;
        let gates = cell.gates().len() * size;
        let of = |numbers: &[f32], row: usize| -> Vec<f32> {
            let own = &numbers[at * gates * row..(at + 1) * gates * row];
            cell.gates().iter().flat_map(|gate| &own[gate * size * row..(gate + 1) * size * row]).copied().collect()
        };
        let (first, second) = self.bias[at * 2 * gates..(at + 1) * 2 * gates].split_at(gates);
        let ordered = |bias: &[f32]| -> Vec<f32> {
            cell.gates().iter().flat_map(|gate| &bias[gate * size..(gate + 1) * size]).copied().collect()
        };
        let (mut first, second) = (ordered(first), ordered(second));
        if cell == Cell::Lstm {
            first.iter_mut().zip(&second).for_each(|(first, second)| *first += second);
        }
        let name = if backward { format!("{}.backward", step.name) } else { step.name.clone() };
        let mut constant = |part: &str, shape: &[usize], numbers: &[f32]| {
            to.graph.constant(&format!("{name}.{part}"), Constant::f32(shape, numbers))
        };
        let weights = constant("weight", &[gates, depth], &of(&self.weights, depth));
        let hidden = constant("hidden", &[gates, size], &of(&self.hidden, size));
        let first = constant("bias", &[gates], &first);
        let second = (cell == Cell::Gru).then(|| constant("hidden.bias", &[gates], &second));
        let share = to.add(MatMul { transpose_b: true }, &[x, weights], &name)?;
        let share = to.add(Add, &[share, first], &name)?;
        match second {
            Some(second) => to.add(Gru { backward }, &[share, hidden, second], &name),
            None => to.add(Lstm { backward }, &[share, hidden], &name),
        }
    }
}
