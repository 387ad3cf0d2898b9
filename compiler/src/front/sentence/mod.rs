//! What sentence-transformers keeps beside the encoder: which modules follow it, how long a text may be, which texts are put before.

mod module;
mod settings;

pub(super) use module::{Module, Pooled, pooling_name};
pub(super) use settings::Settings;

use super::codes;
use super::folder::{Folder, is_inside};
use super::json;
use crate::diagnostic::Diagnostic;
use modeldeploy_format::Task;
use modeldeploy_format::program::Pooling;
use serde_json::Value;

const MODULES: &str = "modules.json";

/// What follows the encoder.
#[derive(Debug)]
pub(super) struct Pipeline {
    /// The encoder's folder: empty, or ending in `/`.
    pub(super) base: String,
    /// How a text's rows become one; `None` where the task has a head.
    pub(super) pooling: Option<Pooled>,
    /// What follows that, in order.
    pub(super) modules: Vec<Module>,
    /// What a caller may show.
    pub(super) notes: Vec<String>,
}

/// Reads `modules.json` and the files of the modules that it lists.
pub(super) fn pipeline(folder: &mut Folder, task: Task) -> Result<Pipeline, Vec<Diagnostic>> {
    let bytes = folder.read(MODULES).map_err(|error| vec![error])?;
    let Some(bytes) = bytes else {
        let mut plain = Pipeline { base: String::new(), pooling: None, modules: Vec::new(), notes: Vec::new() };
        if task == Task::Embed {
            plain.pooling = Some(Pooled { pooling: Pooling::Mean, width: None });
            plain.notes.push(
                "the folder has no modules.json: the vectors are the mean of the tokens' and not normalized, \
                 as sentence-transformers has it for such a folder"
                    .to_owned(),
            );
        }
        return Ok(plain);
    };
    let place = folder.place(MODULES);
    let steps = steps(&place, &bytes)?;
    let mut errors = Vec::new();
    let mut steps = steps.into_iter();
    let base = match steps.next() {
        Some(step) if step.class() == "Transformer" => step.base(),
        other => {
            let found = other.map_or("nothing".to_owned(), |step| format!("`{}`", step.kind));
            let message = format!("the first module must be a Transformer, found {found}");
            return Err(vec![unsupported(&place, message)]);
        }
    };
    let mut pipeline = Pipeline { base, pooling: None, modules: Vec::new(), notes: Vec::new() };
    // Also where its configuration is wrong, so that those after it are read.
    let mut pooled = false;
    for step in steps {
        let read = match (step.class(), pooled) {
            ("Pooling", false) => {
                pooled = true;
                module::pooling(folder, &step.base()).map(|pooled| pipeline.pooling = Some(pooled))
            }
            ("Dense", true) => module::dense(folder, &step.base()).map(|module| pipeline.modules.push(module)),
            ("Normalize", true) => module::normalize(folder, &step.base()).map(|module| pipeline.modules.push(module)),
            // In a model at rest it does nothing.
            ("Dropout", true) => Ok(()),
            ("Pooling", true) => Err(vec![unsupported(&place, "a second Pooling is not supported")]),
            ("Dense" | "Normalize" | "Dropout", false) => {
                Err(vec![unsupported(&place, format!("a {} before the Pooling is not supported", step.class()))])
            }
            _ => Err(vec![unsupported(&place, format!("the module `{}` is not supported", step.kind))]),
        };
        if let Err(more) = read {
            errors.extend(more);
        }
    }
    if task == Task::Embed && pipeline.pooling.is_none() && errors.is_empty() {
        errors.push(unsupported(&place, "no module makes one vector of a text's tokens"));
    }
    if task != Task::Embed && pipeline.pooling.is_some() {
        let message = format!("the folder is a sentence encoder, which cannot `{task}`");
        errors.push(
            Diagnostic::new(codes::WRONG_TASK, message)
                .at(&place)
                .help("use `task = \"embed\"`, or a cross-encoder's folder"),
        );
    }
    if errors.is_empty() { Ok(pipeline) } else { Err(errors) }
}

/// A row of `modules.json`.
struct Listed {
    path: String,
    kind: String,
}

impl Listed {
    /// The last part of the Python path of its class.
    fn class(&self) -> &str {
        self.kind.rsplit('.').next().unwrap_or_default()
    }

    /// Its folder: empty, or ending in `/`.
    fn base(&self) -> String {
        if self.path.is_empty() { String::new() } else { format!("{}/", self.path.trim_end_matches('/')) }
    }
}

fn steps(place: &str, bytes: &[u8]) -> Result<Vec<Listed>, Vec<Diagnostic>> {
    let wrong = |message: String| vec![unsupported(place, message)];
    let value = json::parse(place, bytes).map_err(|error| vec![error])?;
    let rows = value.as_array().ok_or_else(|| wrong("expected a list of modules".to_owned()))?;
    if rows.len() > 64 {
        return Err(wrong(format!("{} modules are more than any model has", rows.len())));
    }
    let text = |row: &Value, key: &str| row.get(key).and_then(Value::as_str).map(str::to_owned);
    let read = |(index, row)| {
        let path = text(row, "path").filter(|path| path.is_empty() || is_inside(path));
        let kind = text(row, "type").filter(|kind| kind.starts_with("sentence_transformers."));
        match (path, kind) {
            (Some(path), Some(kind)) => Ok(Listed { path, kind }),
            (None, _) => Err(wrong(format!("module {index} has no `path` that lies in the folder"))),
            (_, None) => {
                let shown = text(row, "type").unwrap_or_default();
                let shown: String = shown.escape_debug().take(80).collect();
                Err(wrong(format!("the type `{shown}` of module {index} is not one of sentence-transformers'")))
            }
        }
    };
    rows.iter().enumerate().map(read).collect()
}

fn unsupported(place: &str, message: impl Into<String>) -> Diagnostic {
    Diagnostic::new(codes::UNSUPPORTED_MODULE, message)
        .at(place)
        .help("supported are Transformer, then Pooling, then any of Dense, Normalize and Dropout")
}
