//! The tensors of a model, by its task.

use super::wire::TensorMetadata;
use crate::models::Served;
use crate::protocols::tensor::INPUT;
use crate::ranking::{Input, OUTPUT, Type, inputs};
use modeldeploy::format::Task;

/// An output of a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Output {
    /// The rows themselves.
    Rows(&'static str),
    /// The likeliest label of each row.
    Label,
    /// A ranker's scores.
    Scores,
}

impl Output {
    pub(super) fn name(self) -> &'static str {
        match self {
            Output::Rows(name) => name,
            Output::Label => "label",
            Output::Scores => OUTPUT,
        }
    }

    pub(super) fn datatype(self) -> &'static str {
        match self {
            Output::Rows(_) => "FP32",
            Output::Label => "BYTES",
            Output::Scores => "FP64",
        }
    }
}

/// The outputs that a model of this task has.
pub(super) fn outputs(task: Task) -> &'static [Output] {
    match task {
        Task::Embed => &[Output::Rows("embedding")],
        Task::Score => &[Output::Rows("score")],
        Task::Rank => &[Output::Scores],
        _ => &[Output::Rows("probabilities"), Output::Label],
    }
}

/// The sizes of an output after its first.
pub(super) fn inner(served: &Served, output: Output) -> Option<usize> {
    let width = served.facts.outputs;
    let has_width = match output {
        Output::Rows(_) => served.facts.task != Task::Score,
        Output::Scores => width > 1,
        Output::Label => false,
    };
    has_width.then_some(width)
}

/// The tensors, as the metadata have them.
pub(super) fn metadata(served: &Served) -> (Vec<TensorMetadata>, Vec<TensorMetadata>) {
    let inputs = match served.ranker() {
        Some(engine) => inputs(engine).map(of_feature).collect(),
        None => {
            let pairs = if served.facts.task == Task::Score { vec![-1, 2] } else { vec![-1] };
            vec![TensorMetadata { name: INPUT, datatype: "BYTES", shape: pairs }]
        }
    };
    let output = |&output: &Output| {
        let shape = [-1].into_iter().chain(inner(served, output).map(|size| size as i64)).collect();
        TensorMetadata { name: output.name(), datatype: output.datatype(), shape }
    };
    (inputs, outputs(served.facts.task).iter().map(output).collect())
}

fn of_feature(input: Input) -> TensorMetadata {
    let datatype = match input.kind {
        Type::Float => "FP64",
        Type::Int => "INT64",
        Type::Text => "BYTES",
        Type::Embedding(_) => "FP32",
    };
    TensorMetadata { name: input.name, datatype, shape: input.sizes() }
}
