//! The names of activation functions, in configurations and as PyTorch's classes.

use super::codes;
use super::json::Keys;
use crate::diagnostic::Diagnostic;
use modeldeploy_format::program::Activation;

/// `transformers`' names (`transformers.activations.ACT2FN`) of those that are supported.
const NAMES: [(&str, Activation); 11] = [
    ("gelu", Activation::Gelu),
    ("gelu_python", Activation::Gelu),
    ("gelu_new", Activation::GeluTanh),
    ("gelu_fast", Activation::GeluTanh),
    ("gelu_pytorch_tanh", Activation::GeluTanh),
    ("relu", Activation::Relu),
    ("silu", Activation::Silu),
    ("swish", Activation::Silu),
    ("tanh", Activation::Tanh),
    ("sigmoid", Activation::Sigmoid),
    ("linear", Activation::Identity),
];

/// The last parts of the paths of PyTorch's classes, as sentence-transformers writes them.
const CLASSES: [(&str, Activation); 6] = [
    ("Identity", Activation::Identity),
    ("Tanh", Activation::Tanh),
    ("Sigmoid", Activation::Sigmoid),
    ("ReLU", Activation::Relu),
    ("GELU", Activation::Gelu),
    ("SiLU", Activation::Silu),
];

/// The activation that a key of a configuration names.
pub(super) fn of_config(keys: &mut Keys<'_>, key: &str, default: Activation) -> Activation {
    let Some(name) = keys.text(key) else { return default };
    if let Some((_, activation)) = NAMES.iter().find(|(known, _)| *known == name) {
        return *activation;
    }
    let known = NAMES.map(|(name, _)| name).join(", ");
    let shown: String = name.escape_debug().take(60).collect();
    keys.error(
        codes::UNSUPPORTED_SETTING,
        key,
        format!("the activation `{shown}` is not supported"),
        format!("known: {known}"),
    );
    default
}

/// The activation that a PyTorch class computes, such as `torch.nn.modules.activation.Tanh`.
pub(super) fn of_class(place: &str, path: &str) -> Result<Activation, Diagnostic> {
    let class = path.strip_prefix("torch.nn.").map(|rest| rest.rsplit('.').next().unwrap_or(rest));
    let found = class.and_then(|class| CLASSES.iter().find(|(known, _)| *known == class));
    found.map(|(_, activation)| *activation).ok_or_else(|| {
        let shown: String = path.escape_debug().take(80).collect();
        let known = CLASSES.map(|(name, _)| name).join(", ");
        Diagnostic::new(codes::UNSUPPORTED_SETTING, format!("the activation `{shown}` is not supported"))
            .at(place)
            .help(format!("supported are PyTorch's {known}"))
    })
}
