//! A linear layer over what is the user's beside what is a candidate's becomes two, of which the user's is computed once (networks only).
//!
//! Runs after `dense` and `bag`.

use crate::graph::{Constant, Dim, Graph, Node, ValueId};
use crate::ops::{Activate, Activation, Add, Concat, Dense, DenseInputs, Op, Reshape};

/// With fewer columns of the user, a sum for each candidate costs as much as it saves.
const LEAST: usize = 8;

pub(super) fn run(graph: &mut Graph) {
    if !graph.is_network() {
        return;
    }
    for id in graph.order() {
        if let Some(node) = split(graph, id) {
            graph.replace(id, node);
        }
    }
}

fn split(graph: &mut Graph, id: ValueId) -> Option<Node> {
    let node = graph.node(id);
    let Op::Dense(dense) = node.op else { return None };
    let DenseInputs { x, weights, bias, residual } = dense.parts(&node.inputs);
    if graph.ty(x).rows() != Some(Dim::Candidates) || graph.ty(x).rank() != 2 {
        return None;
    }
    let constant = graph.as_const(weights)?;
    let [n, k] = constant.shape().try_into().ok()?;
    let mut leaves = Vec::new();
    gather(graph, x, &mut leaves);
    let width = |graph: &Graph, id: ValueId| {
        graph.ty(id).row().iter().try_fold(1_usize, |width, dim| width.checked_mul(dim.fixed()?))
    };
    // Of each leaf where its columns begin, and how many they are.
    let mut at = 0;
    let mut places = Vec::new();
    for &leaf in &leaves {
        let own = width(graph, leaf)?;
        places.push((leaf, at, own));
        at += own;
    }
    let (users, others): (Vec<_>, Vec<_>) = places.into_iter().partition(|(leaf, ..)| graph.ty(*leaf).rows().is_none());
    let columns: usize = users.iter().map(|(.., own)| own).sum();
    if at != k || columns < LEAST || others.is_empty() {
        return None;
    }
    let (name, label, numbers) = (node.name.clone(), graph.node(weights).name.clone(), constant.to_f32());
    let mut part = |leaves: &[(ValueId, usize, usize)], what: &str| {
        let rows = numbers.chunks_exact(k).flat_map(|row| leaves.iter().flat_map(|&(_, at, own)| &row[at..at + own]));
        let rows: Vec<f32> = rows.copied().collect();
        let weights = graph.constant(&format!("{label}.{what}"), Constant::f32([n, rows.len() / n], &rows));
        Some((beside(graph, leaves, &name)?, weights))
    };
    let (user, of_user) = part(&users, "user")?;
    let (other, of_other) = part(&others, "candidate")?;
    let layer = |x, weights, bias| Dense::node(Activation::Identity, DenseInputs { x, weights, bias, residual: None });
    let user = layer(user, of_user, bias);
    let user = graph.add(user.op, &user.inputs, format!("{name}.user")).ok()?;
    let other = layer(other, of_other, None);
    let other = graph.add(other.op, &other.inputs, format!("{name}.candidate")).ok()?;
    if dense.activation == Activation::Identity && residual.is_none() {
        return Some(Node::new(Add, [other, user]));
    }
    let mut sum = graph.add(Add, &[other, user], name.clone()).ok()?;
    if dense.activation != Activation::Identity {
        let activate = Activate { activation: dense.activation };
        let Some(residual) = residual else { return Some(Node::new(activate, [sum])) };
        sum = graph.add(activate, &[sum], name).ok()?;
        return Some(Node::new(Add, [sum, residual]));
    }
    residual.map(|residual| Node::new(Add, [sum, residual]))
}

/// The values whose rows one after the other are the row of a value.
fn gather(graph: &Graph, id: ValueId, leaves: &mut Vec<ValueId>) {
    let node = graph.node(id);
    let skipped = usize::from(graph.ty(id).rows().is_some());
    match node.op {
        Op::Reshape(_) if graph.ty(node.inputs[0]).rows() == graph.ty(id).rows() => {
            gather(graph, node.inputs[0], leaves)
        }
        Op::Concat(Concat { axis }) if axis == skipped => {
            node.inputs.iter().for_each(|&input| gather(graph, input, leaves))
        }
        _ => leaves.push(id),
    }
}

/// Rows side by side.
fn beside(graph: &mut Graph, leaves: &[(ValueId, usize, usize)], name: &str) -> Option<ValueId> {
    let mut flat = Vec::new();
    for &(leaf, _, own) in leaves {
        let rows = graph.ty(leaf).rows();
        let shape: Vec<Dim> = rows.into_iter().chain([Dim::Fixed(own)]).collect();
        let same = graph.ty(leaf).shape == shape;
        flat.push(if same { leaf } else { graph.add(Reshape { shape }, &[leaf], name).ok()? });
    }
    match flat[..] {
        [only] => Some(only),
        _ => {
            let axis = graph.ty(flat[0]).rank() - 1;
            graph.add(Concat { axis }, &flat, name).ok()
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::passes::testing::{check, untouched};

    fn primitives(columns: usize, activation: &str) -> String {
        let k = columns + 2;
        format!(
            r#"
            %u = input{{of=numbers, with=user, column=0, count={columns}}}() "u"
            %c = input{{of=numbers, with=candidates, column=0, count=2}}() "c"
            %x = concat{{axis=1}}(%u, %c)
            %w = constant "w" f32[3, {k}]
            %b = constant "b" f32[3]
            %y = dense{{activation={activation}, bias=true}}(%x, %w, %b) "y"
            output %y"#
        )
    }

    #[test]
    fn the_users_share_is_a_layer_of_its_own() {
        let before = crate::passes::testing::parse(&primitives(8, "relu"));
        let mut graph = before.clone();
        super::run(&mut graph);
        graph.remove_dead();
        graph.verify().expect("a graph");
        crate::passes::testing::same_values(&before, &graph, "split");
        let text = graph.to_string();
        assert!(text.contains("\"y.user\" : f32[3]") && text.contains("activate{activation=relu}"), "{text}");
    }

    #[test]
    fn few_columns_of_the_user_stay() {
        untouched("split", &primitives(7, "relu"));
        check("split", &primitives(2, "identity"), &primitives(2, "identity"));
    }
}
