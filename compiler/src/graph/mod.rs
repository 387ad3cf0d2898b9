//! The graph of a model: what it computes for one text, as nodes with one value each.
//!
//! Values have shapes over [`Dim`]: fixed sizes, and the number of the text's tokens; of a ranker, those of the session's items and of
//! the candidates. What depends on the user alone has no axis of candidates, and so is computed once. Front ends build it from primitives,
//! passes rewrite it into fused operators, compression into quantized ones; the reference evaluates it at any of these stages.

mod constant;
mod parse;
mod rewrite;
mod text;
mod types;
mod verify;

pub use constant::{Bytes, Constant};
pub use parse::{Lookup, TEXT_ERROR};
pub(crate) use types::ShapeText;
pub use types::{Dim, Elem, Sizes, Type};

use crate::diagnostic::{Code, Diagnostic};
use crate::ops::{Input, Op};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::OnceLock;

/// A node's operator does not take inputs of these types.
pub const TYPE_ERROR: Code = Code("MD0401");
/// The graph as a whole is not well formed.
pub const GRAPH_ERROR: Code = Code("MD0402");

/// A value of the graph, which is the node that computes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ValueId(pub u32);

impl fmt::Display for ValueId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "%{}", self.0)
    }
}

/// One application of an operator.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// What it computes.
    pub op: Op,
    /// From what, in the operator's order.
    pub inputs: Vec<ValueId>,
    /// Where it came from: a module path of the checkpoint, such as `encoder.layer.0.attention.output`. For people; a constant's
    /// is its tensor's name, and unique among constants.
    pub name: String,
}

impl Node {
    /// A node without a name: the one that it replaces gives it its own.
    pub fn new(op: impl Into<Op>, inputs: impl Into<Vec<ValueId>>) -> Self {
        Self { op: op.into(), inputs: inputs.into(), name: String::new() }
    }
}

/// What a model computes for one text.
///
/// Node ids stay valid until [`remove_dead`](Graph::remove_dead), which numbers them anew. A node may stand before one that it
/// reads: [`order`](Graph::order) gives the order of evaluation.
#[derive(Clone, Debug, Default)]
pub struct Graph {
    nodes: Vec<Node>,
    types: Vec<Type>,
    outputs: Vec<ValueId>,
    /// The constants by name.
    constants: BTreeMap<String, ValueId>,
    /// How many times live nodes and outputs read each value; made when first asked for after a change.
    uses: OnceLock<Vec<u32>>,
}

impl Graph {
    /// A graph without nodes.
    pub fn new() -> Self {
        Self::default()
    }

    /// The value of an input of the model: the same one each time.
    pub fn input(&mut self, input: Input) -> ValueId {
        let op = Op::from(input);
        let found = self.nodes.iter().position(|node| node.op == op).map(|at| ValueId(at as u32));
        found.unwrap_or_else(|| self.push(Node { op, inputs: vec![], name: input.to_string() }, input.ty()))
    }

    /// A constant. The same name and data give the same value; other data under a name that is taken get the name
    /// `name#2`, and so on.
    pub fn constant(&mut self, name: &str, constant: Constant) -> ValueId {
        let mut unique = name.to_owned();
        for number in 2.. {
            let Some(&taken) = self.constants.get(&unique) else { break };
            if self.as_const(taken) == Some(&constant) {
                return taken;
            }
            unique = format!("{name}#{number}");
        }
        let ty = constant.ty();
        let id = self.push(Node { op: constant.into(), inputs: vec![], name: unique.clone() }, ty);
        self.constants.insert(unique, id);
        id
    }

    /// A constant number.
    pub fn scalar(&mut self, name: &str, value: f32) -> ValueId {
        self.constant(name, Constant::scalar(value))
    }

    /// Adds a node and infers its type. Inputs and constants that are there already are not made twice.
    ///
    /// # Errors
    ///
    /// `MD0401` if the operator does not take inputs of these types: it names the operator, the node and the shapes.
    pub fn add(
        &mut self,
        op: impl Into<Op>,
        inputs: &[ValueId],
        name: impl Into<String>,
    ) -> Result<ValueId, Diagnostic> {
        let node = Node { op: op.into(), inputs: inputs.to_vec(), name: name.into() };
        let ty = self.infer(&node)?;
        match node.op {
            Op::Input(input) => Ok(self.input(input)),
            Op::Constant(constant) => Ok(self.constant(&node.name, constant)),
            _ => Ok(self.push(node, ty)),
        }
    }

    fn push(&mut self, node: Node, ty: Type) -> ValueId {
        let id = ValueId(u32::try_from(self.nodes.len()).expect("a graph has under 2^32 nodes"));
        self.nodes.push(node);
        self.types.push(ty);
        self.uses = OnceLock::new();
        id
    }

    /// The type that a node would have in this graph.
    ///
    /// # Errors
    ///
    /// `MD0401`, as [`add`](Graph::add).
    pub fn infer(&self, node: &Node) -> Result<Type, Diagnostic> {
        let place = || format!("node `{}`", node.name);
        let types = node.inputs.iter().map(|&id| self.types.get(id.0 as usize).cloned()).collect::<Option<Vec<_>>>();
        let types = types.ok_or_else(|| {
            Diagnostic::new(GRAPH_ERROR, format!("`{}` reads a value that does not exist", node.op.name())).at(place())
        })?;
        node.op.infer(&types).map_err(|message| {
            let types = types.iter().map(Type::to_string).collect::<Vec<_>>().join(", ");
            Diagnostic::new(TYPE_ERROR, format!("`{}({types})`: {message}", node.op.name())).at(place())
        })
    }

    /// What the graph computes; a model has one output.
    pub fn outputs(&self) -> &[ValueId] {
        &self.outputs
    }

    /// Sets what the graph computes.
    pub fn set_outputs(&mut self, outputs: impl Into<Vec<ValueId>>) {
        self.outputs = outputs.into();
        self.uses = OnceLock::new();
    }

    /// How many nodes there are, dead ones included.
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Whether it is of a ranker's network, which is given numbers and ids in the place of a text.
    pub fn is_network(&self) -> bool {
        self.nodes.iter().any(|node| matches!(node.op, Op::Input(Input::Numbers { .. } | Input::Ids { .. })))
    }

    /// Whether there are no nodes.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// The node that computes a value.
    ///
    /// # Panics
    ///
    /// If the value is not of this graph.
    pub fn node(&self, id: ValueId) -> &Node {
        &self.nodes[id.0 as usize]
    }

    /// The type of a value.
    ///
    /// # Panics
    ///
    /// If the value is not of this graph.
    pub fn ty(&self, id: ValueId) -> &Type {
        &self.types[id.0 as usize]
    }

    /// All nodes with their ids, dead ones included, in the order in which they were added.
    pub fn nodes(&self) -> impl Iterator<Item = (ValueId, &Node)> {
        self.nodes.iter().enumerate().map(|(at, node)| (ValueId(at as u32), node))
    }

    /// The data of a constant.
    pub fn as_const(&self, id: ValueId) -> Option<&Constant> {
        match &self.node(id).op {
            Op::Constant(constant) => Some(constant),
            _ => None,
        }
    }

    /// Whether the value is a constant.
    pub fn is_const(&self, id: ValueId) -> bool {
        self.as_const(id).is_some()
    }

    /// The value of a constant with one f32 number, whatever its rank.
    pub fn as_scalar(&self, id: ValueId) -> Option<f32> {
        let constant = self.as_const(id)?;
        (constant.elements() == 1).then(|| constant.to_f32()[0])
    }
}
