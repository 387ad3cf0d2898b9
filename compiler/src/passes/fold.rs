//! What depends on constants alone becomes a constant, computed by the reference, where that gives the same bits on every machine: the
//! constant is part of the pack.

use crate::graph::{Constant, Elem, Graph, Node};
use crate::ops::Text;
use candle_core::{DType, Tensor};

pub(super) fn run(graph: &mut Graph) {
    for id in graph.order() {
        let node = graph.node(id);
        let fixed = graph.ty(id).shape.iter().all(|dim| dim.fixed().is_some());
        let known = !node.inputs.is_empty() && node.inputs.iter().all(|&input| graph.is_const(input));
        if !fixed || !known || !node.op.is_exact() || graph.ty(id).elem != Elem::F32 {
            continue;
        }
        if let Some(constant) = evaluate(graph, node) {
            let name = if node.name.is_empty() { "folded".to_owned() } else { node.name.clone() };
            let new = graph.constant(&name, constant);
            graph.replace_uses(id, new);
        }
    }
}

/// The node's value; none if it cannot be computed, which the reference will say when the graph runs.
fn evaluate(graph: &Graph, node: &Node) -> Option<Constant> {
    let text = Text::NONE;
    let inputs =
        node.inputs.iter().map(|&input| graph.node(input).op.eval(&[], text)).collect::<Result<Vec<Tensor>, _>>();
    let value = node.op.eval(&inputs.ok()?, text).ok().filter(|value| value.dtype() == DType::F32)?;
    let numbers = value.flatten_all().and_then(|value| value.to_vec1()).ok()?;
    Some(Constant::f32(value.dims(), &numbers))
}

#[cfg(test)]
mod tests {
    use crate::graph::{Constant, Graph};
    use crate::passes::testing::untouched;

    #[test]
    fn constants_are_computed() {
        let text = r#"
            %a = constant "a" f32[2]
            %b = constant "b" f32[] = 0.5
            %c = mul(%a, %b) "c"
            %d = add(%c, %a) "d"
            output %d"#;
        let mut graph = Graph::parse(text, &|_, _, _| Some(Constant::f32([2], &[1.0, -6.0]))).unwrap();
        super::run(&mut graph);
        graph.remove_dead();
        assert_eq!(graph.to_string(), "%0 = constant \"d\" f32[2]\noutput %0\n");
        assert_eq!(graph.as_const(graph.outputs()[0]).unwrap().to_f32(), [1.5, -9.0]);
    }

    #[test]
    fn what_rounds_as_the_machine_does_stays() {
        for op in [
            "matmul(%a, %a)",
            "softmax(%a)",
            "reduce_sum{axis=0}(%a)",
            "exp(%a)",
            "gelu(%a)",
            "layer_norm{epsilon=1e-5}(%a, %b, %b)",
        ] {
            untouched(
                "fold",
                &format!("%a = constant \"a\" f32[4, 4]\n%b = constant \"b\" f32[4]\n%c = {op}\noutput %c"),
            );
        }
    }

    #[test]
    fn what_depends_on_the_text_stays() {
        untouched(
            "fold",
            r#"
            %a = constant "a" f32[8, 4]
            %b = relative_bias{max_distance=16}(%a)
            %c = token_count()
            %d = mul(%b, %c)
            output %d"#,
        );
    }
}
