//! What is left of products, quotients, sums and differences with constants becomes `affine`, several of them one (networks only).
//!
//! Runs last: linear layers have taken what they can.

use crate::graph::{Constant, Graph, Node, ValueId};
use crate::ops::{Add, Affine, Div, Mul, Op, Sub};

pub(super) fn run(graph: &mut Graph) {
    if !graph.is_network() {
        return;
    }
    for id in graph.order() {
        if let Some((x, own)) = alone(graph, id) {
            let (x, whole) = after(graph, x, own);
            let [gamma, beta] = [("gamma", &whole.gamma), ("beta", &whole.beta)].map(|(what, row)| {
                let name = format!("{}.{what}", graph.node(id).name);
                (name, Constant::f32(row.shape.clone(), &row.numbers.iter().map(|&it| it as f32).collect::<Vec<f32>>()))
            });
            if [&gamma.1, &beta.1].iter().all(|row| row.to_f32().iter().all(|number| number.is_finite())) {
                let (gamma, beta) = (graph.constant(&gamma.0, gamma.1), graph.constant(&beta.0, beta.1));
                graph.replace(id, Node::new(Affine, [x, gamma, beta]));
            }
        }
    }
}

/// Constants of a shape, in the precision in which they are put together.
#[derive(Clone)]
struct Row {
    shape: Vec<usize>,
    numbers: Vec<f64>,
}

/// `x · gamma + beta`.
struct Own {
    gamma: Row,
    beta: Row,
}

impl Row {
    fn of(graph: &Graph, id: ValueId) -> Option<Row> {
        let constant = graph.as_const(id)?;
        let numbers = constant.to_f32().into_iter().map(f64::from).collect();
        Some(Row { shape: constant.shape().to_vec(), numbers })
    }

    fn number(number: f64) -> Row {
        Row { shape: vec![], numbers: vec![number] }
    }

    fn map(mut self, of: impl Fn(f64) -> f64) -> Row {
        self.numbers.iter_mut().for_each(|number| *number = of(*number));
        self
    }

    /// Both broadcast together, number by number; they are rows of one value.
    fn with(&self, other: &Row, of: impl Fn(f64, f64) -> f64) -> Row {
        let rank = self.shape.len().max(other.shape.len());
        let size =
            |row: &Row, axis: usize| (axis + row.shape.len()).checked_sub(rank).map_or(1, |axis| row.shape[axis]);
        let shape: Vec<usize> = (0..rank).map(|axis| size(self, axis).max(size(other, axis))).collect();
        let at = |row: &Row, mut flat: usize| {
            let (mut place, mut stride) = (0, 1);
            for axis in (0..rank).rev() {
                let own = size(row, axis);
                place += if own == 1 { 0 } else { flat % shape[axis] * stride };
                stride *= own;
                flat /= shape[axis];
            }
            row.numbers[place]
        };
        let numbers = (0..shape.iter().product()).map(|flat| of(at(self, flat), at(other, flat))).collect();
        Row { shape, numbers }
    }
}

/// What one node is, if it is that of a value and constants.
fn alone(graph: &Graph, id: ValueId) -> Option<(ValueId, Own)> {
    let node = graph.node(id);
    let number = Row::number;
    let (x, own) = match (&node.op, &node.inputs[..]) {
        (Op::Neg(_), &[x]) => (x, Own { gamma: number(-1.0), beta: number(0.0) }),
        (Op::Sub(_), &[by, x]) if graph.is_const(by) => (x, Own { gamma: number(-1.0), beta: Row::of(graph, by)? }),
        (op, &[x, by]) => {
            let row = Row::of(graph, by)?;
            let own = match op {
                op if *op == Op::from(Mul) => Own { gamma: row, beta: number(0.0) },
                op if *op == Op::from(Div) => Own { gamma: row.map(|by| 1.0 / by), beta: number(0.0) },
                op if *op == Op::from(Add) => Own { gamma: number(1.0), beta: row },
                op if *op == Op::from(Sub) => Own { gamma: number(1.0), beta: row.map(|by| -by) },
                _ => return None,
            };
            (x, own)
        }
        _ => return None,
    };
    // Constants that would repeat the value are none of its rows'.
    (!graph.is_const(x) && graph.ty(x) == graph.ty(id)).then_some((x, own))
}

/// What a value and then `own` are together, where the value is one of these that nothing else reads.
fn after(graph: &Graph, x: ValueId, own: Own) -> (ValueId, Own) {
    let before = graph
        .sole_use(x, Affine)
        .and_then(|node| Some((node.inputs[0], Row::of(graph, node.inputs[1])?, Row::of(graph, node.inputs[2])?)));
    let Some((source, gamma, beta)) = before else { return (x, own) };
    let shifted = beta.with(&own.gamma, |beta, gamma| beta * gamma).with(&own.beta, |a, b| a + b);
    (source, Own { gamma: gamma.with(&own.gamma, |a, b| a * b), beta: shifted })
}

#[cfg(test)]
mod tests {
    use crate::passes::testing::{parse, same_values, untouched};

    const X: &str = r#"
        %x = input{of=numbers, with=candidates, column=0, count=6}() "x"
        %r = reshape{shape=[candidates, 3, 2]}(%x)
        %g = constant "g" f32[3, 1]
        %b = constant "b" f32[2]"#;

    fn ops(text: &str) -> Vec<String> {
        let before = parse(text);
        let mut graph = before.clone();
        super::run(&mut graph);
        graph.remove_dead();
        graph.verify().expect("a graph");
        same_values(&before, &graph, text);
        graph.nodes().map(|(_, node)| node.op.name().to_owned()).filter(|name| name != "constant").collect()
    }

    #[test]
    fn constants_one_after_the_other_are_one_row() {
        let text = format!(
            "{X}\n%m = mul(%r, %g)\n%a = add(%m, %b)\n%n = neg(%a)\n%s = sub(%b, %n)\n%y = div(%s, %b)\noutput %y"
        );
        assert_eq!(ops(&text), ["input", "reshape", "affine"]);
    }

    #[test]
    fn what_others_read_stays_a_value() {
        let text = format!("{X}\n%m = mul(%r, %g)\n%a = add(%m, %b)\n%y = mul(%a, %m)\noutput %y");
        assert_eq!(ops(&text), ["input", "reshape", "affine", "affine", "mul"]);
    }

    #[test]
    fn constants_that_repeat_a_value_are_left() {
        untouched(
            "affine",
            r#"
            %x = input{of=numbers, with=candidates, column=0, count=1}() "x"
            %r = reshape{shape=[candidates, 1]}(%x)
            %b = constant "b" f32[2]
            %y = mul(%r, %b)
            output %y"#,
        );
    }
}
