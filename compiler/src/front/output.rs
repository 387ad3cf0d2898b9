//! From the encoder's rows to what the task asks for: a vector, a relevance, or a probability for each label.

use super::config::{Config, Problem};
use super::emitter::{Emitter, Value};
use super::folder::Folder;
use super::sentence::{Module, Pipeline, Settings};
use super::tensors::Tensors;
use super::weights::Weights;
use super::{activation, codes};
use crate::diagnostic::Diagnostic;
use crate::ops::{Activation, Normalize, Softmax};
use modeldeploy_format::Task;

/// What the graph gives.
pub(super) struct Output {
    pub(super) value: Value,
    /// How many numbers.
    pub(super) width: u32,
    /// Whether they are of unit length.
    pub(super) normalized: bool,
    pub(super) labels: Vec<String>,
}

/// What stands in the way.
pub(super) struct Failure {
    pub(super) errors: Vec<Diagnostic>,
    /// Whether the checkpoint is of another kind altogether, so that its tensors would only make noise.
    pub(super) stop: bool,
}

/// Writes encoder and task into the graph.
pub(super) fn emit(
    folder: &mut Folder,
    emit: &mut Emitter,
    tensors: &mut Tensors<'_>,
    config: &Config,
    settings: &Settings,
    pipeline: &Pipeline,
    task: Task,
) -> Result<Output, Failure> {
    if task == Task::Embed {
        let rows = (config.architecture.encode)(emit, tensors, &config.size);
        return embed(folder, emit, config, pipeline, rows).map_err(|errors| Failure { errors, stop: false });
    }
    let place = folder.place(&format!("{}config.json", pipeline.base));
    let activation = head(&place, tensors.has("classifier."), config, settings, task)
        .map_err(|error| Failure { errors: vec![error], stop: true })?;
    let labels = config.head.labels.len();
    let rows = (config.architecture.encode)(emit, tensors, &config.size);
    let logits = (config.architecture.head)(emit, tensors, &config.size, rows, labels);
    Ok(probabilities(emit, config, activation, logits, task))
}

/// Writes what follows an encoder or its head that was read from elsewhere, which is `value`.
pub(super) fn follow(
    folder: &mut Folder,
    emit: &mut Emitter,
    value: Value,
    config: &Config,
    settings: &Settings,
    pipeline: &Pipeline,
    task: Task,
) -> Result<Output, Vec<Diagnostic>> {
    if task == Task::Embed {
        return embed(folder, emit, config, pipeline, value);
    }
    let place = folder.place(&format!("{}config.json", pipeline.base));
    let activation = head(&place, true, config, settings, task).map_err(|error| vec![error])?;
    Ok(probabilities(emit, config, activation, value, task))
}

/// What the head's numbers become; without an activation they are shares.
fn probabilities(
    emit: &mut Emitter,
    config: &Config,
    activation: Option<Activation>,
    logits: Value,
    task: Task,
) -> Output {
    let value = match activation {
        Some(activation) => emit.activation(activation, logits, task.name()),
        None => emit.op(Softmax, &[logits], task.name()),
    };
    let width = u32::try_from(config.head.labels.len()).expect("the configuration bounds the labels");
    let labels = if task == Task::Classify { config.head.labels.clone() } else { Vec::new() };
    Output { value, width, normalized: false, labels }
}

/// Checks that the checkpoint, which may have a classifier, has the head that the task needs, and gives the activation over its outputs: `None` is softmax.
fn head(
    place: &str,
    has_classifier: bool,
    config: &Config,
    settings: &Settings,
    task: Task,
) -> Result<Option<Activation>, Diagnostic> {
    let wrong = |message: String, help: &str| Err(Diagnostic::new(codes::WRONG_TASK, message).at(place).help(help));
    let class = config.class.as_deref();
    if class.is_some_and(|class| !class.ends_with("ForSequenceClassification")) || !has_classifier {
        let kind =
            class.map_or(String::new(), |class| format!(", a {},", class.escape_debug().take(60).collect::<String>()));
        let message =
            format!("the checkpoint{kind} has no head for sequence classification, so that it cannot `{task}`");
        return wrong(message, "use `task = \"embed\"`, or a checkpoint of a model `…ForSequenceClassification`");
    }
    let labels = config.head.labels.len();
    match (task, config.head.problem) {
        (Task::Score, _) if labels != 1 => {
            wrong(format!("a relevance is one number, and the head has {labels} labels"), "use `task = \"classify\"`")
        }
        (Task::Score, _) => {
            let named = settings.score_activation.as_ref().or(config.head.score_activation.as_ref());
            named.map_or(Ok(Activation::Sigmoid), |path| activation::of_class(place, path)).map(Some)
        }
        (_, Some(Problem::Regression)) => wrong(
            "the head was trained for regression, so that its outputs are no probabilities".to_owned(),
            if labels == 1 { "use `task = \"score\"`" } else { "use a checkpoint that was trained to classify" },
        ),
        (_, Some(Problem::MultiLabel)) => Ok(Some(Activation::Sigmoid)),
        // A softmax over one label would always be 1.
        (_, _) if labels == 1 => Ok(Some(Activation::Sigmoid)),
        (_, _) => Ok(None),
    }
}

/// Pooling, and the modules after it.
fn embed(
    folder: &mut Folder,
    emit: &mut Emitter,
    config: &Config,
    pipeline: &Pipeline,
    rows: Value,
) -> Result<Output, Vec<Diagnostic>> {
    let mut errors = Vec::new();
    let mut width = config.size.hidden;
    let pooled = pipeline.pooling.expect("a sentence encoder has a pooling");
    if let Some(stated) = pooled.width.filter(|&stated| stated != width) {
        errors.push(misfit(
            folder.place("modules.json"),
            format!("the pooling takes rows of {stated}, the encoder gives {width}"),
        ));
    }
    let mut value = emit.pool(pooled.pooling, rows, width);
    for module in &pipeline.modules {
        match module {
            Module::Normalize => value = emit.op(Normalize, &[value], "normalize"),
            Module::Dense { base, inputs, outputs, bias, activation } => {
                if *inputs != width {
                    let message = format!("the layer takes {inputs} numbers, and those before it give {width}");
                    errors.push(misfit(folder.place(&format!("{base}config.json")), message));
                }
                width = *outputs;
                match Weights::load(folder, base) {
                    Err(more) => errors.extend(more),
                    Ok(weights) => {
                        let mut tensors = Tensors::new(&weights, folder.place(base), "");
                        value = emit.module_linear(&mut tensors, base, value, [*outputs, *inputs], *bias);
                        value = emit.activation(*activation, value, base.trim_end_matches('/'));
                        errors.extend(tensors.finish(&[]).err().unwrap_or_default());
                    }
                }
            }
        }
    }
    let normalized = pipeline.modules.last() == Some(&Module::Normalize);
    let width = u32::try_from(width).expect("the configuration bounds the width");
    if errors.is_empty() { Ok(Output { value, width, normalized, labels: Vec::new() }) } else { Err(errors) }
}

fn misfit(place: String, message: String) -> Diagnostic {
    Diagnostic::new(codes::BAD_KEY, message)
        .at(place)
        .help("are the folder's files all of one model? Download it again")
}
