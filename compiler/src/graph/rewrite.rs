//! Changing a graph: a node for a node, uses of values, and the removal of what nothing reads.

use super::{Graph, Node, ValueId};
use crate::ops::Op;
use std::sync::OnceLock;

impl Graph {
    /// Offers each live node, in order of evaluation, to `offer`, and puts the node that it returns in its place.
    ///
    /// A replacement without a name keeps that of the node it replaces. What is no longer read stays until
    /// [`remove_dead`](Graph::remove_dead), and does not count as a use.
    ///
    /// # Panics
    ///
    /// If a replacement has another type than the node it replaces: that is a mistake of the pass.
    pub fn rewrite(&mut self, offer: impl Fn(&Graph, &Node) -> Option<Node>) {
        for id in self.order() {
            if self.uses(id) == 0 {
                continue;
            }
            if let Some(node) = offer(self, self.node(id)) {
                self.replace(id, node);
            }
        }
    }

    /// Puts a node in the place of another, whose value it computes from now on.
    ///
    /// # Panics
    ///
    /// If it has another type.
    pub fn replace(&mut self, id: ValueId, mut node: Node) {
        let at = id.0 as usize;
        if node.name.is_empty() {
            node.name.clone_from(&self.nodes[at].name);
        }
        let ty = self.infer(&node).unwrap_or_else(|error| panic!("a pass offers a node that is wrong: {error}"));
        assert_eq!(ty, self.types[at], "`{}` replaces a node of another type at `{}`", node.op.name(), node.name);
        self.nodes[at] = node;
        self.uses = OnceLock::new();
    }

    /// Lets all that reads `old` read `new` instead.
    ///
    /// # Panics
    ///
    /// If the types differ.
    pub fn replace_uses(&mut self, old: ValueId, new: ValueId) {
        assert_eq!(self.ty(old), self.ty(new), "{old} and {new} are of one type");
        let inputs = self.nodes.iter_mut().flat_map(|node| &mut node.inputs).chain(&mut self.outputs);
        inputs.filter(|input| **input == old).for_each(|input| *input = new);
        self.uses = OnceLock::new();
    }

    /// How many times live nodes and outputs read the value.
    pub fn uses(&self, id: ValueId) -> usize {
        let uses = self.uses.get_or_init(|| {
            let mut uses = vec![0; self.nodes.len()];
            let read = self.order().into_iter().flat_map(|id| &self.node(id).inputs).chain(&self.outputs);
            read.for_each(|input| uses[input.0 as usize] += 1);
            uses
        });
        uses[id.0 as usize] as usize
    }

    /// The live nodes that read the value, in order of evaluation, each once.
    pub fn users(&self, id: ValueId) -> Vec<ValueId> {
        self.order().into_iter().filter(|&user| self.node(user).inputs.contains(&id)).collect()
    }

    /// The node that computes the value, if nothing else reads it than the one who asks.
    pub fn sole(&self, id: ValueId) -> Option<&Node> {
        (self.uses(id) == 1).then(|| self.node(id))
    }

    /// The node that computes the value, if it is of that operator and nothing else reads it than the one who asks.
    pub fn sole_use(&self, id: ValueId, op: impl Into<Op>) -> Option<&Node> {
        let op = op.into();
        self.sole(id).filter(|node| node.op == op)
    }

    /// The live values in an order of evaluation: each after those that it is computed from. The same for the same graph.
    ///
    /// # Panics
    ///
    /// If a value is computed from itself; [`verify`](Graph::verify) finds that as an error.
    pub fn order(&self) -> Vec<ValueId> {
        self.try_order().expect("a verified graph has no cycle")
    }

    /// The order, or the value that is computed from itself.
    pub(super) fn try_order(&self) -> Result<Vec<ValueId>, ValueId> {
        #[derive(Clone, Copy, PartialEq)]
        enum Mark {
            New,
            Open,
            Done,
        }
        let mut marks = vec![Mark::New; self.nodes.len()];
        let mut order = Vec::with_capacity(self.nodes.len());
        for &output in &self.outputs {
            let mut stack = vec![(output, 0)];
            while let Some((id, next)) = stack.pop() {
                let at = id.0 as usize;
                if next == 0 {
                    match marks[at] {
                        Mark::New => marks[at] = Mark::Open,
                        Mark::Open => return Err(id),
                        Mark::Done => continue,
                    }
                }
                if let Some(&input) = self.nodes[at].inputs.get(next) {
                    stack.push((id, next + 1));
                    stack.push((input, 0));
                } else {
                    marks[at] = Mark::Done;
                    order.push(id);
                }
            }
        }
        Ok(order)
    }

    /// Drops the nodes that no output needs and numbers the rest in order of evaluation.
    pub fn remove_dead(&mut self) {
        let order = self.order();
        let mut new_ids = vec![ValueId(u32::MAX); self.nodes.len()];
        for (at, id) in order.iter().enumerate() {
            new_ids[id.0 as usize] = ValueId(at as u32);
        }
        let mut graph = Graph::new();
        for id in order {
            let mut node = self.node(id).clone();
            node.inputs.iter_mut().for_each(|input| *input = new_ids[input.0 as usize]);
            if let Op::Constant(_) = node.op {
                graph.constants.insert(node.name.clone(), new_ids[id.0 as usize]);
            }
            graph.push(node, self.ty(id).clone());
        }
        graph.outputs = self.outputs.iter().map(|output| new_ids[output.0 as usize]).collect();
        *self = graph;
    }
}
