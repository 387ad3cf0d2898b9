//! The first or the last row of what is computed row by row is computed of the first or the last rows alone: of the last block of
//! SASRec, and of an encoder that pools its first token, everything but keys and values, whose other rows nothing else reads.

use crate::graph::{Dim, Graph, Node, ValueId};
use crate::ops::{Attention, Op, Pool, Pooling};
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
    let only = only_for(graph, &order, pool, pooling);
    let mut rows: BTreeMap<ValueId, ValueId> = BTreeMap::new();
    for &id in order.iter().filter(|id| only.contains(id)) {
        let node = graph.node(id).clone();
        let mut taken = Vec::with_capacity(node.inputs.len());
        for (at, &input) in node.inputs.iter().enumerate() {
            taken.push(match rows.get(&input) {
                _ if !by_row(&node, at, pooling) => input,
                Some(&row) => row,
                None if has_rows(graph, input) => {
                    let row = graph.add(Pool { pooling }, &[input], "row").ok()?;
                    rows.insert(input, row);
                    row
                }
                None => input,
            });
        }
        // What the last token sees is all there is.
        let op = match node.op {
            Op::Attention(attention) => Attention { causal: false, ..attention }.into(),
            op => op,
        };
        rows.insert(id, graph.add(op, &taken, node.name).ok()?);
    }
    let of = graph.node(pool).inputs[0];
    only.contains(&of).then(|| rows[&of]).filter(|&row| graph.ty(row) == graph.ty(pool))
}

/// The values that are computed row by row and that nothing reads but what leads to the pooled row.
fn only_for(graph: &Graph, order: &[ValueId], pool: ValueId, pooling: Pooling) -> BTreeSet<ValueId> {
    // Each with the place at which it reads the value.
    let mut readers: BTreeMap<ValueId, Vec<(ValueId, usize)>> = BTreeMap::new();
    for &id in order {
        let inputs = graph.node(id).inputs.iter().enumerate();
        inputs.for_each(|(at, &input)| readers.entry(input).or_default().push((id, at)));
    }
    let mut only = BTreeSet::from([pool]);
    // Readers stand after what they read.
    for &id in order.iter().rev() {
        let in_row = |&(reader, at): &(ValueId, usize)| {
            only.contains(&reader) && (reader == pool || by_row(graph.node(reader), at, pooling))
        };
        let read = readers.get(&id).is_some_and(|readers| readers.iter().all(in_row));
        if read && !graph.outputs().contains(&id) && has_rows(graph, id) && by_row(graph.node(id), 0, pooling) {
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

/// Whether the first or the last row of a value follows from that row of its input `at`, where that has rows at all.
fn by_row(node: &Node, at: usize, pooling: Pooling) -> bool {
    match &node.op {
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
        | Op::Affine(_) => true,
        // The query's, which sees all keys: the last token's, or any where none is hidden. A bias depends on the query's place.
        Op::Attention(attention) => {
            at == 0 && node.inputs.len() == 3 && (!attention.causal || pooling == Pooling::Last)
        }
        _ => false,
    }
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

    /// Attention of projections of a session's numbers, and what is read of it.
    fn attended(causal: bool, pooling: &str) -> [String; 2] {
        let causal = if causal { ", causal=true" } else { "" };
        let rest = "%y = mul(%c, %u)\noutput %y";
        let before = format!(
            "{X}\n%q = tanh(%s)\n%k = relu(%s)\n%v = sigmoid(%s)\n%a = attention{{heads=1, scale=0.5{causal}}}(%q, %k, %v)\n%d = add(%a, %s)\n%u = pool{{pooling={pooling}}}(%d)\n{rest}"
        );
        let after = format!(
            "{X}\n%k = relu(%s)\n%v = sigmoid(%s)\n%r = pool{{pooling={pooling}}}(%s) \"row\"\n%q = tanh(%r)\n%a = attention{{heads=1, scale=0.5}}(%q, %k, %v)\n%u = add(%a, %r)\n{rest}"
        );
        [before, after]
    }

    #[test]
    fn of_attention_the_query_alone_is_one_row() {
        for (causal, pooling) in [(false, "cls"), (false, "last"), (true, "last")] {
            let [before, after] = attended(causal, pooling);
            check("early", &before, &after);
        }
    }

    #[test]
    fn the_first_of_rows_that_see_only_those_before_is_taken_after_attention() {
        let [before, _] = attended(true, "cls");
        let after = before.replace(
            "%d = add(%a, %s)\n%u = pool{pooling=cls}(%d)",
            "%r = pool{pooling=cls}(%a) \"row\"\n%o = pool{pooling=cls}(%s) \"row\"\n%u = add(%r, %o)",
        );
        check("early", &before, &after);
    }

    #[test]
    fn what_is_pooled_over_all_rows_stays() {
        untouched("early", &format!("{X}\n%a = tanh(%s)\n%u = pool{{pooling=mean}}(%a)\n%y = mul(%c, %u)\noutput %y"));
    }
}
