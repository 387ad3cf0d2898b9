//! The modules after the encoder: pooling, dense, normalize.

use super::super::json::{Keys, parse_object, shown};
use super::super::{activation, codes, config::most};
use super::Folder;
use crate::diagnostic::Diagnostic;
use modeldeploy_format::program::{Activation, Pooling};
use serde_json::{Map, Value};
use std::fmt;

/// How a text's rows become one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::front) struct Pooled {
    pub(in crate::front) pooling: Pooling,
    /// The width of the rows, where the file says it.
    pub(in crate::front) width: Option<usize>,
}

impl fmt::Display for Module {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Module::Dense { outputs, activation, .. } => write!(f, "dense {outputs} {activation:?}"),
            Module::Normalize => f.write_str("normalize"),
        }
    }
}

/// The mode's name, as sentence-transformers has it.
pub(in crate::front) fn pooling_name(pooling: Pooling) -> &'static str {
    MODES.iter().find(|(_, _, mode)| *mode == Some(pooling)).map_or("", |(_, name, _)| name)
}

/// What follows the pooling.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::front) enum Module {
    /// `activation(x · Wᵀ + b)`.
    Dense {
        /// Its folder, ending in `/`.
        base: String,
        inputs: usize,
        outputs: usize,
        bias: bool,
        activation: Activation,
    },
    /// `x / ‖x‖`.
    Normalize,
}

/// The flag of the mode that holds where a file has no flag of it.
const MEAN: &str = "pooling_mode_mean_tokens";

/// What a file says that sets each mode to false.
const NONE: &str = "no mode of pooling is true";

/// What to do about a mode that is not computed.
const SUPPORTED: &str = "use cls, max, mean or mean_sqrt_len_tokens";

/// The modes by the names of the old flags and of the new key.
const MODES: [(&str, &str, Option<Pooling>); 6] = [
    ("pooling_mode_cls_token", "cls", Some(Pooling::Cls)),
    ("pooling_mode_max_tokens", "max", Some(Pooling::Max)),
    (MEAN, "mean", Some(Pooling::Mean)),
    ("pooling_mode_mean_sqrt_len_tokens", "mean_sqrt_len_tokens", Some(Pooling::MeanSqrtLen)),
    ("pooling_mode_weightedmean_tokens", "weightedmean", None),
    ("pooling_mode_lasttoken", "lasttoken", None),
];

pub(super) fn pooling(folder: &mut Folder, base: &str) -> Result<Pooled, Vec<Diagnostic>> {
    let (place, map) = config(folder, base)?;
    let mut keys = Keys::new(&place, &map);
    let mut modes = Vec::new();
    if let Some(value) = keys.get("pooling_mode") {
        let names = value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice);
        if names.is_empty() {
            keys.error(codes::UNSUPPORTED_MODULE, "pooling_mode", NONE, SUPPORTED);
        }
        for name in names {
            match MODES.iter().find(|(_, mode, _)| name.as_str() == Some(mode)) {
                Some(mode) => modes.push(mode),
                None => {
                    let message = format!("the pooling mode {} is not known", shown(name));
                    keys.error(codes::UNSUPPORTED_MODULE, "pooling_mode", message, SUPPORTED);
                }
            }
        }
    } else {
        modes.extend(MODES.iter().filter(|(flag, _, _)| keys.flag_or(flag, false)));
        if modes.is_empty() && keys.get(MEAN).is_some() {
            keys.error(codes::UNSUPPORTED_MODULE, MEAN, NONE, SUPPORTED);
        } else if modes.is_empty() {
            // The library's default for a file that does not say.
            modes.extend(MODES.iter().filter(|(_, mode, _)| *mode == "mean"));
        }
    }
    let mut pooling = Pooling::Mean;
    match modes[..] {
        [&(_, _, Some(mode))] => pooling = mode,
        [&(_, name, None)] => {
            let message = format!("pooling by `{name}` is not supported");
            keys.error(codes::UNSUPPORTED_MODULE, "pooling_mode", message, SUPPORTED);
        }
        // A name that is not known, or that there is none, is told above.
        [] => {}
        _ => {
            let names = modes.iter().map(|(_, name, _)| *name).collect::<Vec<_>>().join(" + ");
            let message = format!("one mode of pooling is supported at a time, found `{names}`");
            keys.error(codes::UNSUPPORTED_MODULE, "pooling_mode", message, "use a model with one mode");
        }
    }
    if !keys.flag_or("include_prompt", true) {
        let message = "leaving the prompt's tokens out of the pooling is not supported";
        keys.error(codes::UNSUPPORTED_MODULE, "include_prompt", message, "use a model that pools over its prompt");
    }
    let width = ["embedding_dimension", "word_embedding_dimension"].map(|key| keys.count_or(key, 0, 1..=most::WIDTH));
    let width = width.into_iter().find(|&width| width > 0);
    keys.finish(Pooled { pooling, width })
}

pub(super) fn dense(folder: &mut Folder, base: &str) -> Result<Module, Vec<Diagnostic>> {
    let (place, map) = config(folder, base)?;
    let mut keys = Keys::new(&place, &map);
    on_sentence(&mut keys);
    if keys.flag_or("use_residual", false) {
        let message = "a Dense with a residual is not supported";
        keys.error(codes::UNSUPPORTED_MODULE, "use_residual", message, "use a model without");
    }
    let inputs = keys.count("in_features", 1..=most::WIDTH);
    let outputs = keys.count("out_features", 1..=most::WIDTH);
    let bias = keys.flag_or("bias", true);
    let named = keys.text("activation_function");
    let (activation, wrong) = match named.map(|path| activation::of_class(&place, path)) {
        // The library's default.
        None => (Activation::Tanh, None),
        Some(Ok(activation)) => (activation, None),
        Some(Err(error)) => (Activation::Tanh, Some(error)),
    };
    let module = keys.finish(Module::Dense { base: base.to_owned(), inputs, outputs, bias, activation });
    match (module, wrong) {
        (Ok(module), None) => Ok(module),
        (Ok(_), Some(error)) => Err(vec![error]),
        (Err(mut errors), wrong) => {
            errors.extend(wrong);
            Err(errors)
        }
    }
}

pub(super) fn normalize(folder: &mut Folder, base: &str) -> Result<Module, Vec<Diagnostic>> {
    let path = format!("{base}config.json");
    if !base.is_empty() && folder.has(&path) {
        let (place, map) = config(folder, base)?;
        let mut keys = Keys::new(&place, &map);
        on_sentence(&mut keys);
        keys.finish(())?;
    }
    Ok(Module::Normalize)
}

/// A module reads and writes the text's vector, nothing else.
fn on_sentence(keys: &mut Keys<'_>) {
    for key in ["module_input_name", "module_output_name"] {
        if let Some(name) = keys.text(key)
            && name != "sentence_embedding"
        {
            let message = format!("a module on `{name}` is not supported");
            keys.error(
                codes::UNSUPPORTED_MODULE,
                key,
                message,
                "use a model whose modules work on `sentence_embedding`",
            );
        }
    }
}

fn config(folder: &mut Folder, base: &str) -> Result<(String, Map<String, Value>), Vec<Diagnostic>> {
    let path = format!("{base}config.json");
    let place = folder.place(&path);
    let bytes = folder.read(&path).map_err(|error| vec![error])?.ok_or_else(|| {
        let message = "modules.json names a module whose configuration is not there";
        vec![Diagnostic::new(codes::NO_FILE, message).at(&place).help("download the whole folder, with its subfolders")]
    })?;
    let map = parse_object(&place, &bytes).map_err(|error| vec![error])?;
    Ok((place, map))
}
