//! The sum of a row of products becomes `dot`.

use super::pair;
use crate::graph::{Dim, Graph, Node};
use crate::ops::{Dot, Mul, Op, ReduceSum};

pub(super) fn run(graph: &mut Graph) {
    graph.rewrite(|graph, sum| {
        let Op::ReduceSum(ReduceSum { axis, keep: false }) = sum.op else { return None };
        let [a, b] = pair(graph, sum.inputs[0], Mul)?;
        let (of_a, of_b) = (graph.ty(a), graph.ty(b));
        let row = matches!(of_a.row(), [Dim::Fixed(_)]) && of_a.row() == of_b.row();
        let last = axis + 1 == graph.ty(sum.inputs[0]).rank();
        if !row || !last || graph.is_const(a) || graph.is_const(b) {
            return None;
        }
        // A user's row stands second.
        match (of_a.rows(), of_b.rows()) {
            (a_rows, b_rows) if a_rows == b_rows => Some(Node::new(Dot, [a, b])),
            (Some(Dim::Candidates), None) => Some(Node::new(Dot, [a, b])),
            (None, Some(Dim::Candidates)) => Some(Node::new(Dot, [b, a])),
            _ => None,
        }
    });
}

#[cfg(test)]
mod tests {
    use crate::passes::testing::{check, untouched};

    const X: &str = r#"
        %u = input{of=numbers, with=user, column=0, count=2}() "u"
        %c = input{of=numbers, with=candidates, column=0, count=2}() "c""#;

    #[test]
    fn a_user_stands_second() {
        let after = format!("{X}\n%y = dot(%c, %u)\noutput %y");
        check("dot", &format!("{X}\n%m = mul(%u, %c)\n%y = reduce_sum{{axis=1}}(%m)\noutput %y"), &after);
    }

    #[test]
    fn a_sum_that_others_read_or_of_more_than_rows_is_none() {
        untouched(
            "dot",
            &format!("{X}\n%m = mul(%u, %c)\n%s = reduce_sum{{axis=1, keep=true}}(%m)\n%y = add(%s, %m)\noutput %y"),
        );
    }
}
