//! `pre_tokenizer` of `tokenizer.json` ▶ a splitter.

use modeldeploy_format::tokenizer::{Prepend, Splitter};
use serde_json::Value;

use super::codes::Place;
use super::fields::Fields;
use crate::diagnostic::Diagnostic;

const SUPPORTED: &str =
    "BertPreTokenizer, WhitespaceSplit, ByteLevel, Metaspace, and the sequence of WhitespaceSplit and Metaspace";

/// Reads the pre-tokenizer.
pub(super) fn read(value: Option<&Value>, place: Place<'_>) -> Result<Splitter, Diagnostic> {
    let Some(fields) = Fields::of(value, "pre_tokenizer", place)? else { return Ok(Splitter::Whole) };
    match fields.kind() {
        "BertPreTokenizer" => Ok(Splitter::Bert),
        "WhitespaceSplit" => Ok(Splitter::Whitespace),
        "ByteLevel" => Ok(Splitter::ByteLevel {
            prefix_space: fields.flag("add_prefix_space")?,
            split: fields.flag_or("use_regex", true)?,
        }),
        "Metaspace" => metaspace(&fields, place),
        "Sequence" => {
            let parts = fields
                .list("pretokenizers")?
                .iter()
                .map(|part| read(Some(part), place))
                .collect::<Result<Vec<_>, _>>()?;
            match parts.as_slice() {
                [one] => Ok(*one),
                [Splitter::Whitespace, Splitter::Metaspace { whitespace: false, mark, prepend, split }] => {
                    Ok(Splitter::Metaspace { whitespace: true, mark: *mark, prepend: *prepend, split: *split })
                }
                _ => Err(place.unsupported("pre_tokenizer", "Sequence of other parts", SUPPORTED)),
            }
        }
        other => Err(place.unsupported("pre_tokenizer", other, SUPPORTED)),
    }
}

fn metaspace(fields: &Fields<'_>, place: Place<'_>) -> Result<Splitter, Diagnostic> {
    let scheme = fields.get("prepend_scheme").and_then(Value::as_str);
    let prepend = match (scheme, fields.flag_or("add_prefix_space", true)?) {
        (None | Some("never"), false) | (Some("never"), true) => Prepend::Never,
        (None | Some("always"), true) => Prepend::Always,
        (Some("first"), true) => Prepend::First,
        _ => return Err(place.malformed("pre_tokenizer", "`add_prefix_space` and `prepend_scheme` do not agree")),
    };
    Ok(Splitter::Metaspace {
        whitespace: false,
        mark: fields.char("replacement")?,
        prepend,
        split: fields.flag_or("split", true)?,
    })
}
