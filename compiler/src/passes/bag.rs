//! Rows of constant tables by the ids of users and candidates become `bag`: added up where their sum is all that is read, else each by itself.
//!
//! Rows by the items of a session are left for `embed_sum`.

use crate::graph::{Dim, Graph, Node, ValueId};
use crate::ops::{Bag, BagInputs, Concat, Input, Op, ReduceMean, ReduceSum, Reshape, TableInputs};
use modeldeploy_format::program::Rows;

pub(super) fn run(graph: &mut Graph) {
    graph.rewrite(|graph, node| {
        let (axis, mean) = match node.op {
            Op::ReduceSum(ReduceSum { axis, keep: false }) => (axis, false),
            Op::ReduceMean(ReduceMean { axis, keep: false }) => (axis, true),
            _ => return None,
        };
        let gather = graph.sole(node.inputs[0])?;
        let (table, index, count) = looked_up(graph, gather)?;
        // The sum goes over the ids, not over the rows' numbers.
        (count > 1 && axis + 1 == graph.ty(index).rank())
            .then(|| Bag { count, mean }.node(BagInputs { table: TableInputs::floats(table), index }))
    });
    for id in graph.order() {
        if let Some((table, index, count)) = looked_up(graph, graph.node(id)) {
            let node = each(graph, id, table, index, count);
            graph.replace(id, node);
        }
    }
}

/// The table, the index and the number of ids in a row of a lookup of users or candidates.
fn looked_up(graph: &Graph, node: &Node) -> Option<(ValueId, ValueId, usize)> {
    let (Op::Gather(_), &[table, index]) = (&node.op, &node.inputs[..]) else { return None };
    let Op::Input(Input::Ids { of: Rows::Texts | Rows::Candidates, count, .. }) = graph.node(index).op else {
        return None;
    };
    (graph.is_const(table) && graph.ty(table).rank() == 2).then_some((table, index, count))
}

/// The rows by each id, side by side.
fn each(graph: &mut Graph, id: ValueId, table: ValueId, index: ValueId, count: usize) -> Node {
    let one = |index| Bag { count: 1, mean: false }.node(BagInputs { table: TableInputs::floats(table), index });
    let Op::Input(Input::Ids { of, column, .. }) = graph.node(index).op else {
        unreachable!("`looked_up` found ids");
    };
    if count == 1 {
        return one(index);
    }
    let (name, ty) = (graph.node(id).name.clone(), graph.ty(id).clone());
    let axis = ty.rank() - 2;
    let mut shape = ty.shape;
    shape[axis] = Dim::Fixed(1);
    let parts: Vec<ValueId> = (0..count)
        .map(|at| {
            let index = graph.input(Input::Ids { of, column: column + at, count: 1 });
            let bag = one(index);
            let row = graph.add(bag.op, &bag.inputs, name.clone()).expect("a bag of what was looked up");
            graph.add(Reshape { shape: shape.clone() }, &[row], name.clone()).expect("a row is a field of one")
        })
        .collect();
    Node::new(Concat { axis }, parts)
}

#[cfg(test)]
mod tests {
    use crate::passes::testing::{check, untouched};

    const X: &str = r#"
        %t = constant "t" f32[9, 4]
        %i = input{of=ids, with=candidates, column=1, count=2}() "candidates.ids.1+2"
        %g = gather(%t, %i)"#;

    #[test]
    fn a_sum_and_a_mean_of_rows_are_one_bag() {
        for (reduce, attributes) in [("sum", "count=2"), ("mean", "count=2, mean=true")] {
            let after = format!(
                r#"
                %t = constant "t" f32[9, 4]
                %i = input{{of=ids, with=candidates, column=1, count=2}}() "candidates.ids.1+2"
                %y = bag{{{attributes}}}(%t, %i)
                output %y"#
            );
            check("bag", &format!("{X}\n%y = reduce_{reduce}{{axis=1}}(%g)\noutput %y"), &after);
        }
    }

    #[test]
    fn rows_that_are_read_each_are_bags_of_one() {
        let after = r#"
            %t = constant "t" f32[9, 4]
            %i = input{of=ids, with=candidates, column=1, count=1}() "candidates.ids.1"
            %a = bag{count=1}(%t, %i)
            %b = reshape{shape=[candidates, 1, 4]}(%a)
            %j = input{of=ids, with=candidates, column=2, count=1}() "candidates.ids.2"
            %c = bag{count=1}(%t, %j)
            %d = reshape{shape=[candidates, 1, 4]}(%c)
            %g = concat{axis=1}(%b, %d)
            %y = relu(%g)
            output %y"#;
        check("bag", &format!("{X}\n%y = relu(%g)\noutput %y"), after);
    }

    #[test]
    fn rows_of_a_session_are_left() {
        untouched(
            "bag",
            r#"
            %t = constant "t" f32[9, 4]
            %i = input{of=ids, with=session, column=0, count=1}() "i"
            %y = gather(%t, %i)
            output %y"#,
        );
    }
}
