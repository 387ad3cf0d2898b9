//! What a model computes for texts of several lengths: which of its values follow from the length alone, and what shapes the others have.
//!
//! Exporters write much that is known once the length of a text is: masks of texts without padding, positions, shapes. The model is computed
//! for two short texts in whole, from which the shapes of all values follow, and for the longest in what follows from the length alone. What
//! comes out the same every time is a constant.

use super::attributes::Attributes;
use super::budget::Budget;
use super::model::{Body, Model, Node, ValueId};
use super::ops::{Eval, zeros};
use super::run::Values;
use super::tensor::Tensor;
use super::{Elem, codes};
use crate::diagnostic::Diagnostic;
use std::sync::Arc;

/// The short lengths: no size of a model is likely to be both.
const SHORT: [usize; 2] = [5, 7];

/// How many lengths there are.
const LENGTHS: usize = 3;

/// The size of an axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Size {
    /// The same for every text.
    Fixed(usize),
    /// As many as the text has tokens.
    Tokens,
}

/// A value.
#[derive(Clone, Debug)]
pub enum Traced {
    /// It follows from the length alone: its numbers for each length.
    Known([Arc<Tensor>; LENGTHS]),
    /// It follows from the text's tokens.
    Text(Elem, Vec<Size>),
}

/// A node that was computed.
#[derive(Clone)]
pub struct Step {
    /// Its name, as errors have it.
    pub name: String,
    /// Its operator.
    pub operator: &'static str,
    /// The opset that says what the operator means.
    pub opset: i64,
    pub(super) attributes: Attributes,
    /// Its inputs, as numbers of values.
    pub inputs: Vec<Option<usize>>,
    /// Its outputs.
    pub outputs: Vec<Option<usize>>,
}

impl std::fmt::Debug for Step {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?} = {} {:?}", self.outputs, self.operator, self.inputs)
    }
}

impl Step {
    /// A whole number of its attributes.
    ///
    /// # Errors
    ///
    /// That the attribute is of another kind.
    pub fn int_or(&self, name: &str, default: i64) -> Result<i64, String> {
        self.attributes.int_or(name, default)
    }

    /// A number of its attributes.
    ///
    /// # Errors
    ///
    /// That the attribute is of another kind.
    pub fn float_or(&self, name: &str, default: f32) -> Result<f32, String> {
        self.attributes.float_or(name, default)
    }

    /// A list of whole numbers of its attributes.
    ///
    /// # Errors
    ///
    /// That the attribute is of another kind.
    pub fn ints(&self, name: &str) -> Result<Option<&[i64]>, String> {
        self.attributes.ints(name)
    }

    /// A text of its attributes.
    ///
    /// # Errors
    ///
    /// That the attribute is of another kind.
    pub fn text_or<'a>(&'a self, name: &str, default: &'a str) -> Result<&'a str, String> {
        self.attributes.text_or(name, default)
    }
}

/// An input by its name, for a text of so many tokens, and whether it is of the text's tokens or follows from the length.
pub type Inputs<'a> = dyn Fn(&str, usize) -> Option<(Tensor, bool)> + 'a;

/// A model as it was computed.
#[derive(Debug)]
pub struct Trace {
    /// The nodes, in order; those of branches that were taken among them.
    pub steps: Vec<Step>,
    values: Vec<Option<Traced>>,
    names: Vec<String>,
    inputs: Vec<(String, usize)>,
    outputs: Vec<(String, usize)>,
}

impl Trace {
    /// Computes `model` for texts of two short lengths and of `longest`. `input` gives an input by name for a length, and whether it is of the
    /// text's tokens or follows from the length.
    ///
    /// # Errors
    ///
    /// `MD1706` for a node that cannot be computed, or whose shape follows the length in another way than being it; `MD1707` as
    /// [`Model::run`].
    pub fn of(model: &Model, longest: usize, input: &Inputs<'_>) -> Result<Trace, Vec<Diagnostic>> {
        let lengths = [SHORT[0], SHORT[1], longest];
        let mut runs = Vec::new();
        for length in lengths {
            let given: Vec<(&str, Tensor)> = model
                .inputs()
                .iter()
                .filter_map(|port| Some((port.name.as_str(), input(&port.name, length)?.0)))
                .collect();
            runs.push(model.begin(&given)?);
        }
        let of_text = |value: ValueId| {
            let port = model.body.inputs.iter().find(|port| port.value == value)?;
            input(&port.name, SHORT[0]).map(|(_, of_text)| of_text)
        };
        let mut tracer = Tracer {
            model,
            lengths,
            runs: runs.try_into().expect("one run a length"),
            of_text: (0..model.names.len()).map(|at| of_text(ValueId(at as u32)) == Some(true)).collect(),
            steps: Vec::new(),
            budget: Budget::whole(),
        };
        tracer.body(&model.body).map_err(|error| vec![error])?;
        let mut values = Vec::with_capacity(model.names.len());
        for at in 0..model.names.len() {
            values.push(tracer.value(at).map_err(|error| vec![error])?);
        }
        let ports =
            |ports: &[super::Port]| ports.iter().map(|port| (port.name.clone(), port.value.0 as usize)).collect();
        Ok(Trace {
            steps: tracer.steps,
            values,
            names: model.names.clone(),
            inputs: ports(&model.body.inputs),
            outputs: ports(&model.body.outputs),
        })
    }

    /// A value by its number; none where no node of the trace computed it.
    pub fn value(&self, at: usize) -> Option<&Traced> {
        self.values[at].as_ref()
    }

    /// The name of a value in the file.
    pub fn name(&self, at: usize) -> &str {
        &self.names[at]
    }

    /// The model's inputs by name.
    pub fn inputs(&self) -> &[(String, usize)] {
        &self.inputs
    }

    /// The model's outputs by name.
    pub fn outputs(&self) -> &[(String, usize)] {
        &self.outputs
    }
}

struct Tracer<'a> {
    model: &'a Model,
    lengths: [usize; LENGTHS],
    runs: [Values; LENGTHS],
    /// Of each value, whether it follows from the text's tokens.
    of_text: Vec<bool>,
    steps: Vec<Step>,
    /// Of the three runs together.
    budget: Budget,
}

impl Tracer<'_> {
    fn body(&mut self, body: &Body) -> Result<(), Diagnostic> {
        for run in &mut self.runs {
            for (id, tensor) in &body.constants {
                run[id.0 as usize] = Some(Arc::clone(tensor));
            }
        }
        body.nodes.iter().try_for_each(|node| self.node(node))
    }

    /// The inputs of a node in one run. Of the longest text only shapes are known, of what follows from its tokens.
    fn inputs(&self, node: &Node, run: usize) -> Result<Vec<Option<Arc<Tensor>>>, Diagnostic> {
        let input = |id: &Option<ValueId>| {
            let Some(at) = id.map(|id| id.0 as usize) else { return Ok(None) };
            if run == SHORT.len() && self.of_text[at] {
                return self.hollow(at).map(Some).map_err(|message| self.wrong(&node.name, message));
            }
            self.model.given(node, *id, &self.runs[run])
        };
        node.inputs.iter().map(input).collect()
    }

    fn node(&mut self, node: &Node) -> Result<(), Diagnostic> {
        let reads_text = node.inputs.iter().flatten().any(|id| self.of_text[id.0 as usize]);
        if matches!(node.operator.eval, Eval::Branch) {
            return self.branch(node, reads_text);
        }
        // The size of a value follows from the length, whatever its numbers are.
        let of_text = reads_text && !matches!(node.operator.name, "Shape" | "Size");
        // A long text is not computed: its shapes can be told from those of the short ones.
        for run in 0..if of_text { SHORT.len() } else { LENGTHS } {
            let made = self.model.node(node, &self.inputs(node, run)?, &self.budget)?;
            for (id, tensor) in node.outputs.iter().zip(made) {
                if let Some(id) = id {
                    self.runs[run][id.0 as usize] = Some(tensor);
                    self.of_text[id.0 as usize] = of_text;
                }
            }
        }
        self.steps.push(step(node, node.operator.name, &node.inputs, &node.outputs));
        Ok(())
    }

    /// A tensor of the shape that a value has for the longest text.
    fn hollow(&self, at: usize) -> Result<Arc<Tensor>, String> {
        let longest = self.lengths[LENGTHS - 1];
        let size = |size: Size| if let Size::Fixed(size) = size { size } else { longest };
        let shape: Vec<usize> = self.sizes(at)?.into_iter().map(size).collect();
        let elem = self.runs[0][at].as_ref().map_or(Elem::F32, |tensor| tensor.elem());
        let count = super::tensor::count(&shape)?;
        Tensor::new(shape, zeros(elem, count)).map(Arc::new)
    }

    /// The shape of a value, from those for the two short texts.
    fn sizes(&self, at: usize) -> Result<Vec<Size>, String> {
        let shape = |run: usize| self.runs[run][at].as_ref().map_or(&[][..], |tensor| tensor.shape());
        let (first, second) = (shape(0), shape(1));
        let size = |(&a, &b): (&usize, &usize)| match (a, b) {
            (a, b) if (a, b) == (SHORT[0], SHORT[1]) => Ok(Size::Tokens),
            (a, b) if a == b => Ok(Size::Fixed(a)),
            _ => Err(format!(
                "its shape follows the length of a text in a way that is not supported: {first:?} and {second:?}"
            )),
        };
        if first.len() != second.len() {
            return Err("the number of its axes follows the length of a text".to_owned());
        }
        first.iter().zip(second).map(size).collect()
    }

    /// The branch that is taken for every text; its values are the node's.
    fn branch(&mut self, node: &Node, of_text: bool) -> Result<(), Diagnostic> {
        if of_text {
            return Err(self.wrong(&node.name, "which branch is taken follows from the text".to_owned()));
        }
        let bodies: Result<Vec<_>, _> =
            (0..LENGTHS).map(|run| self.model.branch(node, &self.inputs(node, run)?)).collect();
        let bodies = bodies?;
        if bodies[1..].iter().any(|body| !Arc::ptr_eq(body, &bodies[0])) {
            return Err(self.wrong(&node.name, "which branch is taken follows from the length of the text".to_owned()));
        }
        self.body(&bodies[0])?;
        for (port, id) in bodies[0].outputs.iter().zip(&node.outputs) {
            let Some(id) = id else { continue };
            let from = port.value.0 as usize;
            for run in &mut self.runs {
                run[id.0 as usize] = run[from].clone();
            }
            self.of_text[id.0 as usize] = self.of_text[from];
            self.steps.push(step(node, "Identity", &[Some(port.value)], &[Some(*id)]));
        }
        Ok(())
    }

    fn value(&self, at: usize) -> Result<Option<Traced>, Diagnostic> {
        let Some(first) = &self.runs[0][at] else { return Ok(None) };
        if self.of_text[at] {
            let sizes = self.sizes(at).map_err(|message| self.wrong(&self.model.names[at], message))?;
            return Ok(Some(Traced::Text(first.elem(), sizes)));
        }
        let of = |run: usize| Arc::clone(self.runs[run][at].as_ref().expect("a value of one run is one of all"));
        Ok(Some(Traced::Known([of(0), of(1), of(2)])))
    }

    fn wrong(&self, node: &str, message: String) -> Diagnostic {
        Diagnostic::new(codes::CANNOT_COMPUTE, message)
            .at(format!("{}, node `{node}`", self.model.place))
            .help("export the model with batch and length as its dynamic axes")
    }
}

fn step(node: &Node, operator: &'static str, inputs: &[Option<ValueId>], outputs: &[Option<ValueId>]) -> Step {
    let numbers = |ids: &[Option<ValueId>]| ids.iter().map(|id| id.map(|id| id.0 as usize)).collect();
    Step {
        name: node.name.clone(),
        operator,
        opset: node.opset,
        attributes: node.attributes.clone(),
        inputs: numbers(inputs),
        outputs: numbers(outputs),
    }
}
