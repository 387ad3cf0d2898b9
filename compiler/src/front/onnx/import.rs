//! A traced ONNX model as a graph of one text: what follows from the length alone is folded away, the batch's axis is dropped, and what is
//! left is written in the primitives that the other front end writes, so that the same passes make the same plan of it.

use super::positions::{self, Places};
use super::relative;
use super::rules;
use crate::diagnostic::Diagnostic;
use crate::front::codes;
use crate::front::emitter::{Emitter, Value};
use crate::graph::{Constant, Dim, ValueId};
use crate::onnx::{Data, Size, Step, Tensor, Trace, Traced};
use crate::ops::{Gather, Input};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// What a value that follows from the text is in the graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lowered {
    /// A value of the graph, whose shape is that in the file without the batch.
    Value(ValueId),
    /// An input of the graph.
    Input(Input),
    /// False everywhere: whether shares of softmax are NaN.
    Never,
    /// Tokens on their way to positions.
    Places(Places),
}

/// A graph in the making, of a trace.
pub(super) struct Importer<'a> {
    pub(super) emit: Emitter,
    pub(super) trace: &'a Trace,
    place: &'a str,
    lowered: HashMap<usize, Lowered>,
    /// The step that computes a value, and those that read it.
    makers: HashMap<usize, usize>,
    readers: HashMap<usize, Vec<usize>>,
    /// What stands before the names of all tensors: that of a wrapper around the model.
    prefix: String,
    /// The table whose first row all tokens have, and whether that was left for the table of positions, and is in it.
    pub(super) types: Option<usize>,
    pub(super) types_are_left: bool,
    pub(super) types_are_added: bool,
    /// The biases of attention's scores, by their tables: all layers share one.
    pub(super) biases: HashMap<usize, Value>,
    errors: Vec<Diagnostic>,
}

const EXPLAINED: &str = "`cargo modeldeploy explain MD0115` says which models are compiled";

/// The tables by whose names the wrapper around an encoder is known.
const FIRST: &str = "embeddings.word_embeddings.weight";

impl<'a> Importer<'a> {
    /// An importer of `trace`, whose file errors name by `place`; `inputs` says what the inputs of the file are in the graph, and `encoder`
    /// what stands before the names of the encoder's tensors in a checkpoint with a head.
    pub(super) fn new(trace: &'a Trace, place: &'a str, inputs: &[(&str, Input)], encoder: &str) -> Importer<'a> {
        let mut makers = HashMap::new();
        let mut readers: HashMap<usize, Vec<usize>> = HashMap::new();
        for (at, step) in trace.steps.iter().enumerate() {
            step.outputs.iter().flatten().for_each(|&value| _ = makers.insert(value, at));
            step.inputs.iter().flatten().for_each(|&value| readers.entry(value).or_default().push(at));
        }
        let given = trace.inputs().iter().filter_map(|(name, value)| {
            let input = inputs.iter().find(|(known, _)| known == name)?.1;
            Some((*value, Lowered::Input(input)))
        });
        let names = trace.steps.iter().flat_map(|step| step.inputs.iter().flatten()).map(|&value| trace.name(value));
        let prefix = names.filter_map(|name| name.strip_suffix(FIRST)).next().unwrap_or_default();
        let prefix = prefix.strip_suffix(encoder).unwrap_or(prefix).to_owned();
        let mut importer = Importer {
            emit: Emitter::new(),
            trace,
            place,
            lowered: given.collect(),
            makers,
            readers,
            prefix,
            types: None,
            types_are_left: false,
            types_are_added: false,
            biases: HashMap::new(),
            errors: Vec::new(),
        };
        let added =
            trace.steps.iter().filter(|step| step.operator == "Add").flat_map(|step| step.inputs.iter().flatten());
        importer.types = added.copied().find_map(|value| positions::first_rows(&importer, value));
        importer
    }

    /// The step that computes a value.
    pub(super) fn maker(&self, value: usize) -> Option<&'a Step> {
        self.makers.get(&value).map(|&at| &self.trace.steps[at])
    }

    /// Writes every node that `output` needs.
    pub(super) fn run(mut self, output: usize) -> Result<(Emitter, ValueId), Vec<Diagnostic>> {
        for (at, value) in self.needed(output)? {
            let step = &self.trace.steps[at];
            if step.inputs.iter().flatten().any(|input| self.is_missing(*input)) {
                // What stands in the way has been told.
                continue;
            }
            match rules::lower(&mut self, step).and_then(|made| self.fits(value, made)) {
                Ok(made) => _ = self.lowered.insert(value, made),
                Err(message) => self.errors.push(self.unknown(step, &message)),
            }
        }
        if self.errors.is_empty() && self.types_are_left && !self.types_are_added {
            let message = "all tokens have one row of a table, and no table of positions could have it";
            self.errors.push(Diagnostic::new(codes::UNKNOWN_GRAPH, message).at(self.place).help(EXPLAINED));
        }
        if !self.errors.is_empty() {
            return Err(self.errors);
        }
        match self.lowered.get(&output) {
            Some(Lowered::Value(id)) => Ok((self.emit, *id)),
            _ => Err(vec![
                Diagnostic::new(codes::UNKNOWN_GRAPH, "the output does not follow from the text")
                    .at(self.place)
                    .help("export the encoder with its tokens as input"),
            ]),
        }
    }

    fn unknown(&self, step: &Step, message: &str) -> Diagnostic {
        Diagnostic::new(codes::UNKNOWN_GRAPH, format!("operator `{}`: {message}", step.operator))
            .at(format!("{}, node `{}`", self.place, step.name))
            .help(EXPLAINED)
    }

    /// The steps on the way to a value that follow from the text, in order, each with its first output: a graph's nodes have no other.
    fn needed(&self, output: usize) -> Result<BTreeMap<usize, usize>, Vec<Diagnostic>> {
        let mut found = BTreeMap::new();
        let mut errors = Vec::new();
        let mut ahead = vec![output];
        while let Some(value) = ahead.pop() {
            let Some(&at) = self.makers.get(&value) else { continue };
            let step = &self.trace.steps[at];
            if !self.is_text(value) {
                continue;
            }
            if step.outputs.first() != Some(&Some(value)) {
                let name = self.trace.name(value).escape_debug();
                errors
                    .push(self.unknown(step, &format!("its output `{name}` is not its first, and no other is known")));
            } else if found.insert(at, value).is_none() {
                ahead.extend(step.inputs.iter().flatten());
            }
        }
        if errors.is_empty() { Ok(found) } else { Err(errors) }
    }

    fn is_text(&self, value: usize) -> bool {
        matches!(self.trace.value(value), Some(Traced::Text(..)))
    }

    /// Whether a value follows from the text and has no form in the graph.
    fn is_missing(&self, value: usize) -> bool {
        self.is_text(value) && !self.lowered.contains_key(&value)
    }

    /// That a value of the graph has the shape that the file's has.
    fn fits(&self, value: usize, made: Lowered) -> Result<Lowered, String> {
        let Lowered::Value(id) = made else { return Ok(made) };
        let wanted = self.shape(value)?;
        let has = &self.emit.graph().ty(id).shape;
        if *has == wanted { Ok(made) } else { Err(format!("its value is {has:?} here, and {wanted:?} in the file")) }
    }

    /// The shape that a value of the text has without the batch.
    pub(super) fn shape(&self, value: usize) -> Result<Vec<Dim>, String> {
        let Some(Traced::Text(_, sizes)) = self.trace.value(value) else {
            return Err("it follows from the length alone".to_owned());
        };
        let dims = sizes.iter().map(|size| match size {
            Size::Fixed(size) => Dim::Fixed(*size),
            Size::Tokens => Dim::Tokens,
            Size::Candidates => Dim::Candidates,
        });
        Ok(dims.skip(usize::from(self.is_batched(value))).collect())
    }

    /// Whether the first axis of a value is the batch, which is of one text.
    pub(super) fn is_batched(&self, value: usize) -> bool {
        matches!(self.trace.value(value), Some(Traced::Text(_, sizes)) if sizes.len() > 1 && sizes[0] == Size::Fixed(1))
    }

    /// How many axes a value has in the file.
    pub(super) fn rank(&self, value: usize) -> usize {
        match self.trace.value(value) {
            Some(Traced::Text(_, sizes)) => sizes.len(),
            Some(Traced::Known(tensors)) => tensors[0].rank(),
            None => 0,
        }
    }

    /// An axis of the file, which may be counted from the end, as one of the graph.
    pub(super) fn axis(&self, value: usize, axis: i64) -> Result<usize, String> {
        let rank = self.rank(value) as i64;
        let axis = if axis < 0 { axis + rank } else { axis };
        let own = usize::try_from(axis).ok().and_then(|axis| axis.checked_sub(usize::from(self.is_batched(value))));
        own.filter(|_| axis < rank).ok_or_else(|| "it goes over the batch".to_owned())
    }

    /// A value of the text in the graph.
    pub(super) fn text(&self, value: usize) -> Option<Lowered> {
        self.lowered.get(&value).copied()
    }

    /// A tensor that is the same for every text.
    pub(super) fn constant(&self, value: usize) -> Option<&Arc<Tensor>> {
        match self.trace.value(value) {
            Some(Traced::Known(tensors)) if tensors.iter().all(|tensor| **tensor == *tensors[0]) => Some(&tensors[0]),
            _ => None,
        }
    }

    /// The tensors of a value that follows from the length.
    pub(super) fn known(&self, value: usize) -> Option<&[Arc<Tensor>; 3]> {
        match self.trace.value(value) {
            Some(Traced::Known(tensors)) => Some(tensors),
            _ => None,
        }
    }

    /// A number that is the same for every text.
    pub(super) fn number(&self, value: usize) -> Option<f32> {
        let tensor = self.constant(value)?;
        match tensor.as_f32()? {
            &[number] => Some(number),
            _ => None,
        }
    }

    /// A value as an operand of the graph: one of the text, a constant, or the rows of a table for the tokens' positions.
    pub(super) fn operand(&mut self, value: usize) -> Result<Value, String> {
        match self.text(value) {
            Some(Lowered::Value(id)) => return Ok(Some(id)),
            Some(_) => return Err("it computes with tokens, or with what is false, as if with numbers".to_owned()),
            None => {}
        }
        if let Some(number) = self.number(value).filter(|_| self.rank(value) == 0) {
            return Ok(self.emit.scalar(number));
        }
        if let Some(tensor) = self.constant(value) {
            // Of axes of one at the front only the last may be a row's.
            let ones = tensor.shape().iter().take_while(|&&size| size == 1).count();
            let shape = tensor.shape()[ones.min(tensor.rank().saturating_sub(1))..].to_vec();
            let tensor = constant(tensor, shape)?;
            let name = self.tensor_name(value);
            return Ok(self.emit.tensor(&name, tensor));
        }
        match relative::bias(self, value) {
            Some(bias) => Ok(bias),
            None => self.positions(value),
        }
    }

    /// The rows of a table that follow from the length: those of the tokens' positions.
    fn positions(&mut self, value: usize) -> Result<Value, String> {
        let wrong = || "it reads what follows from the length of the text and is no table of positions".to_owned();
        let step = self.makers.get(&value).map(|&at| &self.trace.steps[at]).filter(|step| step.operator == "Gather");
        let &[Some(table), Some(index)] = &step.ok_or_else(wrong)?.inputs[..] else { return Err(wrong()) };
        let rows = self.known(index).ok_or_else(wrong)?;
        let counts = |tensor: &Arc<Tensor>| match tensor.data() {
            Data::I64(rows) => rows.iter().enumerate().all(|(at, &row)| row == at as i64),
            Data::I32(rows) => rows.iter().enumerate().all(|(at, &row)| row == at as i32),
            _ => false,
        };
        if !rows.iter().all(counts) || self.rank(table) != 2 {
            return Err(wrong());
        }
        let table = self.operand(table)?;
        let index = self.emit.input(Input::Positions);
        let name = "embeddings.position_embeddings";
        Ok(self.emit.op(Gather, &[table, index], name))
    }

    /// The name of a tensor without that of the wrapper around the encoder.
    pub(super) fn tensor_name(&self, value: usize) -> String {
        let name = self.trace.name(value);
        name.strip_prefix(&self.prefix).unwrap_or(name).to_owned()
    }

    /// The name of a layer's weights, which exporters lose: it is that of the bias which is added to its product.
    pub(super) fn weights_name(&self, weights: usize, step: &Step) -> String {
        let name = self.tensor_name(weights);
        if name.ends_with(".weight") {
            return name;
        }
        let product = step.outputs.first().copied().flatten();
        let adds = product
            .and_then(|product| self.readers.get(&product))
            .into_iter()
            .flatten()
            .map(|&at| &self.trace.steps[at]);
        let adds = adds.filter(|step| step.operator == "Add").flat_map(|step| step.inputs.iter().flatten());
        let own = step.inputs.get(2).and_then(Option::as_ref);
        let biases = own.into_iter().chain(adds).filter(|&&bias| self.constant(bias).is_some());
        let mut layers = biases.filter_map(|&bias| self.tensor_name(bias).strip_suffix(".bias").map(str::to_owned));
        layers.next().map_or(name, |layer| format!("{layer}.weight"))
    }
}

/// A tensor of the file as one of the graph.
pub(super) fn constant(tensor: &Tensor, shape: Vec<usize>) -> Result<Constant, String> {
    let wide;
    let values = match tensor.data() {
        Data::F32(values) => values,
        Data::F16(values) => {
            wide = values.iter().map(|value| value.to_f32()).collect();
            &wide
        }
        Data::BF16(values) => {
            wide = values.iter().map(|value| value.to_f32()).collect();
            &wide
        }
        _ => return Err(format!("the tensor {tensor} is not of floats")),
    };
    if values.iter().all(|value| value.is_finite()) {
        Ok(Constant::f32(shape, values))
    } else {
        Err(format!("a number of the tensor {tensor} is NaN or infinite"))
    }
}
