//! The f32 reference: evaluates any graph by candle, one text at a time, at whatever stage of compilation the graph is.
//!
//! It is what constant folding, calibration, the gate and the golden vectors compare with. Compressed graphs are evaluated as
//! the values that their codes stand for, in f32, which shows the error by layer.

use crate::diagnostic::{Code, Diagnostic};
use crate::graph::{Graph, Node, ValueId};
use crate::ops::{Request, Text};
use candle_core::{DType, Tensor};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

/// A graph could not be evaluated for a text.
pub const EVALUATION_ERROR: Code = Code("MD0403");

/// A graph made ready to be evaluated: its constants as candle tensors, its order fixed.
///
/// It may be used by many threads at once.
#[derive(Debug)]
pub struct Reference {
    graph: Graph,
    /// The live values that are not constants, in order of evaluation.
    order: Vec<ValueId>,
    /// For each of `order`, the values that nothing after it reads.
    done: Vec<Vec<ValueId>>,
    /// The constants, by id.
    constants: Vec<Option<Tensor>>,
    /// What is computed in.
    dtype: DType,
}

impl Reference {
    /// Makes a graph ready: converts its constants, once, to f32.
    ///
    /// # Errors
    ///
    /// `MD0401`, `MD0402` if the graph is not well formed, all that is wrong; `MD0403` if it has not one output of f32.
    pub fn new(graph: &Graph) -> Result<Self, Vec<Diagnostic>> {
        Self::with(graph, DType::F32)
    }

    /// As [`new`](Reference::new), but all is computed in f64, for statistics that must not depend on the CPU: candle's products
    /// differ between instruction sets in their last bits. Not for graphs that quantize.
    ///
    /// # Errors
    ///
    /// As [`new`](Reference::new).
    pub fn precise(graph: &Graph) -> Result<Self, Vec<Diagnostic>> {
        Self::with(graph, DType::F64)
    }

    fn with(graph: &Graph, dtype: DType) -> Result<Self, Vec<Diagnostic>> {
        graph.verify()?;
        if graph.outputs().len() != 1 {
            let message = format!("the graph has {} outputs, where a model has one", graph.outputs().len());
            return Err(vec![Diagnostic::new(EVALUATION_ERROR, message)]);
        }
        let mut constants = vec![None; graph.len()];
        let (mut order, mut errors) = (Vec::new(), Vec::new());
        for id in graph.order() {
            match graph.as_const(id) {
                None => order.push(id),
                Some(_) => match constant(graph.node(id), dtype) {
                    Ok(tensor) => constants[id.0 as usize] = Some(tensor),
                    Err(error) => errors.push(error),
                },
            }
        }
        if !errors.is_empty() {
            return Err(errors);
        }
        let done = last_reads(graph, &order);
        Ok(Self { graph: graph.clone(), order, done, constants, dtype })
    }

    /// The graph.
    pub fn graph(&self) -> &Graph {
        &self.graph
    }

    /// The output for one text: its token ids with the special ones, and for each token which text of a pair it belongs to.
    ///
    /// # Errors
    ///
    /// `MD0403` if the text has no tokens, ids and types differ in number, or an id is past the end of a table.
    pub fn run(&self, ids: &[u32], types: &[u32]) -> Result<Vec<f32>, Diagnostic> {
        self.run_observed(ids, types, &mut |_, _| {})
    }

    /// As [`run`](Reference::run), and shows each value that is computed, in order; not the constants.
    ///
    /// # Errors
    ///
    /// As [`run`](Reference::run).
    pub fn run_observed(
        &self,
        ids: &[u32],
        types: &[u32],
        observe: &mut dyn FnMut(ValueId, &Tensor),
    ) -> Result<Vec<f32>, Diagnostic> {
        if ids.is_empty() || ids.len() != types.len() {
            let message = format!("a text of {} ids and {} types cannot be evaluated", ids.len(), types.len());
            return Err(Diagnostic::new(EVALUATION_ERROR, message));
        }
        self.evaluate(Text::tokens(ids, types), observe)
    }

    /// The outputs of a ranker's network for the candidates of a request, one candidate after the other.
    ///
    /// # Errors
    ///
    /// `MD0403` if there are other columns than the graph reads, or an id is past the end of a table.
    pub fn score(&self, request: Request<'_>) -> Result<Vec<f32>, Diagnostic> {
        self.evaluate(Text::request(request), &mut |_, _| {})
    }

    fn evaluate(&self, text: Text<'_>, observe: &mut dyn FnMut(ValueId, &Tensor)) -> Result<Vec<f32>, Diagnostic> {
        let mut values = self.constants.clone();
        for (&id, done) in self.order.iter().zip(&self.done) {
            let node = self.graph.node(id);
            let inputs: Vec<Tensor> = node
                .inputs
                .iter()
                .map(|input| values[input.0 as usize].clone().expect("an input stands before its reader"))
                .collect();
            let mut value = eval(node, &inputs, text)?;
            if value.dtype() == DType::F32 && self.dtype != DType::F32 {
                // Numbers that are given.
                value = value.to_dtype(self.dtype).map_err(|error| failure(node, &error))?;
            }
            observe(id, &value);
            values[id.0 as usize] = Some(value);
            done.iter().for_each(|id| values[id.0 as usize] = None);
        }
        let output = self.graph.outputs()[0];
        let value = values[output.0 as usize].as_ref().expect("the output is computed and kept");
        let numbers = value.flatten_all().and_then(|value| value.to_dtype(DType::F32)?.to_vec1());
        numbers.map_err(|error| failure(self.graph.node(output), &error))
    }

    /// The outputs for many texts, each `(ids, types)`, in their order, by so many threads. The values do not depend on how many.
    ///
    /// # Errors
    ///
    /// As [`run`](Reference::run): the error of the first text that has one.
    pub fn run_many(&self, texts: &[(&[u32], &[u32])], threads: usize) -> Result<Vec<Vec<f32>>, Diagnostic> {
        let next = AtomicUsize::new(0);
        let results = Mutex::new(vec![None; texts.len()]);
        let work = || {
            let take = || {
                let at = next.fetch_add(1, Ordering::Relaxed);
                texts.get(at).map(|text| (at, text))
            };
            while let Some((at, (ids, types))) = take() {
                let result = self.run(ids, types);
                results.lock().unwrap_or_else(PoisonError::into_inner)[at] = Some(result);
            }
        };
        std::thread::scope(|scope| {
            for _ in 1..threads.min(texts.len()) {
                scope.spawn(work);
            }
            work();
        });
        let results = results.into_inner().unwrap_or_else(PoisonError::into_inner);
        results.into_iter().map(|result| result.expect("each text was taken by a thread")).collect()
    }
}

fn eval(node: &Node, inputs: &[Tensor], text: Text<'_>) -> Result<Tensor, Diagnostic> {
    node.op.eval(inputs, text).map_err(|error| failure(node, &error))
}

fn constant(node: &Node, dtype: DType) -> Result<Tensor, Diagnostic> {
    eval(node, &[], Text::NONE)?.to_dtype(dtype).map_err(|error| failure(node, &error))
}

fn failure(node: &Node, error: &candle_core::Error) -> Diagnostic {
    // What candle says stands on the first line; a backtrace may follow.
    let error = error.to_string();
    let said = error.lines().next().unwrap_or_default();
    let message = format!("`{}` cannot be evaluated: {said}", node.op.name());
    Diagnostic::new(EVALUATION_ERROR, message).at(format!("node `{}`", node.name))
}

/// For each value in order, those that it is the last to read.
fn last_reads(graph: &Graph, order: &[ValueId]) -> Vec<Vec<ValueId>> {
    let mut seen = vec![false; graph.len()];
    graph.outputs().iter().for_each(|output| seen[output.0 as usize] = true);
    let mut done: Vec<Vec<ValueId>> = order
        .iter()
        .rev()
        .map(|&id| {
            let inputs = graph.node(id).inputs.iter().copied();
            inputs
                .filter(|&input| !graph.is_const(input) && !std::mem::replace(&mut seen[input.0 as usize], true))
                .collect()
        })
        .collect();
    done.reverse();
    done
}

#[cfg(test)]
mod tests;
