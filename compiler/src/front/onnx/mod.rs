//! A folder whose weights are an ONNX model: the graph is made of the file, all else of what lies beside it.

mod check;
mod import;
mod positions;
pub mod ranker;
mod relative;
mod rules;
#[cfg(test)]
mod tests;

use super::codes;
use super::config::Config;
use super::emitter::{Emitter, Value};
use super::folder::Folder;
use super::weights::Mapping;
use crate::diagnostic::Diagnostic;
use crate::graph::ValueId;
use crate::onnx::{self, Lengths, Model, Size, Source, Tensor, Trace, Traced};
use crate::ops::{Gather, Input, Op};
use import::Importer;
use modeldeploy_format::Task;
use prost::bytes::Bytes;
use std::collections::HashMap;
use std::sync::Arc;

/// Where exporters put the model.
const FILES: [&str; 2] = ["model.onnx", "onnx/model.onnx"];

/// The inputs of an encoder by the names that exporters give them.
const INPUTS: [(&str, Input); 2] = [("input_ids", Input::TokenIds), ("token_type_ids", Input::TokenTypes)];

/// The outputs that are meant, by the names that exporters give them.
const OUTPUTS: [&str; 3] = ["last_hidden_state", "token_embeddings", "logits"];

/// What marks the tokens that a text has: a text of its own has no others.
const MASK: &str = "attention_mask";

/// The path of the ONNX model in the subfolder `base`, if there is one.
pub(super) fn find(folder: &mut Folder, base: &str) -> Option<String> {
    FILES.iter().map(|file| format!("{base}{file}")).find(|path| folder.has(path))
}

/// Reads a model and its external data, whose paths are relative to its file.
pub(super) fn read(folder: &mut Folder, path: &str) -> Result<Model, Vec<Diagnostic>> {
    let place = folder.place(path);
    // Raw numbers stay where the file is mapped until they are read.
    let bytes = Bytes::from_owner(folder.map(path).map_err(|error| vec![error])?);
    let beside = path.rsplit_once('/').map_or(String::new(), |(folder, _)| format!("{folder}/"));
    // A file has the numbers of many tensors: it is mapped and hashed once.
    let mut mapped: HashMap<String, Arc<Mapping>> = HashMap::new();
    onnx::read(&place, bytes, &mut |name| {
        if let Some(mapping) = mapped.get(name) {
            return Ok(Arc::clone(mapping) as _);
        }
        let mapping = Arc::new(folder.map(&format!("{beside}{name}")).map_err(|error| error.message)?);
        mapped.insert(name.to_owned(), Arc::clone(&mapping));
        Ok(mapping)
    })
}

/// The graph of an encoder, or of an encoder with a head.
pub(super) struct Imported {
    pub(super) emit: Emitter,
    /// For `embed` the rows of a text, else a number for each label.
    pub(super) value: Value,
}

/// Makes the graph of a model that is to do `task` for texts of up to `longest` tokens.
pub(super) fn import(
    model: &Model,
    place: &str,
    config: &Config,
    task: Task,
    longest: usize,
) -> Result<Imported, Vec<Diagnostic>> {
    let wrong = |message: String, help: &str| vec![Diagnostic::new(codes::UNKNOWN_GRAPH, message).at(place).help(help)];
    let known = |name: &str| name == MASK || INPUTS.iter().any(|(input, _)| *input == name);
    if let Some(port) = model.inputs().iter().find(|port| !known(&port.name)) {
        let message = format!("the input `{}` is not one of an encoder's", port.name.escape_debug());
        return Err(wrong(message, "an encoder takes `input_ids`, and may take `attention_mask` and `token_type_ids`"));
    }
    let lengths = Lengths { tokens: longest, candidates: 1 };
    let trace = Trace::of(model, lengths, &|name, Lengths { tokens: length, .. }| {
        let ids = |of: fn(usize) -> i64| Tensor::new([1, length], (0..length).map(of).collect::<Vec<i64>>());
        match name {
            MASK => ids(|_| 1).ok().map(|mask| (mask, Source::Lengths)),
            "token_type_ids" => ids(|_| 0).ok().map(|types| (types, Source::Text)),
            _ => ids(|at| (at % 3) as i64).ok().map(|ids| (ids, Source::Text)),
        }
    })?;
    let labels = config.head.labels.len();
    let wanted = match task {
        Task::Embed => [Size::Fixed(1), Size::Tokens, Size::Fixed(config.size.hidden)].to_vec(),
        _ => [Size::Fixed(1), Size::Fixed(labels)].to_vec(),
    };
    let of_shape = |value: usize| matches!(trace.value(value), Some(Traced::Text(_, shape)) if *shape == wanted);
    let fitting: Vec<&(String, usize)> = trace.outputs().iter().filter(|(_, value)| of_shape(*value)).collect();
    let shown = |(name, _): &(String, usize)| format!("`{}`", name.escape_debug());
    let Some(output) = chosen(&fitting) else {
        if !fitting.is_empty() {
            let names: Vec<String> = fitting.into_iter().map(shown).collect();
            let message = format!("any of the outputs {} could be the one that is asked for", names.join(", "));
            return Err(wrong(
                message,
                "export the model with one of them, or name it `last_hidden_state` or `logits`",
            ));
        }
        let names: Vec<String> = trace.outputs().iter().map(shown).collect();
        let what = if task == Task::Embed {
            format!("a row of {} numbers for each token", config.size.hidden)
        } else {
            format!("{labels} numbers for each text")
        };
        let message = format!("none of the outputs {} is {what}", names.join(", "));
        return Err(wrong(message, "export the model for the task, with `config.json` beside it"));
    };
    let (mut emit, id) = Importer::new(&trace, place, &INPUTS, config.architecture.prefix).run(output)?;
    tables(&emit, place, config)?;
    let mut graph = emit.graph().clone();
    graph.set_outputs([id]);
    let name = trace.outputs().iter().find(|(_, value)| *value == output).map_or("", |(name, _)| name.as_str());
    check::check(model, place, config, &graph, (name, longest))?;
    let mut value = Some(id);
    if task != Task::Embed {
        value = flat(&mut emit, id, labels);
    }
    Ok(Imported { emit, value })
}

/// Of the outputs that could be meant the only one, or the one that exporters name so.
fn chosen(fitting: &[&(String, usize)]) -> Option<usize> {
    match fitting {
        [(_, value)] => Some(*value),
        _ => OUTPUTS.iter().find_map(|name| fitting.iter().find(|(own, _)| own == name)).map(|(_, value)| *value),
    }
}

/// The numbers for the labels as one row, which a batch of one text may have made a matrix of.
fn flat(emit: &mut Emitter, value: ValueId, labels: usize) -> Value {
    if emit.graph().ty(value).rank() == 1 {
        return Some(value);
    }
    emit.op(crate::ops::Reshape { shape: vec![labels.into()] }, &[Some(value)], "logits")
}

/// That the tables have the rows that the configuration says: else ids and positions of a text could be past their ends.
fn tables(emit: &Emitter, place: &str, config: &Config) -> Result<(), Vec<Diagnostic>> {
    let graph = emit.graph();
    let mut errors = Vec::new();
    for (_, node) in graph.nodes().filter(|(_, node)| node.op == Op::from(Gather)) {
        let (Some(rows), Op::Input(input)) =
            (graph.ty(node.inputs[0]).shape[0].fixed(), &graph.node(node.inputs[1]).op)
        else {
            continue;
        };
        let said = match input {
            Input::TokenIds => config.size.vocabulary,
            Input::TokenTypes => config.size.types,
            Input::CountedPositions { padding } if *padding as usize + 1 == config.size.first_position => {
                config.size.positions - *padding as usize
            }
            Input::CountedPositions { padding } => {
                let message = format!(
                    "the file's padding has the id {padding}, and the configuration's first position is {}",
                    config.size.first_position
                );
                let help = "is `config.json` that of this model?";
                errors.push(Diagnostic::new(codes::MISSHAPEN_TENSOR, message).at(place).help(help));
                continue;
            }
            _ => config.size.positions,
        };
        if rows != said {
            let message = format!("the table of `{}` has {rows} rows, and the configuration says {said}", input.name());
            errors.push(
                Diagnostic::new(codes::MISSHAPEN_TENSOR, message)
                    .at(place)
                    .help("is `config.json` that of this model?"),
            );
        }
    }
    if errors.is_empty() { Ok(()) } else { Err(errors) }
}
