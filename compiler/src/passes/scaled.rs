//! A linear layer's product that is scaled or shifted by constants, as by batch normalization after training, is a layer with other weights
//! (networks only).
//!
//! Runs before `dense`, after `canonicalize`: a constant operand stands second, and constant weights are `[n, k]`.

use crate::graph::{Constant, Graph, Node, ValueId};
use crate::ops::{Add, MatMul, Mul, Op};

pub(super) fn run(graph: &mut Graph) {
    if !graph.is_network() {
        return;
    }
    for id in graph.order() {
        let node = graph.node(id);
        let &[x, by] = &node.inputs[..] else { continue };
        let made = if node.op == Op::from(Mul) {
            scaled(graph, x, by)
        } else if node.op == Op::from(Add) {
            shifted(graph, x, by).or_else(|| spread(graph, x, by))
        } else {
            None
        };
        if let Some(node) = made {
            graph.replace(id, node);
        }
    }
}

/// A product with constant weights that nothing else reads: what is multiplied, and the weights.
fn product(graph: &Graph, id: ValueId) -> Option<(ValueId, ValueId)> {
    let node = graph.sole_use(id, MatMul { transpose_b: true })?;
    let &[x, weights] = &node.inputs[..] else { return None };
    (graph.is_const(weights) && graph.ty(weights).rank() == 2).then_some((x, weights))
}

/// The same with a constant bias that was added.
fn biased(graph: &Graph, id: ValueId) -> Option<(ValueId, ValueId)> {
    let &[layer, bias] = &graph.sole_use(id, Add)?.inputs[..] else { return None };
    (product(graph, layer).is_some() && graph.is_const(bias)).then_some((layer, bias))
}

/// A number for each of `n` channels.
fn channels(graph: &Graph, id: ValueId, n: usize) -> Option<Vec<f32>> {
    let constant = graph.as_const(id)?;
    match (constant.shape(), constant.elements()) {
        ([] | [1], 1) => Some(vec![constant.to_f32()[0]; n]),
        ([own], _) if *own == n => Some(constant.to_f32()),
        _ => None,
    }
}

fn name(graph: &Graph, id: ValueId, what: &str) -> String {
    format!("{}.{what}", graph.node(id).name)
}

fn scaled(graph: &mut Graph, layer: ValueId, by: ValueId) -> Option<Node> {
    let (bare, bias) = match biased(graph, layer) {
        Some((bare, bias)) => (bare, Some(bias)),
        None => (layer, None),
    };
    let (x, weights) = product(graph, bare)?;
    let [n, k] = graph.as_const(weights)?.shape().try_into().ok()?;
    let factors = channels(graph, by, n)?;
    let shift = bias.map(|bias| channels(graph, bias, n)).map_or(Some(None), |shift| shift.map(Some))?;
    let rows = graph.as_const(weights)?.to_f32();
    let rows: Vec<f32> = rows
        .chunks_exact(k)
        .zip(&factors)
        .flat_map(|(row, factor)| row.iter().map(move |weight| weight * factor))
        .collect();
    let label = name(graph, weights, "scaled");
    let weights = graph.constant(&label, Constant::f32([n, k], &rows));
    let Some(bias) = shift else { return Some(Node::new(MatMul { transpose_b: true }, [x, weights])) };
    let bias: Vec<f32> = bias.iter().zip(&factors).map(|(bias, factor)| bias * factor).collect();
    let label = name(graph, layer, "bias.scaled");
    let bias = graph.constant(&label, Constant::f32([n], &bias));
    let layer = name(graph, layer, "scaled");
    let layer = graph.add(MatMul { transpose_b: true }, &[x, weights], layer).ok()?;
    Some(Node::new(Add, [layer, bias]))
}

/// A bias of one number for all channels as one for each, which is how a layer takes it in.
fn spread(graph: &mut Graph, layer: ValueId, by: ValueId) -> Option<Node> {
    let (_, weights) = product(graph, layer)?;
    let n = graph.as_const(weights)?.shape()[0];
    // What has more axes would give the value more as well.
    if graph.as_const(by)?.shape() == [n] || graph.ty(by).rank() > 1 {
        return None;
    }
    let bias = channels(graph, by, n)?;
    let label = name(graph, layer, "bias");
    let bias = graph.constant(&label, Constant::f32([n], &bias));
    Some(Node::new(Add, [layer, bias]))
}

fn shifted(graph: &mut Graph, layer: ValueId, by: ValueId) -> Option<Node> {
    let (bare, bias) = biased(graph, layer)?;
    let (_, weights) = product(graph, bare)?;
    let n = graph.as_const(weights)?.shape()[0];
    let (bias, by) = (channels(graph, bias, n)?, channels(graph, by, n)?);
    let sum: Vec<f32> = bias.iter().zip(&by).map(|(bias, by)| bias + by).collect();
    let label = name(graph, layer, "bias.shifted");
    let sum = graph.constant(&label, Constant::f32([n], &sum));
    Some(Node::new(Add, [bare, sum]))
}

#[cfg(test)]
mod tests {
    use crate::passes::testing::{check, parse, same_values, untouched};

    const X: &str = r#"
        %x = input{of=numbers, with=candidates, column=0, count=3}() "x"
        %w = constant "w" f32[4, 3]
        %m = matmul{transpose_b=true}(%x, %w)
        %g = constant "g" f32[4]
        %b = constant "b" f32[4]"#;

    #[test]
    fn a_normalized_layer_is_one_product_and_one_bias() {
        let text =
            format!("{X}\n%n = constant \"n\" f32[4]\n%a = add(%m, %b)\n%s = mul(%a, %g)\n%y = add(%s, %n)\noutput %y");
        let before = parse(&text);
        let mut graph = before.clone();
        super::run(&mut graph);
        graph.remove_dead();
        graph.verify().expect("a graph");
        same_values(&before, &graph, "scaled");
        let ops: Vec<&str> = graph.nodes().map(|(_, node)| node.op.name()).filter(|name| *name != "constant").collect();
        assert_eq!(ops, ["input", "matmul", "add"]);
    }

    #[test]
    fn what_others_read_and_texts_are_left() {
        untouched("scaled", &format!("{X}\n%s = mul(%m, %g)\n%y = add(%s, %m)\noutput %y"));
        let text = X.replace(
            "%x = input{of=numbers, with=candidates, column=0, count=3}() \"x\"",
            "%t = constant \"t\" f32[9, 3]\n%i = input{of=token_ids}() \"i\"\n%x = gather(%t, %i)",
        );
        untouched("scaled", &format!("{text}\n%s = mul(%m, %g)\noutput %s"));
        check("scaled", &format!("{X}\n%y = relu(%m)\noutput %y"), &format!("{X}\n%y = relu(%m)\noutput %y"));
    }
}
