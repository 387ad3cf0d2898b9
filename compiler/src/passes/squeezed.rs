//! What follows a layer of one output without its axis goes before the axis is dropped, so that the layer can take it in (networks only).

use crate::graph::{Dim, Graph, Node};
use crate::ops::{Add, Mul, Op, Reshape};

pub(super) fn run(graph: &mut Graph) {
    if !graph.is_network() {
        return;
    }
    for id in graph.order() {
        let node = graph.node(id);
        let alone = match node.op {
            Op::Relu(_) | Op::Tanh(_) | Op::Sigmoid(_) | Op::Gelu(_) | Op::Activate(_) => node.inputs.len() == 1,
            _ => {
                let of_number = node.op == Op::from(Add) || node.op == Op::from(Mul);
                of_number
                    && node.inputs.get(1).is_some_and(|&by| graph.as_scalar(by).is_some() && graph.ty(by).rank() == 0)
            }
        };
        if !alone || graph.uses(id) == 0 {
            continue;
        }
        let (op, mut inputs, name) = (node.op.clone(), node.inputs.clone(), node.name.clone());
        let Some(Node { op: Op::Reshape(_), inputs: before, .. }) = graph.sole(inputs[0]) else { continue };
        let (layer, shape) = (before[0], graph.ty(id).shape.clone());
        let made = matches!(graph.node(layer).op, Op::MatMul(_) | Op::Add(_) | Op::Mul(_) | Op::Relu(_));
        if !made || graph.ty(layer).shape != [&shape[..], &[Dim::Fixed(1)]].concat() {
            continue;
        }
        inputs[0] = layer;
        let whole = graph.add(op, &inputs, name).expect("a function of numbers takes any shape");
        graph.replace(id, Node::new(Reshape { shape }, [whole]));
    }
}

#[cfg(test)]
mod tests {
    use crate::passes::testing::{check, untouched};

    const X: &str = r#"
        %x = input{of=numbers, with=candidates, column=0, count=3}() "x"
        %w = constant "w" f32[1, 3]
        %m = matmul{transpose_b=true}(%x, %w)
        %b = constant "b" f32[] = 0.5"#;

    #[test]
    fn a_bias_and_a_function_go_before_the_axis_is_dropped() {
        check(
            "squeezed",
            &format!("{X}\n%r = reshape{{shape=[candidates]}}(%m)\n%a = add(%r, %b)\n%y = sigmoid(%a)\noutput %y"),
            &format!("{X}\n%a = add(%m, %b)\n%s = sigmoid(%a)\n%y = reshape{{shape=[candidates]}}(%s)\noutput %y"),
        );
    }

    #[test]
    fn a_sum_of_two_values_stays() {
        untouched("squeezed", &format!("{X}\n%r = reshape{{shape=[candidates]}}(%m)\n%y = add(%r, %r)\noutput %y"));
    }
}
