//! The meaning of a program, one text at a time, in f64 and by the textbook: what sessions are compared with.

use crate::packs::Built;
use modeldeploy::format::Artifact;
use modeldeploy::format::program::{
    Activation, Bag, IdMask, Index, Part, Pooling, Rows, SlotId, Step, Storage, TensorId, Triangle, View, Weights,
};
use modeldeploy::session::Columns;
use std::collections::HashMap;

type Matrix = Vec<Vec<f64>>;

/// What a program is given of one text, or of one user.
#[derive(Clone, Copy, Default)]
pub(crate) struct Given<'a> {
    /// The ids and types of a text's tokens.
    pub(crate) ids: &'a [u32],
    pub(crate) types: &'a [u32],
    /// What is given with the rows of each kind, and how many there are.
    pub(crate) columns: [Columns<'a>; 3],
    pub(crate) rows: [usize; 3],
}

impl Given<'_> {
    /// Number `column` of row `row`.
    fn number(&self, of: Rows, row: usize, column: usize) -> f64 {
        let (numbers, rows) = (self.columns[of as usize].numbers, self.rows[of as usize]);
        numbers[row * (numbers.len() / rows) + column].into()
    }

    /// Id `column` of row `row`.
    fn id(&self, of: Rows, row: usize, column: usize) -> usize {
        let (ids, rows) = (self.columns[of as usize].ids, self.rows[of as usize]);
        ids[row * (ids.len() / rows) + column] as usize
    }
}

/// The output row of one text.
pub(crate) fn interpret(built: &Built, ids: &[u32], types: &[u32]) -> Vec<f64> {
    let given = Given { ids, types, rows: [ids.len(), 1, 0], ..Given::default() };
    walk(built, given).remove(0)
}

/// The output row of each candidate of one user.
pub(crate) fn interpret_user(built: &Built, columns: [Columns<'_>; 3], items: usize, candidates: usize) -> Matrix {
    walk(built, Given { columns, rows: [items, 1, candidates], ..Given::default() })
}

fn walk(built: &Built, given: Given<'_>) -> Matrix {
    let Given { ids, types, rows, .. } = given;
    let artifact = Artifact::parse(&built.pack).expect("a pack");
    let program = artifact.program();
    let mut slots: HashMap<SlotId, Matrix> = HashMap::new();
    let tensor = |id: TensorId| &built.logical[id.0 as usize];
    let row = |id: TensorId, row: usize| {
        let width = artifact.tensor(id).dims[1] as usize;
        &tensor(id)[row * width..(row + 1) * width]
    };
    let matrix = |slots: &HashMap<SlotId, Matrix>, id: SlotId| slots[&id].clone();
    for step in &program.steps {
        let result: Matrix = match *step {
            Step::Embed { lookups, out } => (0..rows[0])
                .map(|t| {
                    let mut sum = vec![0.0; program.slot(out).width as usize];
                    for lookup in lookups.iter().flatten() {
                        let at = match lookup.index {
                            Index::TokenId => ids[t] as usize,
                            Index::TokenType => types[t] as usize,
                            Index::Position { offset } => t + offset as usize,
                            Index::FromEnd => rows[0] - 1 - t,
                            Index::Id { column } => given.id(Rows::Tokens, t, column as usize),
                            Index::Counted { padding } if ids[t] == padding => 0,
                            Index::Counted { padding } => ids[..=t].iter().filter(|&&id| id != padding).count(),
                        };
                        let offset = lookup.offsets.map_or(0.0, |offsets| tensor(offsets)[at]);
                        sum.iter_mut().zip(row(lookup.table, at)).for_each(|(sum, x)| *sum += x + offset);
                    }
                    sum
                })
                .collect(),
            Step::Add { a, b, .. } => zip(&slots[&a], &slots[&b], |a, b| a + b),
            Step::LayerNorm { x, gamma, beta, epsilon, quantized, .. } => {
                let normal = by_row(matrix(&slots, x), |x| {
                    let mean = x.iter().sum::<f64>() / x.len() as f64;
                    let variance = x.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / x.len() as f64;
                    x.iter().map(|x| (x - mean) / (variance + f64::from(epsilon)).sqrt()).collect()
                });
                let affine = |gamma, beta| {
                    by_row(normal.clone(), |x| {
                        (0..x.len()).map(|i| x[i] * tensor(gamma)[i] + tensor(beta)[i]).collect()
                    })
                };
                if let Some(second) = quantized {
                    slots.insert(second.out, quantize(affine(second.gamma, second.beta)));
                }
                affine(gamma, beta)
            }
            Step::Quantize { x, .. } => quantize(matrix(&slots, x)),
            Step::Linear { x, weights, bias, activation, residual, out } => {
                let (Weights::Float(w) | Weights::Int8 { codes: w, .. }) = weights;
                let n = program.slot(out).width as usize;
                let y = by_row(matrix(&slots, x), |x| {
                    let y = (0..n).map(|n| {
                        x.iter().zip(row(w, n)).map(|(x, w)| x * w).sum::<f64>()
                            + bias.map_or(0.0, |bias| tensor(bias)[n])
                    });
                    y.map(|y| activate(activation, y)).collect()
                });
                match residual {
                    Some(residual) => zip(&y, &slots[&residual], |y, r| y + r),
                    None if program.slot(out).storage == Storage::Q8 => quantize(y),
                    None => y,
                }
            }
            Step::Attention { .. } | Step::MaskedAttention { .. } => {
                let (q, k, v, heads, scale, bias, mask, causal) = match *step {
                    Step::Attention { q, k, v, heads, scale, bias, causal, .. } => {
                        (q, k, v, heads, scale, bias, None, causal)
                    }
                    Step::MaskedAttention { q, k, v, heads, scale, mask, causal, .. } => {
                        (q, k, v, heads, scale, None, Some(mask), causal)
                    }
                    _ => unreachable!("attention"),
                };
                let mask = mask.map(|mask| matrix(&slots, mask));
                let view = |view: View| {
                    by_row(matrix(&slots, view.slot), |x| x[view.column as usize..][..view.width as usize].to_vec())
                };
                let (q, k, v) = (view(q), view(k), view(v));
                let width = q[0].len();
                let dim = width / heads as usize;
                let score = |i: usize, j: usize, head: usize| {
                    let columns = head * dim..(head + 1) * dim;
                    let dot: f64 = columns.map(|c| q[i][c] * k[j][c]).sum();
                    let bias = bias.map_or(0.0, |bias| {
                        let buckets = artifact.tensor(bias.table).dims[0] as usize;
                        row(bias.table, bucket(j as i64 - i as i64, buckets, bias.max_distance as usize))[head]
                    });
                    dot * f64::from(scale) + bias + mask.as_ref().map_or(0.0, |mask| mask[j][0])
                };
                let seen = |i: usize| 0..if causal { i + 1 } else { k.len() };
                (0..q.len())
                    .map(|i| {
                        let weights: Vec<Vec<f64>> = (0..heads as usize)
                            .map(|h| softmax(&seen(i).map(|j| score(i, j, h)).collect::<Vec<_>>()))
                            .collect();
                        (0..width).map(|c| seen(i).map(|j| weights[c / dim][j] * v[j][c]).sum()).collect()
                    })
                    .collect()
            }
            Step::Pool { x, pooling, .. } => {
                let x = &slots[&x];
                let column = |c: usize| x.iter().map(move |row| row[c]);
                let n = x.len() as f64;
                let pool = |c: usize| match pooling {
                    Pooling::Cls => x[0][c],
                    Pooling::Mean => column(c).sum::<f64>() / n,
                    Pooling::Max => column(c).fold(f64::NEG_INFINITY, f64::max),
                    Pooling::MeanSqrtLen => column(c).sum::<f64>() / n.sqrt(),
                    Pooling::Sum => column(c).sum(),
                    Pooling::Last => x[x.len() - 1][c],
                };
                vec![(0..x[0].len()).map(pool).collect()]
            }
            Step::Normalize { x, .. } => by_row(matrix(&slots, x), |x| {
                let norm = x.iter().map(|x| x * x).sum::<f64>().sqrt().max(1e-12);
                x.iter().map(|x| x / norm).collect()
            }),
            Step::Activate { x, activation, .. } => {
                by_row(matrix(&slots, x), |x| x.iter().map(|&x| activate(activation, x)).collect())
            }
            Step::Softmax { x, .. } => by_row(matrix(&slots, x), |x| softmax(&x)),
            Step::Concat { parts, out } => {
                let kind = program.slot(out).rows;
                let part = |r: usize, part: &Part| -> Vec<f64> {
                    // A user's only row stands beside all of the candidates.
                    let at = |of: Rows| if of == kind { r } else { 0 };
                    match *part {
                        Part::View(View { slot, column, width }) => {
                            let x = &slots[&slot][at(program.slot(slot).rows)];
                            x[column as usize..][..width as usize].to_vec()
                        }
                        Part::Numbers { of, column, count } => {
                            (column..column + count).map(|column| given.number(of, at(of), column as usize)).collect()
                        }
                        Part::Bag(Bag { table, offsets, of, column, count, mean, .. }) => {
                            let width = artifact.tensor(table).dims[1] as usize;
                            let mut sum = vec![0.0; width];
                            for column in column..column + count {
                                let id = given.id(of, at(of), column as usize);
                                let offset = offsets.map_or(0.0, |offsets| tensor(offsets)[id]);
                                sum.iter_mut().zip(row(table, id)).for_each(|(sum, x)| *sum += x + offset);
                            }
                            let divisor = if mean { f64::from(count) } else { 1.0 };
                            sum.into_iter().map(|sum| sum / divisor).collect()
                        }
                        Part::Mask(IdMask { of, column, id, equal, other }) => {
                            let is = given.id(of, at(of), column as usize) == id as usize;
                            vec![f64::from(if is { equal } else { other })]
                        }
                    }
                };
                (0..rows[kind as usize])
                    .map(|r| program.parts(parts).iter().flat_map(|it| part(r, it)).collect())
                    .collect()
            }
            Step::Mul { a, b, .. } => {
                let each = |(a, b): (&Vec<f64>, &Vec<f64>)| {
                    a.iter().enumerate().map(|(i, a)| a * b[if b.len() == 1 { 0 } else { i }]).collect()
                };
                slots[&a].iter().zip(&slots[&b]).map(each).collect()
            }
            Step::Affine { x, gamma, beta, .. } => {
                by_row(matrix(&slots, x), |x| (0..x.len()).map(|i| x[i] * tensor(gamma)[i] + tensor(beta)[i]).collect())
            }
            Step::Sum { x, fields, .. } => by_row(matrix(&slots, x), |x| {
                let width = x.len() / fields as usize;
                (0..width).map(|i| x.iter().skip(i).step_by(width).sum()).collect()
            }),
            Step::Dot { a, b, .. } => {
                let b = &slots[&b];
                let of = |r: usize| if b.len() == slots[&a].len() { &b[r] } else { &b[0] };
                slots[&a].iter().enumerate().map(|(r, a)| vec![dot(a, of(r))]).collect()
            }
            Step::Pairs { x, fields, triangle, diagonal, .. } => by_row(matrix(&slots, x), |x| {
                let fields: Vec<&[f64]> = x.chunks(x.len() / fields as usize).collect();
                let mut pairs = vec![];
                for (i, a) in fields.iter().enumerate() {
                    for (j, b) in fields.iter().enumerate() {
                        let within = if triangle == Triangle::Lower { j < i } else { i < j };
                        if within || (i == j && diagonal) {
                            pairs.push(dot(a, b));
                        }
                    }
                }
                pairs
            }),
            Step::Max { x, fields, .. } => by_row(matrix(&slots, x), |x| {
                let width = x.len() / fields as usize;
                let field = |i: usize| x.iter().skip(i).step_by(width).copied();
                (0..width).map(|i| field(i).fold(f64::NEG_INFINITY, f64::max)).collect()
            }),
            Step::Lstm { x, weights, backward, out } => {
                let state = program.slot(out).width as usize;
                let (mut hidden, mut cell) = (vec![0.0; state], vec![0.0; state]);
                let after = |x: Vec<f64>| -> Vec<f64> {
                    let gate = |gate: usize, i: usize| {
                        let at = gate * state + i;
                        let sum = x[at] + dot(row(weights, at), &hidden);
                        if gate == 2 { sum.tanh() } else { activate(Activation::Sigmoid, sum) }
                    };
                    cell = (0..state).map(|i| gate(1, i) * cell[i] + gate(0, i) * gate(2, i)).collect();
                    let next: Vec<f64> = (0..state).map(|i| gate(3, i) * cell[i].tanh()).collect();
                    hidden.clone_from(&next);
                    next
                };
                in_order(matrix(&slots, x), backward, after)
            }
            Step::Gru { x, weights, bias, backward, out } => {
                let state = program.slot(out).width as usize;
                let mut before = vec![0.0; state];
                let after = |x: Vec<f64>| -> Vec<f64> {
                    let of_state = |at: usize| dot(row(weights, at), &before) + tensor(bias)[at];
                    let gate = |at: usize| activate(Activation::Sigmoid, x[at] + of_state(at));
                    let next = |i: usize| {
                        let (reset, update) = (gate(i), gate(state + i));
                        let new = (x[2 * state + i] + reset * of_state(2 * state + i)).tanh();
                        (1.0 - update) * new + update * before[i]
                    };
                    let next = (0..state).map(next).collect::<Vec<f64>>();
                    before.clone_from(&next);
                    next
                };
                in_order(matrix(&slots, x), backward, after)
            }
        };
        let out = step.outputs().next().expect("every step writes");
        assert_eq!(result.len(), rows[program.slot(out).rows as usize], "{step:?}");
        slots.insert(out, result);
    }
    slots.remove(&program.output).expect("the output")
}

/// What becomes of rows one after the other, or the other way round.
fn in_order(mut x: Matrix, backward: bool, after: impl FnMut(Vec<f64>) -> Vec<f64>) -> Matrix {
    if backward {
        x.reverse();
    }
    let mut out: Matrix = x.into_iter().map(after).collect();
    if backward {
        out.reverse();
    }
    out
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn by_row(x: Matrix, f: impl Fn(Vec<f64>) -> Vec<f64>) -> Matrix {
    x.into_iter().map(f).collect()
}

fn zip(a: &Matrix, b: &Matrix, f: impl Fn(f64, f64) -> f64) -> Matrix {
    a.iter().zip(b).map(|(a, b)| a.iter().zip(b).map(|(&a, &b)| f(a, b)).collect()).collect()
}

/// What is left of the rows after 8 bit: 256 steps over a row's range, 0 among them.
fn quantize(x: Matrix) -> Matrix {
    by_row(x, |x| {
        let (lo, hi) = x.iter().fold((0f64, 0f64), |(lo, hi), &x| (lo.min(x), hi.max(x)));
        let scale = (hi - lo) / 255.0;
        let zero = (-lo / scale).round();
        x.iter().map(|x| scale * ((x / scale + zero).round().clamp(0.0, 255.0) - zero)).collect()
    })
}

fn softmax(x: &[f64]) -> Vec<f64> {
    let most = x.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let sum: f64 = x.iter().map(|x| (x - most).exp()).sum();
    x.iter().map(|x| (x - most).exp() / sum).collect()
}

fn activate(activation: Activation, x: f64) -> f64 {
    match activation {
        Activation::Identity => x,
        Activation::Relu => x.max(0.0),
        Activation::Gelu => x * (0.5 + phi(x)),
        Activation::GeluTanh => {
            0.5 * x * (1.0 + ((2.0 / std::f64::consts::PI).sqrt() * (x + 0.044_715 * x.powi(3))).tanh())
        }
        Activation::Tanh => x.tanh(),
        Activation::Sigmoid => 1.0 / (1.0 + (-x).exp()),
        Activation::Silu => x / (1.0 + (-x).exp()),
    }
}

/// The integral of the normal density from 0 to `x`, by Simpson's rule.
fn phi(x: f64) -> f64 {
    let density = |t: f64| (-t * t / 2.0).exp() / (2.0 * std::f64::consts::PI).sqrt();
    let steps = 1000;
    let h = x / f64::from(steps);
    let inner: f64 = (1..steps).map(|i| density(h * f64::from(i)) * if i % 2 == 1 { 4.0 } else { 2.0 }).sum();
    (density(0.0) + inner + density(x)) * h / 3.0
}

/// T5's buckets for both directions, as in the paper's code.
fn bucket(distance: i64, buckets: usize, max_distance: usize) -> usize {
    let half = buckets / 2;
    let far = distance.unsigned_abs() as usize;
    let exact = half / 2;
    let within = if far < exact {
        far
    } else {
        let grown =
            (far as f64 / exact as f64).ln() / (max_distance as f64 / exact as f64).ln() * (half - exact) as f64;
        (exact + grown as usize).min(half - 1)
    };
    within + if distance > 0 { half } else { 0 }
}
