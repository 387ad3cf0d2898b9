//! A model that was read: its nodes in an order in which they can be computed, names resolved, functions inlined.

use super::attributes::Attributes;
use super::elem::Elem;
use super::ops::Operator;
use super::tensor::Tensor;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

/// A value of a model; every name of every scope has its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct ValueId(pub(super) u32);

/// The size of an axis of an input or output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Dimension {
    /// So many.
    Fixed(usize),
    /// As many as what is given has; the same wherever the name stands.
    Named(String),
    /// As many as what is given has.
    Any,
}

impl fmt::Display for Dimension {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Dimension::Fixed(size) => write!(f, "{size}"),
            Dimension::Named(name) => f.write_str(name),
            Dimension::Any => f.write_str("?"),
        }
    }
}

/// An input or output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Port {
    /// Its name.
    pub name: String,
    /// Its kind of numbers, if the file says one.
    pub elem: Option<Elem>,
    /// Its axes, if the file says them.
    pub shape: Option<Vec<Dimension>>,
    pub(super) value: ValueId,
}

/// One application of an operator.
#[derive(Clone)]
pub(super) struct Node {
    /// Its name as errors have it: the file's, or its operator and place.
    pub(super) name: String,
    pub(super) operator: &'static Operator,
    pub(super) opset: i64,
    pub(super) attributes: Attributes,
    /// An input that is left out is `None`.
    pub(super) inputs: Vec<Option<ValueId>>,
    /// And so is an output.
    pub(super) outputs: Vec<Option<ValueId>>,
}

/// Nodes with what they begin from and what they give: a model's, or those of a branch.
#[derive(Clone, Default)]
pub(super) struct Body {
    pub(super) inputs: Vec<Port>,
    pub(super) constants: Vec<(ValueId, Arc<Tensor>)>,
    pub(super) nodes: Vec<Node>,
    pub(super) outputs: Vec<Port>,
}

/// A model.
#[derive(Clone)]
pub struct Model {
    /// The file, as errors name it.
    pub(super) place: String,
    pub(super) body: Body,
    /// The name of each value.
    pub(super) names: Vec<String>,
    pub(super) opset: i64,
    pub(super) metadata: BTreeMap<String, String>,
    pub(super) producer: String,
}

impl Model {
    /// What it takes.
    pub fn inputs(&self) -> &[Port] {
        &self.body.inputs
    }

    /// What it gives.
    pub fn outputs(&self) -> &[Port] {
        &self.body.outputs
    }

    /// The version of ONNX's own operators that it is written in.
    pub fn opset(&self) -> i64 {
        self.opset
    }

    /// What its maker says of it.
    pub fn metadata(&self) -> &BTreeMap<String, String> {
        &self.metadata
    }

    /// Takes the first axis of an input for a dynamic one of that name.
    pub(crate) fn name_first_axis(&mut self, input: &str, name: &str) {
        let port = self.body.inputs.iter_mut().find(|port| port.name == input);
        if let Some(first) = port.and_then(|port| port.shape.as_mut()?.first_mut()) {
            *first = Dimension::Named(name.to_owned());
        }
    }

    /// The program that wrote it, with its version.
    pub fn producer(&self) -> &str {
        &self.producer
    }

    /// The names of its operators, those of branches aside.
    pub fn operators(&self) -> BTreeSet<&'static str> {
        self.body.nodes.iter().map(|node| node.operator.name).collect()
    }

    /// How many nodes it has, those of branches aside.
    pub fn nodes(&self) -> usize {
        self.body.nodes.len()
    }
}

impl fmt::Debug for Model {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Model")
            .field("place", &self.place)
            .field("opset", &self.opset)
            .field("inputs", &self.body.inputs)
            .field("outputs", &self.body.outputs)
            .field("nodes", &self.body.nodes.len())
            .finish_non_exhaustive()
    }
}
