//! The meaning of a program, one text at a time, in f64 and by the textbook: what sessions are compared with.

use crate::packs::Built;
use modeldeploy::format::Artifact;
use modeldeploy::format::program::{Activation, Index, Pooling, Rows, SlotId, Step, Storage, TensorId, View, Weights};
use std::collections::HashMap;

type Matrix = Vec<Vec<f64>>;

/// The output row of one text.
pub(crate) fn interpret(built: &Built, ids: &[u32], types: &[u32]) -> Vec<f64> {
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
            Step::Embed { lookups, out } => (0..ids.len())
                .map(|t| {
                    let mut sum = vec![0.0; program.slot(out).width as usize];
                    for lookup in lookups.iter().flatten() {
                        let at = match lookup.index {
                            Index::TokenId => ids[t] as usize,
                            Index::TokenType => types[t] as usize,
                            Index::Position { offset } => t + offset as usize,
                            Index::Counted { padding } if ids[t] == padding => 0,
                            Index::Counted { padding } => ids[..=t].iter().filter(|&&id| id != padding).count(),
                        };
                        sum.iter_mut().zip(row(lookup.table, at)).for_each(|(sum, x)| *sum += x);
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
            Step::Attention { q, k, v, heads, scale, bias, .. } => {
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
                    dot * f64::from(scale) + bias
                };
                (0..q.len())
                    .map(|i| {
                        let weights: Vec<Vec<f64>> = (0..heads as usize)
                            .map(|h| softmax(&(0..k.len()).map(|j| score(i, j, h)).collect::<Vec<_>>()))
                            .collect();
                        (0..width).map(|c| (0..v.len()).map(|j| weights[c / dim][j] * v[j][c]).sum()).collect()
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
        };
        let out = step.outputs().next().expect("every step writes");
        assert_eq!(result.len(), if program.slot(out).rows == Rows::Texts { 1 } else { ids.len() });
        slots.insert(out, result);
    }
    slots.remove(&program.output).expect("the output")[0].clone()
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
