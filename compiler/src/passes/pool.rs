//! Reductions over the tokens of a text become `pool`.

use crate::graph::{Dim, Graph, Node, ValueId};
use crate::ops::{Div, Op, Pool, Pooling, ReduceMax, ReduceMean, ReduceSum, Reshape, Slice, Sqrt, TokenCount};

pub(super) fn run(graph: &mut Graph) {
    graph.rewrite(|graph, node| {
        let x = *node.inputs.first()?;
        if node.op == Op::from(ReduceMean { axis: 0, keep: false }) {
            return pool(graph, Pooling::Mean, x);
        }
        if node.op == Op::from(ReduceMax { axis: 0, keep: false }) {
            return pool(graph, Pooling::Max, x);
        }
        if node.op == Op::from(Div) {
            let sum = graph.sole_use(x, ReduceSum { axis: 0, keep: false })?.inputs[0];
            let by = graph.node(node.inputs[1]);
            if by.op == Op::from(TokenCount) {
                return pool(graph, Pooling::Mean, sum);
            }
            let root = by.op == Op::from(Sqrt) && graph.node(by.inputs[0]).op == Op::from(TokenCount);
            return pool(graph, Pooling::MeanSqrtLen, sum).filter(|_| root);
        }
        // The first row, without its axis.
        let Op::Reshape(Reshape { shape }) = &node.op else { return None };
        let rows = graph.sole_use(x, Slice { axis: 0, start: 0, len: 1 })?.inputs[0];
        pool(graph, Pooling::Cls, rows).filter(|_| shape[..] == graph.ty(rows).shape[1..])
    });
}

fn pool(graph: &Graph, pooling: Pooling, x: ValueId) -> Option<Node> {
    let rows = matches!(graph.ty(x).shape[..], [Dim::Tokens, Dim::Fixed(_)]);
    rows.then(|| Node::new(Pool { pooling }, [x]))
}

#[cfg(test)]
mod tests {
    use crate::passes::testing::{check, untouched};

    const X: &str = r#"
        %t = constant "t" f32[9, 4]
        %i = input{of=token_ids}() "token_ids"
        %x = gather(%t, %i)"#;

    #[test]
    fn each_pooling_is_found() {
        for (pooling, text) in [
            ("mean", "%y = reduce_mean{axis=0}(%x)"),
            ("max", "%y = reduce_max{axis=0}(%x)"),
            ("mean", "%s = reduce_sum{axis=0}(%x)\n%c = token_count()\n%y = div(%s, %c)"),
            ("mean_sqrt_len", "%s = reduce_sum{axis=0}(%x)\n%c = token_count()\n%r = sqrt(%c)\n%y = div(%s, %r)"),
            ("cls", "%s = slice{axis=0, start=0, len=1}(%x)\n%y = reshape{shape=[4]}(%s)"),
        ] {
            let after = format!("{X}\n%y = pool{{pooling={pooling}}}(%x)\noutput %y");
            check("pool", &format!("{X}\n{text}\noutput %y"), &after);
        }
    }

    #[test]
    fn means_of_columns_and_later_rows_are_no_pooling() {
        for text in [
            "%y = reduce_mean{axis=1}(%x)",
            "%s = slice{axis=0, start=1, len=1}(%x)\n%y = reshape{shape=[4]}(%s)",
            "%s = slice{axis=0, start=0, len=1}(%x)\n%y = reshape{shape=[2, 2]}(%s)",
        ] {
            untouched("pool", &format!("{X}\n{text}\noutput %y"));
        }
    }
}
