//! Heads split off, `softmax(q · kᵀ · scale + bias) · v`, heads joined: becomes `attention`.
//!
//! Runs after `canonicalize`, so that a constant scale stands second.

use super::{pair, scaled, swapped};
use crate::graph::{Dim, Graph, Node, ValueId};
use crate::ops::{Add, Attention, MaskedAttention, MatMul, Op, SafeSoftmax, Softmax};

pub(super) fn run(graph: &mut Graph) {
    graph.rewrite(|graph, join| {
        let Op::Reshape(reshape) = &join.op else { return None };
        let mixed = swapped(graph, join.inputs[0])?;
        let [shares, v] = pair(graph, mixed, MatMul { transpose_b: false })?;
        let node = graph.sole(shares)?;
        let safe = node.op == Op::from(SafeSoftmax);
        if !safe && node.op != Op::from(Softmax) {
            return None;
        }
        let mut scores = node.inputs[0];
        let (mut causal, mut mask) = (false, None);
        // A mask of keys and one of what comes later, in any order.
        while let Some(node) = graph.sole(scores) {
            match (&node.op, &node.inputs[..]) {
                (Op::Causal(_), &[of]) if !causal => (scores, causal) = (of, true),
                (Op::KeyMask(_), &[of, keys]) if mask.is_none() => (scores, mask) = (of, Some(keys)),
                _ => break,
            }
        }
        let (scores, bias) = biased(graph, scores);
        if (safe && mask.is_none()) || (mask.is_some() && bias.is_some()) {
            return None;
        }
        let (product, scale) = match graph.sole(scores).and_then(|node| scaled(graph, node)) {
            Some((product, scale)) => (product, scale),
            None => (scores, 1.0),
        };
        let [q, k] = pair(graph, product, MatMul { transpose_b: true })?;
        let [(q, heads), (k, k_heads), (v, v_heads)] = [split(graph, q)?, split(graph, k)?, split(graph, v)?];
        let alike = heads == k_heads && heads == v_heads && graph.ty(q) == graph.ty(k) && graph.ty(q) == graph.ty(v);
        let joined = reshape.shape == graph.ty(q).shape && scale.is_finite();
        let inputs = [Some(q), Some(k), Some(v), bias, mask].into_iter().flatten().collect::<Vec<_>>();
        let op = match mask {
            None => Op::from(Attention { heads, scale, causal }),
            Some(_) => MaskedAttention { heads, scale, causal, safe }.into(),
        };
        (alike && joined).then(|| Node::new(op, inputs))
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
    fn masks_of_keys_and_of_what_comes_later_come_along() {
        let of_session = |text: &str| text.replace("of=token_ids", "of=ids, with=session, column=0, count=1");
        let given = "\n%mask = id_mask{id=1, equal=-inf, other=0.0}(%i)";
        for (masks, softmax, flags) in [
            ("%z = key_mask(%s, %mask)", "softmax", ""),
            ("%z = key_mask(%s, %mask)", "safe_softmax", ", safe=true"),
            ("%a = causal(%s)\n%z = key_mask(%a, %mask)", "softmax", ", causal=true"),
            ("%a = key_mask(%s, %mask)\n%z = causal(%a)", "safe_softmax", ", causal=true, safe=true"),
        ] {
            let text = primitives("[1, 0, 2]", false);
            let text = text.replace("%p = softmax(%s)", &format!("{given}\n{masks}\n%p = {softmax}(%z)"));
            let after = format!(
                "{given}\n%y = masked_attention{{heads=2, scale=0.5{flags}}}(%x, %k, %v, %mask) \"attention\"\noutput %y"
            );
            check("attention", &of_session(&text), &of_session(&format!("{X}{after}")));
        }
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
