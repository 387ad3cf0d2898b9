//! `(x − mean) / √(mean((x − mean)²) + epsilon) · gamma + beta` over the last axis becomes `layer_norm`.
//!
//! Runs after `canonicalize`, so that gamma and beta stand second.

use super::pair;
use crate::graph::{Graph, Node, Type};
use crate::ops::{Add, Div, LayerNorm, Mul, Op, ReduceMean, Sqrt, Sub};

pub(super) fn run(graph: &mut Graph) {
    graph.rewrite(|graph, add| {
        if add.op != Op::from(Add) {
            return None;
        }
        let beta = add.inputs[1];
        let [normal, gamma] = pair(graph, add.inputs[0], Mul)?;
        let [centred, deviation] = pair(graph, normal, Div)?;
        let shifted = graph.sole_use(deviation, Sqrt)?.inputs[0];
        let [variance, epsilon] = pair(graph, shifted, Add)?;
        let [x, mean] = graph.node(centred).inputs[..].try_into().ok()?;
        let axis = graph.ty(x).rank().checked_sub(1)?;
        let reduce = ReduceMean { axis, keep: true };
        let square = graph.sole_use(variance, reduce)?.inputs[0];
        // The centred value is read by its square, twice, and by the quotient.
        let fits = pair(graph, square, Mul)? == [centred, centred]
            && graph.node(centred).op == Op::from(Sub)
            && graph.uses(centred) == 3
            && graph.sole_use(mean, reduce)?.inputs[0] == x;
        let row = Type::f32([*graph.ty(x).shape.last()?]);
        let affine = [gamma, beta].iter().all(|&id| graph.is_const(id) && *graph.ty(id) == row);
        let epsilon = graph.as_scalar(epsilon).filter(|epsilon| epsilon.is_finite() && *epsilon >= 0.0)?;
        (fits && affine).then(|| Node::new(LayerNorm { epsilon }, [x, gamma, beta]))
    });
}

#[cfg(test)]
mod tests {
    use crate::passes::testing::{check, untouched};

    fn primitives(axis: &str, square: &str) -> String {
        format!(
            r#"
            %t = constant "t" f32[9, 4]
            %i = input{{of=token_ids}}() "token_ids"
            %x = gather(%t, %i)
            %m = reduce_mean{{axis={axis}, keep=true}}(%x)
            %c = sub(%x, %m)
            %s = mul(%c, {square})
            %v = reduce_mean{{axis=1, keep=true}}(%s)
            %e = constant "e" f32[] = 1e-5
            %w = add(%v, %e)
            %d = sqrt(%w)
            %n = div(%c, %d)
            %g = constant "g" f32[4]
            %p = mul(%n, %g)
            %b = constant "b" f32[4]
            %y = add(%p, %b) "norm"
            output %y"#
        )
    }

    #[test]
    fn the_primitives_become_one_node() {
        check(
            "layer_norm",
            &primitives("1", "%c"),
            r#"
            %t = constant "t" f32[9, 4]
            %i = input{of=token_ids}() "token_ids"
            %x = gather(%t, %i)
            %g = constant "g" f32[4]
            %b = constant "b" f32[4]
            %y = layer_norm{epsilon=1e-5}(%x, %g, %b) "norm"
            output %y"#,
        );
    }

    #[test]
    fn a_mean_of_columns_or_another_square_is_no_normalization() {
        untouched("layer_norm", &primitives("0", "%c"));
        untouched("layer_norm", &primitives("1", "%x"));
    }
}
