//! `x · ½ · (1 + erf(x/√2))` becomes `gelu`, and `x · ½ · (1 + tanh(√(2/π)·(x + 0.044715·x³)))` becomes `gelu{tanh=true}`.
//!
//! The three factors may stand in any order. Runs after `canonicalize`, so that constants stand second.

use super::{close, is_number, pair, scaled};
use crate::graph::{Graph, Node, ValueId};
use crate::ops::{Add, Erf, Gelu, Mul, Op, Tanh};
use std::f32::consts::{FRAC_1_SQRT_2, FRAC_2_PI};

pub(super) fn run(graph: &mut Graph) {
    graph.rewrite(|graph, node| {
        if node.op != Op::from(Mul) {
            return None;
        }
        let [x, gate] = halved(graph, node)?;
        [(x, gate), (gate, x)].into_iter().find_map(|(x, gate)| {
            let [inner, one] = pair(graph, gate, Add)?;
            let inner = graph.sole(inner).filter(|_| is_number(graph, one, 1.0))?;
            let argument = *inner.inputs.first()?;
            let tanh = inner.op == Op::from(Tanh);
            let fits = if tanh { is_cubic(graph, argument, x) } else { is_erf(graph, inner, x) };
            fits.then(|| Node::new(Gelu { tanh }, [x]))
        })
    });
}

/// The two factors of a product with a half.
fn halved(graph: &Graph, node: &Node) -> Option<[ValueId; 2]> {
    let &[a, b] = &node.inputs[..] else { return None };
    if is_number(graph, b, 0.5) {
        return pair(graph, a, Mul);
    }
    let half = |id: ValueId| {
        let (x, number) = scaled(graph, graph.sole(id)?)?;
        (number == 0.5).then_some(x)
    };
    half(a).map(|a| [a, b]).or_else(|| half(b).map(|b| [a, b]))
}

fn is_erf(graph: &Graph, erf: &Node, x: ValueId) -> bool {
    let argument = || scaled(graph, graph.sole(*erf.inputs.first()?)?);
    erf.op == Op::from(Erf) && argument().is_some_and(|(of, factor)| of == x && close(factor, FRAC_1_SQRT_2))
}

/// Whether the value is `√(2/π)·(x + 0.044715·x³)`.
fn is_cubic(graph: &Graph, argument: ValueId, x: ValueId) -> bool {
    let matches = || {
        let (sum, root) = scaled(graph, graph.sole(argument)?)?;
        let [a, b] = pair(graph, sum, Add)?;
        let cube = if a == x { b } else { a };
        let (cube, factor) = scaled(graph, graph.sole(cube)?)?;
        let [square, last] = pair(graph, cube, Mul)?;
        let (square, last) = if last == x { (square, last) } else { (last, square) };
        let fits = (a == x || b == x) && last == x && pair(graph, square, Mul)? == [x, x];
        Some(fits && close(factor, 0.044_715) && close(root, FRAC_2_PI.sqrt()))
    };
    matches().unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use crate::passes::testing::{check, untouched};

    const X: &str = r#"
        %t = constant "t" f32[9, 4]
        %i = input{of=token_ids}() "token_ids"
        %x = gather(%t, %i)"#;
    const END: &str = r#"
        %one = constant "one" f32[] = 1.0
        %s = add(%e, %one)
        %p = mul(%x, %s)
        %h = constant "h" f32[] = 0.5
        %y = mul(%p, %h)
        output %y"#;

    fn erf(root: &str) -> String {
        format!("{X}\n%r = constant \"r\" f32[] = {root}\n%d = div(%x, %r)\n%e = erf(%d){END}")
    }

    fn tanh(of: &str) -> String {
        let cubic = r#"
        %f = constant "f" f32[] = 0.044715
        %u = mul(%c, %f)
        %v = add(%x, %u)
        %r = constant "r" f32[] = 0.7978846
        %w = mul(%v, %r)
        %e = tanh(%w)"#;
        format!("{X}\n%q = mul(%x, %x)\n%c = mul(%q, {of}){cubic}{END}")
    }

    #[test]
    fn both_forms_become_one_node() {
        check("gelu", &erf("1.4142135"), &format!("{X}\n%y = gelu(%x)\noutput %y"));
        check("gelu", &tanh("%x"), &format!("{X}\n%y = gelu{{tanh=true}}(%x)\noutput %y"));
    }

    #[test]
    fn the_half_may_stand_with_x() {
        let text = r#"
        %r = constant "r" f32[] = 0.70710677
        %d = mul(%x, %r)
        %e = erf(%d)
        %one = constant "one" f32[] = 1.0
        %s = add(%e, %one)
        %h = constant "h" f32[] = 0.5
        %p = mul(%x, %h)
        %y = mul(%p, %s)
        output %y"#;
        check("gelu", &format!("{X}{text}"), &format!("{X}\n%y = gelu(%x)\noutput %y"));
    }

    #[test]
    fn another_root_or_power_is_no_gelu() {
        untouched("gelu", &erf("1.5"));
        untouched("gelu", &tanh("%q"));
    }
}
