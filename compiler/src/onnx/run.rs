//! The interpreter: node by node, each value kept to the end.

use super::budget::{Bounds, Budget};
use super::codes;
use super::model::{Body, Dimension, Model, Node, Port, ValueId};
use super::ops::{Call, Eval};
use super::read::shown;
use super::tensor::Tensor;
use crate::diagnostic::Diagnostic;
use std::collections::HashMap;
use std::sync::Arc;

/// The values that are known so far.
pub(super) type Values = Vec<Option<Arc<Tensor>>>;

impl Model {
    /// What the model gives for these inputs, in the order of [`Model::outputs`].
    ///
    /// # Errors
    ///
    /// `MD1707` for each input that is missing, unknown, or not what the model takes; `MD1706` for the first node that cannot be computed.
    pub fn run(&self, inputs: &[(&str, Tensor)]) -> Result<Vec<Arc<Tensor>>, Vec<Diagnostic>> {
        self.budgeted(inputs, &Budget::whole())
    }

    /// As [`run`](Model::run), under other bounds than those of every run.
    ///
    /// # Errors
    ///
    /// As there; `MD1706` also for the node that is too much.
    pub fn run_within(&self, inputs: &[(&str, Tensor)], bounds: Bounds) -> Result<Vec<Arc<Tensor>>, Vec<Diagnostic>> {
        self.budgeted(inputs, &Budget::of(bounds))
    }

    fn budgeted(&self, inputs: &[(&str, Tensor)], budget: &Budget) -> Result<Vec<Arc<Tensor>>, Vec<Diagnostic>> {
        let mut values = self.begin(inputs)?;
        self.walk(&self.body, &mut values, budget).map_err(|error| vec![error])
    }

    /// The inputs, each in its place.
    pub(super) fn begin(&self, inputs: &[(&str, Tensor)]) -> Result<Values, Vec<Diagnostic>> {
        let mut errors = Vec::new();
        let mut sizes = HashMap::new();
        let mut values: Values = vec![None; self.names.len()];
        let mut wrong = |message: String| {
            let takes = self.body.inputs.iter().map(|port| format!("`{}`", port.name)).collect::<Vec<_>>().join(", ");
            errors.push(
                Diagnostic::new(codes::WRONG_INPUT, message).at(&self.place).help(format!("the model takes {takes}")),
            );
        };
        for (name, tensor) in inputs {
            let Some(port) = self.body.inputs.iter().find(|port| port.name == *name) else {
                wrong(format!("there is no input `{name}`"));
                continue;
            };
            match fits(port, tensor, &mut sizes) {
                Ok(()) => values[port.value.0 as usize] = Some(Arc::new(tensor.clone())),
                Err(message) => wrong(format!("the input `{name}` {message}")),
            }
        }
        for port in &self.body.inputs {
            if !inputs.iter().any(|(name, _)| *name == port.name) {
                wrong(format!("the input `{}` is missing", port.name));
            }
        }
        if errors.is_empty() { Ok(values) } else { Err(errors) }
    }

    pub(super) fn walk(
        &self,
        body: &Body,
        values: &mut Values,
        budget: &Budget,
    ) -> Result<Vec<Arc<Tensor>>, Diagnostic> {
        for (id, tensor) in &body.constants {
            values[id.0 as usize] = Some(Arc::clone(tensor));
        }
        for node in &body.nodes {
            let inputs = node.inputs.iter().map(|id| self.given(node, *id, values)).collect::<Result<Vec<_>, _>>()?;
            let made = match node.operator.eval {
                Eval::Branch => {
                    let body = self.branch(node, &inputs)?;
                    self.walk(&body, values, budget)?
                }
                _ => self.node(node, &inputs, budget)?,
            };
            for (id, tensor) in node.outputs.iter().zip(made) {
                if let Some(ValueId(at)) = id {
                    values[*at as usize] = Some(tensor);
                }
            }
        }
        let outputs = body.outputs.iter().map(|port| {
            values[port.value.0 as usize].clone().ok_or_else(|| {
                Diagnostic::new(codes::CANNOT_COMPUTE, format!("nothing gave the output `{}`", port.name))
                    .at(&self.place)
            })
        });
        outputs.collect()
    }

    /// The value of a node's input; none where it is left out.
    pub(super) fn given(
        &self,
        node: &Node,
        id: Option<ValueId>,
        values: &Values,
    ) -> Result<Option<Arc<Tensor>>, Diagnostic> {
        let Some(ValueId(at)) = id else { return Ok(None) };
        let value = values[at as usize].clone();
        let none = || self.failed(node, &[], &format!("nothing gave its input `{}`", shown(&self.names[at as usize])));
        value.map(Some).ok_or_else(none)
    }

    pub(super) fn node(
        &self,
        node: &Node,
        inputs: &[Option<Arc<Tensor>>],
        budget: &Budget,
    ) -> Result<Vec<Arc<Tensor>>, Diagnostic> {
        let outputs = node.outputs.len();
        let call = Call { attributes: &node.attributes, opset: node.opset, outputs, inputs, budget };
        let made = node.operator.compute(&call).and_then(|made| {
            budget.numbers(made.iter().map(Tensor::len).sum())?;
            Ok(made)
        });
        let made = made.map_err(|message| self.failed(node, inputs, &message))?;
        if node.outputs.iter().skip(made.len()).any(Option::is_some) {
            return Err(self.failed(node, inputs, &format!("it gives {} outputs, and more are named", made.len())));
        }
        Ok(made.into_iter().map(Arc::new).collect())
    }

    /// The branch of `If` that its condition chooses.
    pub(super) fn branch(&self, node: &Node, inputs: &[Option<Arc<Tensor>>]) -> Result<Arc<Body>, Diagnostic> {
        let condition =
            inputs.first().and_then(Option::as_ref).and_then(|condition| condition.of::<bool>().ok()?.first().copied());
        let condition = condition.ok_or_else(|| self.failed(node, inputs, "the condition is not true or false"))?;
        let name = if condition { "then_branch" } else { "else_branch" };
        let body = node.attributes.body(name).ok().flatten().cloned();
        body.ok_or_else(|| self.failed(node, inputs, &format!("it has no `{name}`")))
    }

    fn failed(&self, node: &Node, inputs: &[Option<Arc<Tensor>>], message: &str) -> Diagnostic {
        let types: Vec<String> =
            inputs.iter().map(|input| input.as_ref().map_or("-".to_owned(), |input| input.to_string())).collect();
        let message = format!("`{}({})`: {message}", node.operator.name, types.join(", "));
        Diagnostic::new(codes::CANNOT_COMPUTE, message)
            .at(format!("{}, node `{}`", self.place, node.name))
            .help("the model's shapes contradict one another, or an input is out of range")
    }
}

/// Whether a tensor is what an input takes.
fn fits(port: &Port, tensor: &Tensor, sizes: &mut HashMap<String, usize>) -> Result<(), String> {
    if port.elem.is_some_and(|elem| elem != tensor.elem()) {
        return Err(format!("is of {}, not {}", port.elem.map_or("", |elem| elem.name()), tensor.elem()));
    }
    let Some(shape) = &port.shape else { return Ok(()) };
    let shown = || shape.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let alike = shape.len() == tensor.rank()
        && shape.iter().zip(tensor.shape()).all(|(dim, &size)| match dim {
            Dimension::Fixed(fixed) => *fixed == size,
            Dimension::Named(name) => *sizes.entry(name.clone()).or_insert(size) == size,
            Dimension::Any => true,
        });
    if alike { Ok(()) } else { Err(format!("has the shape {:?}, and [{}] is taken", tensor.shape(), shown())) }
}
