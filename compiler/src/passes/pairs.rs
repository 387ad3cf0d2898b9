//! One triangle of a row's fields multiplied by one another becomes `pairs`.

use crate::graph::{Dim, Graph, Node};
use crate::ops::{MatMul, Op, Pairs, Triangle};

pub(super) fn run(graph: &mut Graph) {
    graph.rewrite(|graph, node| {
        let Op::Select(select) = &node.op else { return None };
        let flat = graph.sole(node.inputs[0])?;
        let Op::Reshape(_) = flat.op else { return None };
        let products = graph.sole_use(flat.inputs[0], MatMul { transpose_b: true })?;
        let x = products.inputs[0];
        let &[Dim::Fixed(fields), Dim::Fixed(_)] = graph.ty(x).row() else { return None };
        let joint = [Dim::Fixed(fields.checked_mul(fields)?)];
        let last = select.axis + 1 == graph.ty(node.inputs[0]).rank();
        if products.inputs[1] != x || graph.ty(node.inputs[0]).row() != joint || !last {
            return None;
        }
        // A pair is the same product either way round.
        let turned = |place: usize| (place / fields.max(1), place % fields.max(1));
        let found = Triangle::ALL
            .into_iter()
            .flat_map(|triangle| [false, true].map(|diagonal| Pairs { triangle, diagonal }))
            .find(|pairs| {
                pairs.list(fields).count() == select.places.len()
                    && pairs.list(fields).zip(&select.places).all(|((i, j), &place)| {
                        let at = turned(place);
                        at == (i, j) || at == (j, i)
                    })
            });
        found.map(|pairs| Node::new(pairs, [x]))
    });
}

#[cfg(test)]
mod tests {
    use crate::passes::testing::{check, untouched};

    fn primitives(places: &str) -> String {
        format!(
            r#"
            %c = input{{of=numbers, with=candidates, column=0, count=6}}() "c"
            %x = reshape{{shape=[candidates, 3, 2]}}(%c)
            %m = matmul{{transpose_b=true}}(%x, %x)
            %f = reshape{{shape=[candidates, 9]}}(%m)
            %y = select{{axis=1, places={places}}}(%f)
            output %y"#
        )
    }

    #[test]
    fn each_triangle_is_found() {
        for (places, pairs) in [
            ("[3, 6, 7]", "{triangle=lower}"),
            ("[1, 2, 5]", "{triangle=lower}"),
            ("[0, 3, 4, 6, 7, 8]", "{triangle=lower, diagonal=true}"),
            ("[0, 1, 2, 4, 5, 8]", "{triangle=upper, diagonal=true}"),
        ] {
            let after = format!(
                r#"
                %c = input{{of=numbers, with=candidates, column=0, count=6}}() "c"
                %x = reshape{{shape=[candidates, 3, 2]}}(%c)
                %y = pairs{pairs}(%x)
                output %y"#
            );
            check("pairs", &primitives(places), &after);
        }
    }

    #[test]
    fn another_order_is_no_triangle() {
        untouched("pairs", &primitives("[7, 6, 3]"));
        untouched("pairs", &primitives("[3, 6]"));
    }
}
