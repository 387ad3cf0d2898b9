//! `x · sigmoid(x)` becomes `activate{activation=silu}`.

use crate::graph::{Graph, Node};
use crate::ops::{Activate, Activation, Mul, Op, Sigmoid};

pub(super) fn run(graph: &mut Graph) {
    graph.rewrite(|graph, node| {
        let &[a, b] = &node.inputs[..] else { return None };
        if node.op != Op::from(Mul) {
            return None;
        }
        let gates = |x, gate| graph.sole_use(gate, Sigmoid).is_some_and(|sigmoid| sigmoid.inputs[0] == x);
        let x = if gates(a, b) { a } else { b };
        (gates(a, b) || gates(b, a)).then(|| Node::new(Activate { activation: Activation::Silu }, [x]))
    });
}

#[cfg(test)]
mod tests {
    use crate::passes::testing::{check, untouched};

    fn product(a: &str, b: &str) -> String {
        format!(
            r#"
            %t = constant "t" f32[9, 4]
            %i = input{{of=token_ids}}() "token_ids"
            %x = gather(%t, %i)
            %s = sigmoid(%x)
            %y = mul({a}, {b})
            output %y"#
        )
    }

    #[test]
    fn either_order_becomes_one_node() {
        let after = r#"
            %t = constant "t" f32[9, 4]
            %i = input{of=token_ids}() "token_ids"
            %x = gather(%t, %i)
            %y = activate{activation=silu}(%x)
            output %y"#;
        check("silu", &product("%x", "%s"), after);
        check("silu", &product("%s", "%x"), after);
    }

    #[test]
    fn a_sigmoid_by_itself_stays() {
        untouched("silu", &product("%s", "%s"));
    }
}
