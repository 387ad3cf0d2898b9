//! `activation(x · wᵀ + bias) + residual` with constant weights becomes `dense`, as much of it as there is.
//!
//! Runs after `canonicalize`, so that weights are `[n, k]` and a bias stands second, and after the passes that make activations.

use crate::graph::{Graph, Node, Type, ValueId};
use crate::ops::{Activation, Add, Dense, DenseInputs, MatMul, Op};

pub(super) fn run(graph: &mut Graph) {
    graph.rewrite(|graph, node| {
        product(graph, node)
            .or_else(|| bias(graph, node))
            .or_else(|| activation(graph, node))
            .or_else(|| residual(graph, node))
    });
}

fn product(graph: &Graph, node: &Node) -> Option<Node> {
    let &[x, weights] = &node.inputs[..] else { return None };
    let fits =
        node.op == Op::from(MatMul { transpose_b: true }) && graph.is_const(weights) && graph.ty(weights).rank() == 2;
    let inputs = DenseInputs { x, weights, bias: None, residual: None };
    fits.then(|| Dense::node(Activation::Identity, inputs))
}

/// A dense layer which nothing else reads and which has no residual, that is, one that can take more in.
fn open(graph: &Graph, id: ValueId) -> Option<(Dense, DenseInputs)> {
    let node = graph.sole(id)?;
    match node.op {
        Op::Dense(dense) if !dense.residual => Some((dense, dense.parts(&node.inputs))),
        _ => None,
    }
}

fn bias(graph: &Graph, add: &Node) -> Option<Node> {
    if add.op != Op::from(Add) {
        return None;
    }
    let (dense, inputs) = open(graph, add.inputs[0])?;
    let bias = add.inputs[1];
    let row = Type::f32([graph.ty(inputs.weights).shape[0]]);
    let fits =
        dense.activation == Activation::Identity && !dense.bias && graph.is_const(bias) && *graph.ty(bias) == row;
    fits.then(|| Dense::node(Activation::Identity, DenseInputs { bias: Some(bias), ..inputs }))
}

fn activation(graph: &Graph, node: &Node) -> Option<Node> {
    let activation = match &node.op {
        Op::Relu(_) => Activation::Relu,
        Op::Tanh(_) => Activation::Tanh,
        Op::Sigmoid(_) => Activation::Sigmoid,
        Op::Gelu(gelu) if gelu.tanh => Activation::GeluTanh,
        Op::Gelu(_) => Activation::Gelu,
        Op::Activate(activate) => activate.activation,
        _ => return None,
    };
    let (dense, inputs) = open(graph, node.inputs[0])?;
    (dense.activation == Activation::Identity).then(|| Dense::node(activation, inputs))
}

fn residual(graph: &Graph, add: &Node) -> Option<Node> {
    let &[a, b] = &add.inputs[..] else { return None };
    if add.op != Op::from(Add) || graph.ty(a) != graph.ty(b) {
        return None;
    }
    let take = |layer, other| {
        let (dense, inputs) = open(graph, layer)?;
        let fits = !graph.is_const(other);
        fits.then(|| Dense::node(dense.activation, DenseInputs { residual: Some(other), ..inputs }))
    };
    take(a, b).or_else(|| take(b, a))
}

#[cfg(test)]
mod tests {
    use crate::passes::testing::{check, untouched};

    const X: &str = r#"
        %t = constant "t" f32[9, 4]
        %i = input{of=token_ids}() "token_ids"
        %x = gather(%t, %i)
        %w = constant "w" f32[4, 4]"#;

    #[test]
    fn bias_activation_and_residual_join_in() {
        check(
            "dense",
            &format!(
                r#"{X}
                %m = matmul{{transpose_b=true}}(%x, %w) "layer"
                %b = constant "b" f32[4]
                %a = add(%m, %b) "layer"
                %g = gelu(%a) "act"
                %y = add(%g, %x) "sum"
                output %y"#
            ),
            &format!(
                r#"{X}
                %b = constant "b" f32[4]
                %y = dense{{activation=gelu, bias=true, residual=true}}(%x, %w, %b, %x) "sum"
                output %y"#
            ),
        );
    }

    #[test]
    fn a_residual_may_stand_first() {
        check(
            "dense",
            &format!("{X}\n%m = matmul{{transpose_b=true}}(%x, %w)\n%y = add(%x, %m)\noutput %y"),
            &format!("{X}\n%y = dense{{activation=identity, residual=true}}(%x, %w, %x)\noutput %y"),
        );
    }

    #[test]
    fn a_layer_that_two_read_stays_whole() {
        check(
            "dense",
            &format!("{X}\n%m = matmul{{transpose_b=true}}(%x, %w)\n%g = gelu(%m)\n%y = mul(%g, %m)\noutput %y"),
            &format!("{X}\n%m = dense{{activation=identity}}(%x, %w)\n%g = gelu(%m)\n%y = mul(%g, %m)\noutput %y"),
        );
    }

    #[test]
    fn a_product_of_two_values_is_no_layer() {
        untouched("dense", &format!("{X}\n%m = matmul{{transpose_b=true}}(%x, %x)\n%s = softmax(%m)\noutput %s"));
    }
}
