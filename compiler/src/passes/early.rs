//! The first or the last row of what is computed row by row is computed of the first or the last rows alone: of the last block of
//! SASRec, and of an encoder that pools its first token, everything after attention, whose other rows nothing reads.

use crate::graph::{Dim, Graph, Node, ValueId};
use crate::ops::{Op, Pool, Pooling};
use std::collections::{BTreeMap, BTreeSet};

pub(super) fn run(graph: &mut Graph) {
    for id in graph.order() {
        if let Op::Pool(Pool { pooling: pooling @ (Pooling::Cls | Pooling::Last) }) = graph.node(id).op
            && let Some(row) = row(graph, id, pooling)
        {
            graph.replace_uses(id, row);
        }
    }
}

/// What a pooled row is, computed of rows that are pooled before.
fn row(graph: &mut Graph, pool: ValueId, pooling: Pooling) -> Option<ValueId> {
    let order = graph.order();
    let only = only_for(graph, &order, pool);
    let mut rows: BTreeMap<ValueId, ValueId> = BTreeMap::new();
    for &id in order.iter().filter(|id| only.contains(id)) {
        let Node { op, inputs, name } = graph.node(id).clone();
        let mut taken = Vec::with_capacity(inputs.len());
        for input in inputs {
            taken.push(match rows.get(&input) {
                Some(&row) => row,
                None if has_rows(graph, input) => {
                    let row = graph.add(Pool { pooling }, &[input], "row").ok()?;
                    rows.insert(input, row);
                    row
                }
                None => input,
            });
        }
        rows.insert(id, graph.add(op, &taken, name).ok()?);
    }
    let of = graph.node(pool).inputs[0];
    only.contains(&of).then(|| rows[&of]).filter(|&row| graph.ty(row) == graph.ty(pool))
}

/// The values that are computed row by row and that nothing reads but what leads to the pooled row.
fn only_for(graph: &Graph, order: &[ValueId], pool: ValueId) -> BTreeSet<ValueId> {
    let mut readers: BTreeMap<ValueId, Vec<ValueId>> = BTreeMap::new();
    for &id in order {
        graph.node(id).inputs.iter().for_each(|&input| readers.entry(input).or_default().push(id));
    }
    let mut only = BTreeSet::from([pool]);
    // Readers stand after what they read.
    for &id in order.iter().rev() {
        let read = readers.get(&id).is_some_and(|readers| readers.iter().all(|reader| only.contains(reader)));
        if read && !graph.outputs().contains(&id) && has_rows(graph, id) && is_by_row(&graph.node(id).op) {
            only.insert(id);
        }
    }
    only.remove(&pool);
    only
}

/// Whether a value has a row for each item.
fn has_rows(graph: &Graph, id: ValueId) -> bool {
    matches!(graph.ty(id).shape[..], [Dim::Tokens, Dim::Fixed(_)])
}

/// Whether a row of a value follows from the same rows of its inputs, and from what has no rows.
fn is_by_row(op: &Op) -> bool {
    matches!(
        op,
        Op::Dense(_)
            | Op::Add(_)
            | Op::Sub(_)
            | Op::Mul(_)
            | Op::Div(_)
            | Op::LayerNorm(_)
            | Op::Activate(_)
            | Op::Gelu(_)
            | Op::Relu(_)
            | Op::Tanh(_)
            | Op::Sigmoid(_)
            | Op::Normalize(_)
            | Op::Affine(_)
    )
}

#[cfg(test)]
mod tests {
    use crate::passes::testing::{check, untouched};

    /// A session's numbers, and what makes the graph a network's.
    const X: &str = r#"
        %s = input{of=numbers, with=session, column=0, count=3}() "s"
        %c = input{of=numbers, with=candidates, column=0, count=3}() "c""#;

    #[test]
    fn rows_that_nothing_else_reads_are_not_computed() {
        let before = format!(
            "{X}\n%a = tanh(%s)\n%b = relu(%a)\n%d = add(%a, %b)\n%u = pool{{pooling=last}}(%d)\n%y = mul(%c, %u)\noutput %y"
        );
        let after = format!(
            "{X}\n%r = pool{{pooling=last}}(%s) \"row\"\n%a = tanh(%r)\n%b = relu(%a)\n%u = add(%a, %b)\n%y = mul(%c, %u)\noutput %y"
        );
        check("early", &before, &after);
    }

    #[test]
    fn rows_that_something_else_reads_are_pooled_where_they_stand() {
        let before = format!(
            "{X}\n%a = tanh(%s)\n%b = relu(%a)\n%u = pool{{pooling=cls}}(%b)\n%m = pool{{pooling=mean}}(%a)\n%v = add(%u, %m)\n%y = mul(%c, %v)\noutput %y"
        );
        let after = format!(
            "{X}\n%a = tanh(%s)\n%r = pool{{pooling=cls}}(%a) \"row\"\n%u = relu(%r)\n%m = pool{{pooling=mean}}(%a)\n%v = add(%u, %m)\n%y = mul(%c, %v)\noutput %y"
        );
        check("early", &before, &after);
    }

    #[test]
    fn what_is_pooled_over_all_rows_stays() {
        untouched("early", &format!("{X}\n%a = tanh(%s)\n%u = pool{{pooling=mean}}(%a)\n%y = mul(%c, %u)\noutput %y"));
    }
}
