//! A traced recommender as a graph: node by node, in the primitives that passes know.

use super::axes::Form;
use super::columns::Columns;
use super::masks::{Mask, MaskedPlaces};
use super::ports::Ports;
use super::{Network, rules, wrong};
use crate::diagnostic::Diagnostic;
use crate::front::codes;
use crate::graph::{Dim, Graph, ValueId};
use crate::onnx::{Size, Source, Step, Trace, Traced};
use crate::ops::{Concat, Op, Reshape};
use modeldeploy_format::features::Takes;
use std::collections::{BTreeMap, HashMap};

/// What a value that follows from what is given is in the graph.
#[derive(Clone, Debug)]
pub(super) enum Lowered {
    /// A value of the graph, whose shape is its form's.
    Value(ValueId),
    /// Columns of inputs, not yet computed with.
    Columns(Columns),
    /// False everywhere: whether shares of softmax are NaN.
    Never,
    /// One of two numbers by an id.
    Mask(Mask),
    /// Rows of a table, by position, or the first for the padding.
    Places(MaskedPlaces),
}

/// A column of ids, and the id that they are compared with.
pub(super) type Compared = (usize, u32);

/// A graph in the making, of a trace.
pub(super) struct Importer<'a> {
    pub(super) graph: Graph,
    pub(super) trace: &'a Trace,
    pub(super) ports: &'a Ports,
    place: &'a str,
    lowered: HashMap<usize, Lowered>,
    /// The step that computes a value.
    makers: HashMap<usize, usize>,
    /// For each column of the inputs what is taken of it.
    pub(super) takes: Vec<Option<Takes>>,
    /// For each column of the inputs the fewest rows of the tables that it reads.
    pub(super) rows: Vec<Option<u64>>,
    /// Columns as numbers, by value.
    pub(super) numbers: HashMap<usize, ValueId>,
    /// The columns whose ids are compared, with what.
    pub(super) masked: Vec<Compared>,
}

impl<'a> Importer<'a> {
    pub(super) fn new(trace: &'a Trace, place: &'a str, ports: &'a Ports) -> Importer<'a> {
        let mut makers = HashMap::new();
        for (at, step) in trace.steps.iter().enumerate() {
            step.outputs.iter().flatten().for_each(|&value| _ = makers.insert(value, at));
        }
        let mut lowered = HashMap::new();
        for (name, value) in trace.inputs() {
            let port = ports.list.iter().find(|port| port.name == *name).expect("a port for each input");
            let columns = Columns::of(port.first, &trace.sizes(*value).unwrap_or_default());
            lowered.insert(*value, Lowered::Columns(columns));
        }
        let none = ports.columns();
        Importer {
            graph: Graph::new(),
            trace,
            ports,
            place,
            lowered,
            makers,
            takes: vec![None; none],
            rows: vec![None; none],
            numbers: HashMap::new(),
            masked: Vec::new(),
        }
    }

    /// Writes every node that the output needs. Gives the network, and the columns whose ids are compared, with what.
    pub(super) fn run(mut self) -> Result<(Network, Vec<Compared>), Vec<Diagnostic>> {
        let &[(ref name, output)] = self.trace.outputs() else {
            return Err(vec![wrong(
                self.place,
                format!("the model has {} outputs, where a ranker has one", self.trace.outputs().len()),
                "export the model with its scores as its only output",
            )]);
        };
        let mut errors = Vec::new();
        for at in self.needed(output) {
            let step = &self.trace.steps[at];
            let missing = |value: &usize| self.is_given(*value) && !self.lowered.contains_key(value);
            if rules::read(&self, step).iter().any(missing) {
                // What stands in the way has been told.
                continue;
            }
            match rules::lower(&mut self, step).and_then(|made| self.fits(step, made)) {
                Ok(made) => self.lowered.extend(made),
                Err(message) => errors.push(self.unknown(step, &message)),
            }
        }
        if !errors.is_empty() {
            return Err(errors);
        }
        let scores = match (self.trace.source(output), self.value(output)) {
            (Source::Candidates, Ok(id)) if self.graph.ty(id).rank() <= 2 => id,
            _ => {
                let message = format!(
                    "the output `{}` is no score, and no row of scores, of each candidate",
                    name.escape_debug()
                );
                return Err(vec![wrong(self.place, message, "export the model with its scores as its only output")]);
            }
        };
        self.graph.set_outputs([scores]);
        let columns = self.numbered();
        self.graph.remove_dead();
        self.graph.verify()?;
        Ok((Network { graph: self.graph, columns }, self.masked))
    }

    fn unknown(&self, step: &Step, message: &str) -> Diagnostic {
        Diagnostic::new(
            codes::UNKNOWN_NETWORK,
            format!("operator `{}` of opset {}: {message}", step.operator, step.opset),
        )
        .at(format!("{}, node `{}`", self.place, step.name.escape_debug()))
        .help("`cargo modeldeploy explain MD0116` says which recommenders are compiled")
    }

    /// The steps on the way to a value that follow from what is given, in order.
    fn needed(&self, output: usize) -> Vec<usize> {
        let mut found = BTreeMap::new();
        let mut ahead = vec![output];
        while let Some(value) = ahead.pop() {
            let Some(&at) = self.makers.get(&value) else { continue };
            if self.is_given(value) && found.insert(at, ()).is_none() {
                ahead.extend(rules::read(self, &self.trace.steps[at]));
            }
        }
        found.into_keys().collect()
    }

    fn is_given(&self, value: usize) -> bool {
        matches!(self.trace.value(value), Some(Traced::Text(..)))
    }

    /// That each value of the graph has the form that the file's has.
    fn fits(&self, step: &Step, made: Vec<Lowered>) -> Result<Vec<(usize, Lowered)>, String> {
        let outputs: Vec<Option<usize>> = step.outputs.clone();
        let mut fitting = Vec::new();
        for (value, made) in outputs.into_iter().zip(made) {
            let Some(value) = value else { continue };
            let form = self.form(value)?;
            if let Lowered::Value(id) = made
                && self.graph.ty(id).shape != form.dims
            {
                return Err(format!("its value is {} here, and {:?} in the file", self.graph.ty(id), form.dims));
            }
            fitting.push((value, made));
        }
        Ok(fitting)
    }

    /// The step that computes a value.
    pub(super) fn maker(&self, value: usize) -> Option<&'a Step> {
        self.makers.get(&value).map(|&at| &self.trace.steps[at])
    }

    /// Takes a value for something else, and gives what it was.
    pub(super) fn replace(&mut self, value: usize, with: Lowered) -> Option<Lowered> {
        self.numbers.remove(&value);
        self.lowered.insert(value, with)
    }

    /// A value as it is so far.
    pub(super) fn lowered(&self, value: usize) -> Option<&Lowered> {
        self.lowered.get(&value)
    }

    pub(super) fn add(&mut self, op: impl Into<Op>, inputs: &[ValueId], name: &str) -> Result<ValueId, String> {
        self.graph.add(op, inputs, name).map_err(|error| error.message)
    }

    /// A value in another shape; itself where it has it.
    pub(super) fn reshaped(&mut self, id: ValueId, shape: &[Dim], name: &str) -> Result<ValueId, String> {
        let node = self.graph.node(id);
        // What has had another shape before has it still.
        let id = if let Op::Reshape(_) = node.op { node.inputs[0] } else { id };
        if self.graph.ty(id).shape == shape {
            return Ok(id);
        }
        self.add(Reshape { shape: shape.to_vec() }, &[id], name)
    }

    /// A value that is computed with: columns become numbers.
    pub(super) fn value(&mut self, value: usize) -> Result<ValueId, String> {
        match self.lowered.get(&value) {
            Some(Lowered::Value(id)) => return Ok(*id),
            Some(Lowered::Columns(_)) => {}
            Some(Lowered::Mask(mask)) => return self.mask_value(*mask, value),
            _ => return Err("it computes with what is no number here".to_owned()),
        }
        self.given_numbers(value)
    }

    /// Values `[rows?, …]` side by side along an axis after the rows'.
    pub(super) fn joined(&mut self, parts: &[ValueId], axis: usize, name: &str) -> Result<ValueId, String> {
        if let [only] = parts {
            return Ok(*only);
        }
        let rows = parts.iter().any(|&part| self.graph.ty(part).rows().is_some());
        self.add(Concat { axis: axis + usize::from(rows) }, parts, name)
    }

    /// An operand of a value of these sizes and that form, in a shape that broadcasts to it.
    pub(super) fn operand(&mut self, value: usize, sizes: &[Size], form: &Form) -> Result<ValueId, String> {
        if self.trace.source(value) == Source::Lengths {
            return self.known_operand(value, sizes, form);
        }
        let id = self.value(value)?;
        let (own, own_sizes) = (self.form(value)?, self.sizes(value)?);
        let skipped = sizes.len().checked_sub(own_sizes.len()).ok_or("it has more axes than what it makes")?;
        let mut next = 0;
        let mut dims: Vec<Dim> = Vec::with_capacity(form.dims.len());
        for axis in 0..form.dims.len() {
            let mine = match form.from(axis) {
                Some(at) => at.checked_sub(skipped).and_then(|at| own.places[at]),
                // An axis that is not in the file: that of a single candidate, or of a single head.
                None => (own.from(0).is_none() && own.dims.first() == form.dims.first() && axis == 0).then_some(0),
            };
            match mine {
                Some(at) if at == next => {
                    dims.push(own.dims[at]);
                    next += 1;
                }
                Some(_) => return Err("its operands have their axes in different orders".to_owned()),
                None => dims.push(Dim::Fixed(1)),
            }
        }
        if next != own.dims.len() {
            return Err("an axis of an operand is not one of its value".to_owned());
        }
        let ones = dims.iter().take_while(|dim| **dim == Dim::Fixed(1)).count();
        // A head of one is an axis of scores, not one that is broadcast.
        let from = ones.min(dims.len().saturating_sub(own.dims.len()));
        self.reshaped(id, &dims[from..], "broadcast")
    }
}

/// A shape of rows, if there are some, and fixed sizes.
pub(super) fn flat(rows: Option<Dim>, sizes: &[usize]) -> Vec<Dim> {
    rows.into_iter().chain(sizes.iter().map(|&size| Dim::Fixed(size))).collect()
}
