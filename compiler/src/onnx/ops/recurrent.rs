//! Recurrent layers: a state that goes from token to token, in one direction or both.

use super::activations::{sigmoid, softplus};
use super::movement::permuted;
use super::{Call, Limit, Operator, cast, ints, rows_of, size};
use crate::onnx::elem::Elem;
use crate::onnx::tensor::Tensor;

const KNOWN: &[&str] =
    &["activation_alpha", "activation_beta", "activations", "clip", "direction", "hidden_size", "layout"];

const LAYOUT: &[Limit] = &[Limit::Since("layout", 14)];

pub(super) const OPERATORS: &[Operator] = &[
    rows_of("RNN", 7, (3, 6), 2, KNOWN, |call| run(call, Cell::Plain)).widened().limits(LAYOUT),
    rows_of(
        "GRU",
        7,
        (3, 6),
        2,
        &[
            "activation_alpha",
            "activation_beta",
            "activations",
            "clip",
            "direction",
            "hidden_size",
            "layout",
            "linear_before_reset",
        ],
        |call| run(call, Cell::Gru),
    )
    .widened()
    .limits(LAYOUT),
    rows_of(
        "LSTM",
        7,
        (3, 8),
        3,
        &[
            "activation_alpha",
            "activation_beta",
            "activations",
            "clip",
            "direction",
            "hidden_size",
            "input_forget",
            "layout",
        ],
        |call| run(call, Cell::Lstm),
    )
    .widened()
    .limits(LAYOUT),
];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Cell {
    Plain,
    Gru,
    Lstm,
}

impl Cell {
    fn gates(self) -> usize {
        match self {
            Cell::Plain => 1,
            Cell::Gru => 3,
            Cell::Lstm => 4,
        }
    }

    /// The functions of one direction, where the node names none.
    fn functions(self) -> &'static [&'static str] {
        match self {
            Cell::Plain => &["Tanh"],
            Cell::Gru => &["Sigmoid", "Tanh"],
            Cell::Lstm => &["Sigmoid", "Tanh", "Tanh"],
        }
    }
}

/// An activation with its parameters.
#[derive(Clone, Copy)]
struct Function {
    kind: Kind,
    alpha: f64,
    beta: f64,
}

impl Function {
    fn of(self, x: f64) -> f64 {
        (self.kind)(x, self.alpha, self.beta)
    }
}

/// What an activation computes of a number and its two parameters.
type Kind = fn(f64, f64, f64) -> f64;

/// An activation by its name, in any case, and the defaults of its parameters, of those that it has.
fn function(name: &str) -> Result<(Kind, Option<f64>, Option<f64>), String> {
    Ok(match name.to_ascii_lowercase().as_str() {
        "tanh" => (|x, _, _| x.tanh(), None, None),
        "sigmoid" => (|x, _, _| sigmoid(x), None, None),
        "relu" => (|x, _, _| if x < 0.0 { 0.0 } else { x }, None, None),
        "softsign" => (|x, _, _| x / (1.0 + x.abs()), None, None),
        "softplus" => (|x, _, _| softplus(x), None, None),
        "leakyrelu" => (|x, alpha, _| if x < 0.0 { alpha * x } else { x }, Some(0.01), None),
        "thresholdedrelu" => (|x, alpha, _| if x > alpha { x } else { 0.0 }, Some(1.0), None),
        "elu" => (|x, alpha, _| if x < 0.0 { alpha * x.exp_m1() } else { x }, Some(1.0), None),
        "hardsigmoid" => (|x, alpha, beta| (alpha * x + beta).clamp(0.0, 1.0), Some(0.2), Some(0.5)),
        "scaledtanh" => (|x, alpha, beta| alpha * (beta * x).tanh(), Some(1.0), Some(1.0)),
        "affine" => (|x, alpha, beta| alpha * x + beta, Some(1.0), Some(0.0)),
        _ => return Err(format!("the activation `{}` is not known", name.escape_debug())),
    })
}

fn functions(call: &Call<'_>, cell: Cell, directions: usize) -> Result<Vec<Function>, String> {
    let usual = cell.functions();
    let named: Vec<&str> = match call.attributes.texts("activations")? {
        Some(names) => names.iter().map(String::as_str).collect(),
        None => (0..directions).flat_map(|_| usual).copied().collect(),
    };
    if named.len() != usual.len() * directions {
        return Err(format!("{} activations are not {} for each direction", named.len(), usual.len()));
    }
    let mut alphas = call.attributes.floats("activation_alpha")?.unwrap_or_default().iter();
    let mut betas = call.attributes.floats("activation_beta")?.unwrap_or_default().iter();
    let mut made = Vec::new();
    for name in named {
        let (kind, alpha, beta) = function(name)?;
        let next = |given: &mut std::slice::Iter<'_, f32>, default: Option<f64>| {
            default.map_or(0.0, |default| given.next().map_or(default, |&value| value.into()))
        };
        made.push(Function { kind, alpha: next(&mut alphas, alpha), beta: next(&mut betas, beta) });
    }
    Ok(made)
}

/// What a direction computes with.
struct Direction<'a> {
    cell: Cell,
    functions: &'a [Function],
    /// `[gates · hidden, inputs]`.
    w: &'a [f64],
    /// `[gates · hidden, hidden]`.
    r: &'a [f64],
    /// Of `w`, then of `r`: `[2, gates · hidden]`.
    bias: &'a [f64],
    /// LSTM: of the gates input, output and forget, by the cell: `[3, hidden]`.
    peepholes: &'a [f64],
    hidden: usize,
    clip: f64,
    linear_before_reset: bool,
    input_forget: bool,
}

impl Direction<'_> {
    /// `x · Wᵀ` of one gate for one place, of the input's or the state's weights.
    fn dot(weights: &[f64], row: usize, x: &[f64]) -> f64 {
        weights[row * x.len()..][..x.len()].iter().zip(x).map(|(w, x)| w * x).sum()
    }

    /// The state after a token, from that before it.
    fn step(&self, x: &[f64], h: &mut Vec<f64>, c: &mut [f64]) {
        let hidden = self.hidden;
        let gates = self.cell.gates();
        let of_x = |gate: usize, at: usize| {
            let row = gate * hidden + at;
            Self::dot(self.w, row, x) + self.bias[row]
        };
        let of_h = |gate: usize, at: usize, h: &[f64]| {
            let row = gate * hidden + at;
            Self::dot(self.r, row, h) + self.bias[gates * hidden + row]
        };
        let clip = |x: f64| x.clamp(-self.clip, self.clip);
        let f = |which: usize, x: f64| self.functions[which].of(clip(x));
        let new: Vec<f64> = match self.cell {
            Cell::Plain => (0..hidden).map(|at| f(0, of_x(0, at) + of_h(0, at, h))).collect(),
            Cell::Gru => {
                let gate = |gate: usize| -> Vec<f64> {
                    (0..hidden).map(|at| f(0, of_x(gate, at) + of_h(gate, at, h))).collect()
                };
                let (update, reset) = (gate(0), gate(1));
                let kept: Vec<f64> = h.iter().zip(&reset).map(|(h, reset)| h * reset).collect();
                let candidate = |at: usize| {
                    let state = if self.linear_before_reset { reset[at] * of_h(2, at, h) } else { of_h(2, at, &kept) };
                    f(1, of_x(2, at) + state)
                };
                (0..hidden).map(|at| (1.0 - update[at]) * candidate(at) + update[at] * h[at]).collect()
            }
            Cell::Lstm => (0..hidden)
                .map(|at| {
                    let sum = |gate: usize| of_x(gate, at) + of_h(gate, at, h);
                    let peep = |gate: usize, c: f64| self.peepholes[gate * hidden + at] * c;
                    let input = f(0, sum(0) + peep(0, c[at]));
                    let forget = if self.input_forget { 1.0 - input } else { f(0, sum(2) + peep(2, c[at])) };
                    c[at] = forget * c[at] + input * f(1, sum(3));
                    f(0, sum(1) + peep(1, c[at])) * self.functions[2].of(c[at])
                })
                .collect(),
        };
        *h = new;
    }
}

fn run(call: &Call<'_>, cell: Cell) -> Result<Vec<Tensor>, String> {
    let attributes = call.attributes;
    let elem = call.input(0)?.elem();
    let by_batch = attributes.flag_or("layout", false)?;
    let wide = |x: &Tensor| cast::to(x, Elem::F64);
    let turned = |x: Tensor| if by_batch { permuted(&x, &swap(&x)) } else { Ok(x) };
    let x = wide(call.input(0)?)?;
    let directions = match attributes.text_or("direction", "forward")? {
        "forward" => &[false][..],
        "reverse" => &[true],
        "bidirectional" => &[false, true],
        other => return Err(format!("the direction `{}` is not known", other.escape_debug())),
    };
    let (w, r) = (wide(call.input(1)?)?, wide(call.input(2)?)?);
    let (&[_, _, inputs], &[count, rows, hidden]) = (x.shape(), r.shape()) else {
        return Err(format!("{x} and {r} have not three axes"));
    };
    let gates = cell.gates();
    let stated = attributes.int("hidden_size")?.map(size).transpose()?;
    if count != directions.len()
        || rows != gates * hidden
        || w.shape() != [count, rows, inputs]
        || stated.is_some_and(|stated| stated != hidden)
    {
        return Err(format!("the weights {w} and {r} do not go with {x}"));
    }
    let x = turned(x)?;
    let (tokens, batch) = (x.shape()[0], x.shape()[1]);
    let part = |at: usize, shape: &[usize]| match call.optional(at) {
        Some(given) if given.shape() == shape => Ok(wide(given)?),
        Some(given) => Err(format!("{given} is not of the shape {shape:?}")),
        None => Tensor::new(shape, vec![0.0_f64; crate::onnx::tensor::count(shape)?]),
    };
    let state = if by_batch { [batch, count, hidden] } else { [count, batch, hidden] };
    let bias = part(3, &[count, 2 * rows])?;
    let first = turned(part(5, &state)?)?;
    let lstm = cell == Cell::Lstm;
    let first_cell = if lstm {
        turned(part(6, &state)?)?
    } else {
        Tensor::new([count, batch, hidden], vec![0.0_f64; count * batch * hidden])?
    };
    let peepholes = if lstm { part(7, &[count, 3 * hidden])? } else { Tensor::new([count, 0], Vec::<f64>::new())? };
    let lengths = match call.optional(4) {
        Some(given) => ints(given)?.into_iter().map(size).collect::<Result<Vec<_>, _>>()?,
        None => vec![tokens; batch],
    };
    if lengths.len() != batch || lengths.iter().any(|&length| length > tokens) {
        return Err(format!("the lengths {lengths:?} do not go with {batch} texts of {tokens} tokens"));
    }
    call.budget.work(&[tokens, batch, count, rows, inputs + hidden])?;
    let functions = functions(call, cell, count)?;
    let clip = attributes.float("clip")?.map_or(f64::INFINITY, f64::from);
    if clip.is_nan() || clip < 0.0 {
        return Err(format!("the clip {clip} is no bound"));
    }
    let mut all = vec![0.0_f64; crate::onnx::tensor::count(&[tokens, count, batch, hidden])?];
    let (mut last, mut last_cell) = (Vec::new(), Vec::new());
    let each = cell.functions().len();
    for (at, &reverse) in directions.iter().enumerate() {
        let direction = Direction {
            cell,
            functions: &functions[at * each..][..each],
            w: &w.of::<f64>()?[at * rows * inputs..][..rows * inputs],
            r: &r.of::<f64>()?[at * rows * hidden..][..rows * hidden],
            bias: &bias.of::<f64>()?[at * 2 * rows..][..2 * rows],
            peepholes: if lstm { &peepholes.of::<f64>()?[at * 3 * hidden..][..3 * hidden] } else { &[] },
            hidden,
            clip,
            linear_before_reset: attributes.flag_or("linear_before_reset", false)?,
            input_forget: attributes.flag_or("input_forget", false)?,
        };
        for text in 0..batch {
            let from = (at * batch + text) * hidden;
            let mut h = first.of::<f64>()?[from..][..hidden].to_vec();
            let mut c = first_cell.of::<f64>()?[from..][..hidden].to_vec();
            for step in 0..lengths[text] {
                let token = if reverse { lengths[text] - 1 - step } else { step };
                direction.step(&x.of::<f64>()?[(token * batch + text) * inputs..][..inputs], &mut h, &mut c);
                all[((token * count + at) * batch + text) * hidden..][..hidden].copy_from_slice(&h);
            }
            last.extend(h);
            last_cell.extend(c);
        }
    }
    let all = Tensor::new([tokens, count, batch, hidden], all)?;
    let all = if by_batch { permuted(&all, &[2, 0, 1, 3])? } else { all };
    let state = |values| turned(Tensor::new([count, batch, hidden], values)?);
    let made = [all, state(last)?, state(last_cell)?];
    made.iter().take(call.outputs).map(|made| cast::to(made, elem)).collect()
}

/// The order of axes with the first two the other way round.
fn swap(x: &Tensor) -> Vec<usize> {
    let mut order: Vec<usize> = (0..x.rank()).collect();
    if order.len() > 1 {
        order.swap(0, 1);
    }
    order
}
