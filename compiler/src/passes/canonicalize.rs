//! One way to write what can be written in many, for the passes after it.
//!
//! Of `a + b` and `a · b` a constant operand stands second; a reshape to the same shape and a transposition to the same order are
//! no nodes at all; constant weights are `[n, k]`, as PyTorch has them.

use crate::graph::{Graph, Node, ValueId};
use crate::ops::{Add, MatMul, Mul, Op, Transpose};

pub(super) fn run(graph: &mut Graph) {
    for id in graph.order() {
        let node = graph.node(id);
        if let Some(same) = bypass(graph, id, node) {
            graph.replace_uses(id, same);
        } else if let Some(node) = transposed(&mut *graph, id) {
            graph.replace(id, node);
        }
    }
    graph.rewrite(|graph, node| {
        let commutes = node.op == Op::from(Add) || node.op == Op::from(Mul);
        let &[a, b] = &node.inputs[..] else { return None };
        (commutes && graph.is_const(a) && !graph.is_const(b)).then(|| Node::new(node.op.clone(), [b, a]))
    });
}

/// The input that the node only gives on.
fn bypass(graph: &Graph, id: ValueId, node: &Node) -> Option<ValueId> {
    let same = match &node.op {
        Op::Reshape(_) => graph.ty(id) == graph.ty(node.inputs[0]),
        Op::Transpose(transpose) => transpose.axes.is_sorted(),
        _ => false,
    };
    same.then(|| node.inputs[0])
}

/// `matmul(x, w[k, n])` as a product with `w` transposed, which folding then computes.
fn transposed(graph: &mut Graph, id: ValueId) -> Option<Node> {
    let node = graph.node(id);
    if node.op != Op::from(MatMul { transpose_b: false }) {
        return None;
    }
    let (x, weights) = (node.inputs[0], node.inputs[1]);
    let fits = graph.is_const(weights) && graph.ty(weights).rank() == 2;
    let name = format!("{}.transposed", graph.node(weights).name);
    let weights = fits.then(|| graph.add(Transpose { axes: vec![1, 0] }, &[weights], name))?.ok()?;
    Some(Node::new(MatMul { transpose_b: true }, [x, weights]))
}

#[cfg(test)]
mod tests {
    use crate::passes::testing::{check, untouched};

    #[test]
    fn constants_stand_second_and_weights_are_transposed() {
        check(
            "canonicalize",
            r#"
            %c = constant "c" f32[3]
            %w = constant "w" f32[3, 4]
            %i = input{of=token_ids}() "token_ids"
            %t = constant "t" f32[9, 3]
            %x = gather(%t, %i)
            %y = add(%c, %x)
            %z = reshape{shape=[tokens, 3]}(%y)
            %s = transpose{axes=[0, 1]}(%z)
            %m = matmul(%s, %w)
            output %m"#,
            r#"
            %t = constant "t" f32[9, 3]
            %i = input{of=token_ids}() "token_ids"
            %x = gather(%t, %i)
            %c = constant "c" f32[3]
            %y = add(%x, %c)
            %w = constant "w" f32[3, 4]
            %v = transpose{axes=[1, 0]}(%w) "w.transposed"
            %m = matmul{transpose_b=true}(%y, %v)
            output %m"#,
        );
    }

    #[test]
    fn the_order_of_a_difference_stays() {
        untouched(
            "canonicalize",
            r#"
            %c = constant "c" f32[9]
            %i = input{of=token_ids}() "token_ids"
            %t = constant "t" f32[9, 9]
            %x = gather(%t, %i)
            %y = sub(%c, %x)
            %z = transpose{axes=[1, 0]}(%y)
            output %z"#,
        );
    }
}
