//! How long a text may be, in which case it is read, which texts are put before it, and a cross-encoder's activation.

use super::super::json::{Keys, parse_object};
use super::super::{codes, config::most};
use super::Folder;
use crate::diagnostic::Diagnostic;
use modeldeploy_format::Task;

/// The names that versions of the library gave to the file beside the encoder.
const TRANSFORMER_FILES: [&str; 7] = [
    "sentence_bert_config.json",
    "sentence_roberta_config.json",
    "sentence_distilbert_config.json",
    "sentence_camembert_config.json",
    "sentence_albert_config.json",
    "sentence_xlm-roberta_config.json",
    "sentence_xlnet_config.json",
];

/// The most tokens of a text, and what says so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::front) struct MaxTokens {
    pub(in crate::front) tokens: usize,
    /// The file with its key, as errors name them.
    pub(in crate::front) place: String,
}

/// What these files say.
#[derive(Debug, Default)]
pub(in crate::front) struct Settings {
    /// The most tokens of a text, where a file says it.
    pub(in crate::front) max_tokens: Option<MaxTokens>,
    /// Whether texts are put in lower case before all else.
    pub(in crate::front) lower_case: bool,
    /// Named texts that are put before an input, sorted by name.
    pub(in crate::front) prompts: Vec<(String, String)>,
    /// The one that is used where the caller names none.
    pub(in crate::front) default_prompt: Option<String>,
    /// How vectors are to be compared.
    pub(in crate::front) similarity: Option<String>,
    /// A cross-encoder's activation, as a path in PyTorch.
    pub(in crate::front) score_activation: Option<String>,
}

impl Settings {
    /// Reads the files, each of which may be absent. `base` is the encoder's folder.
    pub(in crate::front) fn read(folder: &mut Folder, base: &str, task: Task) -> Result<Settings, Vec<Diagnostic>> {
        let mut settings = Settings::default();
        let mut errors = Vec::new();
        let transformer = TRANSFORMER_FILES.iter().map(|name| format!("{base}{name}")).find(|path| folder.has(path));
        let files: [(Option<String>, Read); 3] = [
            (transformer, read_transformer),
            (Some(format!("{base}tokenizer_config.json")), read_tokenizer),
            (Some("config_sentence_transformers.json".to_owned()), read_library),
        ];
        for (path, read) in files {
            let Some(path) = path else { continue };
            let place = folder.place(&path);
            let map = folder.read(&path).and_then(|bytes| bytes.map(|bytes| parse_object(&place, &bytes)).transpose());
            let read = map.map_err(|error| vec![error]).and_then(|map| {
                let map = map.unwrap_or_default();
                let mut keys = Keys::new(place, &map);
                read(&mut settings, task, &mut keys);
                keys.finish(())
            });
            errors.extend(read.err().into_iter().flatten());
        }
        if errors.is_empty() { Ok(settings) } else { Err(errors) }
    }
}

/// Takes from a file's keys what is its own; a file that is absent has none.
type Read = fn(&mut Settings, Task, &mut Keys<'_>);

fn read_transformer(settings: &mut Settings, task: Task, keys: &mut Keys<'_>) {
    let most = keys.count_or("max_seq_length", 0, 1..=most::POSITIONS);
    settings.max_tokens = (most > 0).then(|| MaxTokens { tokens: most, place: keys.place("max_seq_length") });
    settings.lower_case = keys.flag_or("do_lower_case", false);
    let expected = if task == Task::Embed { "feature-extraction" } else { "sequence-classification" };
    if let Some(found) = keys.text("transformer_task")
        && found != expected
    {
        let message = format!("the folder is one for `{found}`, which does not {task}");
        keys.error(codes::WRONG_TASK, "transformer_task", message, "set the model's `task` to what it was trained for");
    }
    let output = keys.object("modality_config").and_then(|map| map.get("text")?.get("method_output_name")?.as_str());
    if let Some(output) = output.filter(|output| task == Task::Embed && *output != "last_hidden_state") {
        let message = format!("pooling over `{output}` is not supported");
        keys.error(
            codes::UNSUPPORTED_MODULE,
            "modality_config",
            message,
            "use a model that pools over `last_hidden_state`",
        );
    }
    for key in ["query_length", "document_length", "query_expansion"] {
        if keys.get(key).is_some() {
            let message = "a model of many vectors for one text is not supported";
            keys.error(codes::UNSUPPORTED_MODULE, key, message, "use a model of one vector");
        }
    }
}

/// `model_max_length`, which newer versions of the library write instead of `max_seq_length`. A tokenizer without a bound has a
/// number there that no text reaches.
fn read_tokenizer(settings: &mut Settings, _: Task, keys: &mut Keys<'_>) {
    let most = keys.number_or("model_max_length", f64::MAX, f64::MAX);
    if settings.max_tokens.is_none() && most <= most::POSITIONS as f64 {
        let place = keys.place("model_max_length");
        settings.max_tokens = Some(MaxTokens { tokens: most as usize, place }).filter(|most| most.tokens > 0);
    }
}

fn read_library(settings: &mut Settings, _: Task, keys: &mut Keys<'_>) {
    for (name, text) in keys.object("prompts").into_iter().flatten() {
        match text.as_str() {
            Some(text) => settings.prompts.push((name.clone(), text.to_owned())),
            None => keys.error(codes::BAD_KEY, "prompts", format!("the prompt `{name}` is not a text"), "make it one"),
        }
    }
    settings.prompts.sort();
    settings.default_prompt = keys.text("default_prompt_name").map(str::to_owned);
    if let Some(name) = settings.default_prompt.clone()
        && !settings.prompts.iter().any(|(known, _)| *known == name)
    {
        let message = format!("the default prompt `{name}` is not among the prompts");
        keys.error(codes::BAD_KEY, "default_prompt_name", message, "name one of the prompts");
    }
    settings.similarity = keys.text("similarity_fn_name").map(str::to_owned);
    settings.score_activation = keys.text("activation_fn").map(str::to_owned);
}
