//! Heads split off, `softmax(q · kᵀ · scale + bias) · v`, heads joined: becomes `attention`.
//!
//! Runs after `canonicalize`, so that a constant scale stands second.

use super::{pair, scaled, swapped};
use crate::graph::{Dim, Graph, Node, ValueId};
use crate::ops::{Add, Attention, Causal, MatMul, Op, Softmax};

pub(super) fn run(graph: &mut Graph) {
    graph.rewrite(|graph, join| {
        let Op::Reshape(reshape) = &join.op else { return None };
        let mixed = swapped(graph, join.inputs[0])?;
        let [shares, v] = pair(graph, mixed, MatMul { transpose_b: false })?;
        let scores = graph.sole_use(shares, Softmax)?.inputs[0];
        let hidden = graph.sole_use(scores, Causal);
        let scores = hidden.map_or(scores, |hidden| hidden.inputs[0]);
        let (scores, bias) = biased(graph, scores);
        let (product, scale) = match graph.sole(scores).and_then(|node| scaled(graph, node)) {
            Some((product, scale)) => (product, scale),
            None => (scores, 1.0),
        };
        let [q, k] = pair(graph, product, MatMul { transpose_b: true })?;
        let [(q, heads), (k, k_heads), (v, v_heads)] = [split(graph, q)?, split(graph, k)?, split(graph, v)?];
        let alike = heads == k_heads && heads == v_heads && graph.ty(q) == graph.ty(k) && graph.ty(q) == graph.ty(v);
        let joined = reshape.shape == graph.ty(q).shape && scale.is_finite();
        let inputs = [Some(q), Some(k), Some(v), bias].into_iter().flatten().collect::<Vec<_>>();
        (alike && joined).then(|| Node::new(Attention { heads, scale, causal: hidden.is_some() }, inputs))
    });
}

/// Scores and the bias added to them, if one is.
fn biased(graph: &Graph, scores: ValueId) -> (ValueId, Option<ValueId>) {
    let is_bias = |id: ValueId| matches!(graph.node(id).op, Op::RelativeBias(_));
    match pair(graph, scores, Add) {
        Some([scores, bias]) if is_bias(bias) => (scores, Some(bias)),
        Some([bias, scores]) if is_bias(bias) => (scores, Some(bias)),
        _ => (scores, None),
    }
}

/// The rows `[tokens, heads · d]` that a value `[heads, tokens, d]` was split from, and the number of heads.
fn split(graph: &Graph, id: ValueId) -> Option<(ValueId, usize)> {
    let rows = graph.sole(swapped(graph, id)?)?;
    let Op::Reshape(reshape) = &rows.op else { return None };
    match (&reshape.shape[..], &graph.ty(rows.inputs[0]).shape[..]) {
        ([Dim::Tokens, Dim::Fixed(heads), Dim::Fixed(_)], [Dim::Tokens, Dim::Fixed(_)]) => {
            Some((rows.inputs[0], *heads))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use crate::passes::testing::{check, untouched};

    const X: &str = r#"
        %t = constant "t" f32[9, 6]
        %i = input{of=token_ids}() "token_ids"
        %x = gather(%t, %i)
        %k = gelu(%x)
        %v = tanh(%x)"#;

    fn primitives(axes: &str, bias: bool) -> String {
        let split: String = ["x", "k", "v"]
            .map(|n| {
                format!("%{n}r = reshape{{shape=[tokens, 2, 3]}}(%{n})\n%{n}s = transpose{{axes=[1, 0, 2]}}(%{n}r)\n")
            })
            .concat();
        let bias = if bias {
            "%bt = constant \"bt\" f32[8, 2]\n%b = relative_bias{max_distance=16}(%bt)\n%z = add(%s, %b)\n%p = softmax(%z)"
        } else {
            "%p = softmax(%s)"
        };
        format!(
            r#"{X}
            {split}
            %m = matmul{{transpose_b=true}}(%xs, %ks)
            %c = constant "c" f32[] = 2.0
            %s = div(%m, %c)
            {bias}
            %o = matmul(%p, %vs)
            %j = transpose{{axes={axes}}}(%o)
            %y = reshape{{shape=[tokens, 6]}}(%j) "attention"
            output %y"#
        )
    }

    #[test]
    fn the_primitives_become_one_node() {
        let after = "\n%y = attention{heads=2, scale=0.5}(%x, %k, %v) \"attention\"\noutput %y";
        check("attention", &primitives("[1, 0, 2]", false), &format!("{X}{after}"));
    }

    #[test]
    fn a_bias_by_distance_comes_along() {
        let after = r#"
        %bt = constant "bt" f32[8, 2]
        %b = relative_bias{max_distance=16}(%bt)
        %y = attention{heads=2, scale=0.5}(%x, %k, %v, %b) "attention"
        output %y"#;
        check("attention", &primitives("[1, 0, 2]", true), &format!("{X}{after}"));
    }

    #[test]
    fn heads_joined_in_another_order_are_no_attention() {
        untouched("attention", &primitives("[1, 2, 0]", false));
    }
}
