//! Rows of constant tables, and their sums, become `embed_sum`.

use crate::graph::{Dim, Graph, ValueId};
use crate::ops::{Add, EmbedLookup, EmbedSum, Op, TableInputs};

pub(super) fn run(graph: &mut Graph) {
    graph.rewrite(|graph, node| {
        if let (Op::Gather(_), &[table, index]) = (&node.op, &node.inputs[..]) {
            let rows = graph.ty(index).shape[..] == [Dim::Tokens];
            let fits = rows && graph.is_const(table) && graph.ty(table).rank() == 2;
            return fits.then(|| EmbedSum::node(&[EmbedLookup { table: TableInputs::floats(table), index }]));
        }
        if node.op != Op::from(Add) {
            return None;
        }
        let [first, second] = [lookups(graph, node.inputs[0])?, lookups(graph, node.inputs[1])?];
        // Rows are added in the order of the tables: so the second operand is one row, not a sum itself.
        (first.len() < 3 && second.len() == 1).then(|| EmbedSum::node(&[first, second].concat()))
    });
}

fn lookups(graph: &Graph, id: ValueId) -> Option<Vec<EmbedLookup>> {
    graph.sole_use(id, EmbedSum).map(|node| EmbedSum::lookups(graph, node))
}

#[cfg(test)]
mod tests {
    use crate::passes::testing::{check, untouched};

    #[test]
    fn three_tables_become_one_sum() {
        check(
            "embed_sum",
            r#"
            %a = constant "a" f32[9, 4]
            %i = input{of=token_ids}() "token_ids"
            %u = gather(%a, %i)
            %b = constant "b" f32[2, 4]
            %j = input{of=token_types}() "token_types"
            %v = gather(%b, %j)
            %s = add(%u, %v)
            %c = constant "c" f32[9, 4]
            %k = input{of=positions}() "positions"
            %w = gather(%c, %k)
            %y = add(%s, %w) "embeddings"
            output %y"#,
            r#"
            %a = constant "a" f32[9, 4]
            %i = input{of=token_ids}() "token_ids"
            %b = constant "b" f32[2, 4]
            %j = input{of=token_types}() "token_types"
            %c = constant "c" f32[9, 4]
            %k = input{of=positions}() "positions"
            %y = embed_sum(%a, %i, %b, %j, %c, %k) "embeddings"
            output %y"#,
        );
    }

    #[test]
    fn a_fourth_table_stays_outside() {
        let text = r#"
            %a = constant "a" f32[9, 4]
            %i = input{of=token_ids}() "token_ids"
            %x = embed_sum(%a, %i, %a, %i, %a, %i)
            %y = embed_sum(%a, %i)
            %s = add(%x, %y)
            output %s"#;
        untouched("embed_sum", text);
    }
}
