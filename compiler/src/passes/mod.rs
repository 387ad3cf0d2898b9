//! The passes: from the primitives that front ends write to the operators that the runtime has kernels for.
//!
//! Each offers a node for a node and cannot fail; after each the graph is verified and what nothing reads is removed. None changes
//! what the graph computes, but for the rounding of f32.

mod affine;
mod attention;
mod bag;
mod canonicalize;
mod dense;
mod dot;
mod early;
mod embed_sum;
mod fold;
mod gelu;
mod layer_norm;
mod pairs;
mod pool;
mod scaled;
mod silu;
mod split;
mod squeezed;
mod taken;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;

use crate::graph::{Graph, Node, ValueId};
use crate::ops::{Div, Mul, Op, Transpose};

/// A row of [`PASSES`].
#[derive(Clone, Copy, Debug)]
pub struct Pass {
    /// Its name.
    pub name: &'static str,
    run: fn(&mut Graph),
}

impl Pass {
    /// Runs it alone, with the verification after it.
    ///
    /// # Panics
    ///
    /// If it leaves a graph that is not well formed: that is a mistake of the pass.
    pub fn run(&self, graph: &mut Graph) {
        (self.run)(graph);
        graph.remove_dead();
        if let Err(errors) = graph.verify() {
            panic!("pass `{}` leaves a graph that is wrong: {}", self.name, errors[0]);
        }
    }
}

/// Every pass, in the order in which they run.
pub const PASSES: &[Pass] = &[
    Pass { name: "canonicalize", run: canonicalize::run },
    Pass { name: "fold", run: fold::run },
    Pass { name: "layer_norm", run: layer_norm::run },
    Pass { name: "gelu", run: gelu::run },
    Pass { name: "silu", run: silu::run },
    Pass { name: "attention", run: attention::run },
    Pass { name: "taken", run: taken::run },
    Pass { name: "squeezed", run: squeezed::run },
    Pass { name: "scaled", run: scaled::run },
    Pass { name: "dense", run: dense::run },
    Pass { name: "bag", run: bag::run },
    Pass { name: "split", run: split::run },
    Pass { name: "embed_sum", run: embed_sum::run },
    Pass { name: "pool", run: pool::run },
    Pass { name: "early", run: early::run },
    Pass { name: "dot", run: dot::run },
    Pass { name: "pairs", run: pairs::run },
    Pass { name: "affine", run: affine::run },
];

/// Runs all the passes on a graph that is well formed.
///
/// # Panics
///
/// If a pass leaves a graph that is not: that is a mistake of the pass.
pub fn run(graph: &mut Graph) {
    PASSES.iter().for_each(|pass| pass.run(graph));
}

/// The two inputs of a node of that operator which nothing else reads.
fn pair(graph: &Graph, id: ValueId, op: impl Into<Op>) -> Option<[ValueId; 2]> {
    graph.sole_use(id, op)?.inputs[..].try_into().ok()
}

/// A value and the constant number that multiplies it, as a product or as a quotient by its inverse.
fn scaled(graph: &Graph, node: &Node) -> Option<(ValueId, f32)> {
    let &[x, factor] = &node.inputs[..] else { return None };
    let number = graph.as_scalar(factor)?;
    if node.op == Op::from(Mul) {
        Some((x, number))
    } else if node.op == Op::from(Div) {
        Some((x, 1.0 / number))
    } else {
        None
    }
}

/// Whether a value is that constant number, to the last few bits.
fn is_number(graph: &Graph, id: ValueId, number: f32) -> bool {
    graph.as_scalar(id).is_some_and(|value| close(value, number))
}

fn close(a: f32, b: f32) -> bool {
    (a - b).abs() <= 1e-6 * b.abs()
}

/// The input of a transposition which nothing else reads, if it swaps the first two of three axes.
fn swapped(graph: &Graph, id: ValueId) -> Option<ValueId> {
    Some(graph.sole_use(id, Transpose { axes: vec![1, 0, 2] })?.inputs[0])
}
