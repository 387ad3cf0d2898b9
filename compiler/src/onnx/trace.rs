//! What a model computes for texts of several lengths: which of its values follow from the length alone, and what shapes the others have.
//!
//! Exporters write much that is known once the length of a text is: masks of texts without padding, positions, shapes. The model is computed
//! for two short texts in whole, from which the shapes of all values follow, and for the longest in what follows from the length alone. What
//! comes out the same every time is a constant. Of a ranker the number of candidates varies as well, and what follows from a candidate is
//! told from what follows from the user and the session alone.

use super::attributes::Attributes;
use super::budget::Budget;
use super::model::{Body, Model, Node, ValueId};
use super::ops::{Eval, zeros};
use super::run::Values;
use super::tensor::Tensor;
use super::{Data, Elem, codes};
use crate::diagnostic::Diagnostic;
use std::collections::BTreeMap;
use std::sync::Arc;

/// How long a text is, or a session, and how many candidates there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lengths {
    /// Tokens, or items.
    pub tokens: usize,
    /// Candidates.
    pub candidates: usize,
}

/// The short lengths: no size of a model is likely to be both, nor a short sum or multiple of one kind those of the other.
const SHORT: [Lengths; 2] = [Lengths { tokens: 5, candidates: 13 }, Lengths { tokens: 7, candidates: 29 }];

/// How many lengths there are.
const LENGTHS: usize = 3;

/// The size of an axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Size {
    /// The same for every text.
    Fixed(usize),
    /// As many as the text has tokens, or the session items.
    Tokens,
    /// As many as there are candidates.
    Candidates,
}

/// What a value follows from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Source {
    /// The lengths alone.
    Lengths,
    /// The text's tokens; the session or the user.
    Text,
    /// Candidates.
    Candidates,
}

/// A value.
#[derive(Clone, Debug)]
pub enum Traced {
    /// It follows from the length alone: its numbers for each length.
    Known([Arc<Tensor>; LENGTHS]),
    /// It follows from what is given.
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
    /// Whether it has an attribute of that name.
    pub fn has(&self, name: &str) -> bool {
        self.attributes.names().any(|own| own == name)
    }

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

/// An input by its name, for such lengths, and what it follows from.
pub type Inputs<'a> = dyn Fn(&str, Lengths) -> Option<(Tensor, Source)> + 'a;

/// A model as it was computed.
#[derive(Debug)]
pub struct Trace {
    /// The nodes, in order; those of branches that were taken among them.
    pub steps: Vec<Step>,
    values: Vec<Option<Traced>>,
    sources: Vec<Source>,
    names: Vec<String>,
    inputs: Vec<(String, usize)>,
    outputs: Vec<(String, usize)>,
    tokens: [usize; 2],
    /// The axes of values that were said to be others than their sizes tell.
    said: BTreeMap<usize, Vec<Size>>,
}

impl Trace {
    /// Computes `model` for two short lengths and for `longest`. `input` gives an input by name for a length, and what it follows from.
    ///
    /// # Errors
    ///
    /// `MD1706` for a node that cannot be computed, or whose shape follows the length in another way than being it; `MD1707` as
    /// [`Model::run`].
    pub fn of(model: &Model, longest: Lengths, input: &Inputs<'_>) -> Result<Trace, Vec<Diagnostic>> {
        Trace::of_lengths(model, [SHORT[0], SHORT[1], longest], input)
    }

    /// As [`of`](Trace::of), of a model that knows one number of tokens alone. Which axes are theirs its sizes do not tell:
    /// [`say`](Trace::say) does.
    ///
    /// # Errors
    ///
    /// As there.
    pub fn of_fixed(model: &Model, longest: Lengths, input: &Inputs<'_>) -> Result<Trace, Vec<Diagnostic>> {
        let [first, second] = SHORT.map(|short| Lengths { tokens: longest.tokens, ..short });
        Trace::of_lengths(model, [first, second, longest], input)
    }

    fn of_lengths(model: &Model, lengths: [Lengths; LENGTHS], input: &Inputs<'_>) -> Result<Trace, Vec<Diagnostic>> {
        let mut runs = Vec::new();
        for length in lengths {
            let given: Vec<(&str, Tensor)> = model
                .inputs()
                .iter()
                .filter_map(|port| Some((port.name.as_str(), input(&port.name, length)?.0)))
                .collect();
            runs.push(model.begin(&given)?);
        }
        let mut sources = vec![Source::Lengths; model.names.len()];
        for port in &model.body.inputs {
            if let Some((_, source)) = input(&port.name, SHORT[0]) {
                sources[port.value.0 as usize] = source;
            }
        }
        let mut tracer = Tracer {
            model,
            lengths,
            runs: runs.try_into().expect("one run a length"),
            sources,
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
            sources: tracer.sources,
            names: model.names.clone(),
            inputs: ports(&model.body.inputs),
            outputs: ports(&model.body.outputs),
            tokens: [lengths[0].tokens, lengths[1].tokens],
            said: BTreeMap::new(),
        })
    }

    /// Says what the axes of a value are.
    pub fn say(&mut self, at: usize, sizes: Vec<Size>) {
        self.said.insert(at, sizes);
    }

    /// The numbers of tokens of the two texts that were computed in whole.
    pub fn tokens(&self) -> [usize; 2] {
        self.tokens
    }

    /// A value by its number; none where no node of the trace computed it.
    pub fn value(&self, at: usize) -> Option<&Traced> {
        self.values[at].as_ref()
    }

    /// What a value follows from.
    pub fn source(&self, at: usize) -> Source {
        self.sources[at]
    }

    /// The shape of a value; none where no node computed it, or its shape follows the lengths in another way than being one.
    pub fn sizes(&self, at: usize) -> Option<Vec<Size>> {
        if let Some(said) = self.said.get(&at) {
            return Some(said.clone());
        }
        match self.value(at)? {
            Traced::Text(_, sizes) => Some(sizes.clone()),
            Traced::Known([first, second, _]) => sizes(first.shape(), second.shape()).ok(),
        }
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
    lengths: [Lengths; LENGTHS],
    runs: [Values; LENGTHS],
    /// What each value follows from.
    sources: Vec<Source>,
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
            if run == SHORT.len() && self.sources[at] != Source::Lengths {
                return self.hollow(at).map(Some).map_err(|message| self.wrong(&node.name, message));
            }
            self.model.given(node, *id, &self.runs[run])
        };
        node.inputs.iter().map(input).collect()
    }

    fn node(&mut self, node: &Node) -> Result<(), Diagnostic> {
        let read = node.inputs.iter().flatten().map(|id| self.sources[id.0 as usize]).max().unwrap_or(Source::Lengths);
        if matches!(node.operator.eval, Eval::Branch) {
            return self.branch(node, read != Source::Lengths);
        }
        // The size of a value follows from the length, whatever its numbers are; and so does what is taken of numbers that are all one.
        let is_known = matches!(node.operator.name, "Shape" | "Size")
            || (read != Source::Lengths && self.takes_of_one_number(node));
        let source = if is_known { Source::Lengths } else { read };
        // A long text is not computed: its shapes can be told from those of the short ones.
        for run in 0..if source == Source::Lengths { LENGTHS } else { SHORT.len() } {
            let made = self.model.node(node, &self.inputs(node, run)?, &self.budget)?;
            for (id, tensor) in node.outputs.iter().zip(made) {
                if let Some(id) = id {
                    self.runs[run][id.0 as usize] = Some(tensor);
                    self.sources[id.0 as usize] = source;
                }
            }
        }
        self.steps.push(step(node, node.operator.name, &node.inputs, &node.outputs));
        Ok(())
    }

    /// Whether a node takes some of what is one number everywhere, so that it matters not which: the types of all tokens, as exporters
    /// of RoBERTa take them by position.
    fn takes_of_one_number(&self, node: &Node) -> bool {
        let Some(from) = node.inputs.first().copied().flatten().map(|id| id.0 as usize) else { return false };
        let one = |run: &Values| {
            let affordable = |tensor: &Tensor| self.budget.work(&[tensor.len()]).is_ok();
            run[from].as_ref().is_some_and(|tensor| affordable(tensor) && is_one_number(tensor))
        };
        matches!(node.operator.name, "Gather" | "GatherElements" | "GatherND")
            && self.sources[from] == Source::Lengths
            && self.runs.iter().all(one)
    }

    /// A tensor of the shape that a value has for the longest text.
    fn hollow(&self, at: usize) -> Result<Arc<Tensor>, String> {
        let longest = self.lengths[LENGTHS - 1];
        let size = |size: Size| match size {
            Size::Fixed(size) => size,
            Size::Tokens => longest.tokens,
            Size::Candidates => longest.candidates,
        };
        let shape: Vec<usize> = self.sizes(at)?.into_iter().map(size).collect();
        let elem = self.runs[0][at].as_ref().map_or(Elem::F32, |tensor| tensor.elem());
        let count = super::tensor::count(&shape)?;
        Tensor::new(shape, zeros(elem, count)).map(Arc::new)
    }

    /// The shape of a value, from those for the two short texts.
    fn sizes(&self, at: usize) -> Result<Vec<Size>, String> {
        let shape = |run: usize| self.runs[run][at].as_ref().map_or(&[][..], |tensor| tensor.shape());
        sizes(shape(0), shape(1))
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
            self.sources[id.0 as usize] = self.sources[from];
            self.steps.push(step(node, "Identity", &[Some(port.value)], &[Some(*id)]));
        }
        Ok(())
    }

    fn value(&self, at: usize) -> Result<Option<Traced>, Diagnostic> {
        let Some(first) = &self.runs[0][at] else { return Ok(None) };
        if self.sources[at] != Source::Lengths {
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

/// Whether a tensor is of whole numbers, one and the same.
fn is_one_number(tensor: &Tensor) -> bool {
    fn alike<T: PartialEq>(values: &[T]) -> bool {
        values.split_first().is_some_and(|(first, rest)| rest.iter().all(|value| value == first))
    }
    match tensor.data() {
        Data::I64(values) => alike(values),
        Data::I32(values) => alike(values),
        _ => false,
    }
}

/// A shape from those for the two short lengths.
fn sizes(first: &[usize], second: &[usize]) -> Result<Vec<Size>, String> {
    let size = |(&a, &b): (&usize, &usize)| match (a, b) {
        (a, b) if (a, b) == (SHORT[0].tokens, SHORT[1].tokens) => Ok(Size::Tokens),
        (a, b) if (a, b) == (SHORT[0].candidates, SHORT[1].candidates) => Ok(Size::Candidates),
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
