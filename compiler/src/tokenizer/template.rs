//! `post_processor` and `truncation` of `tokenizer.json` ▶ templates.

use modeldeploy_format::tokenizer::{Part, Side, Strategy, Trim, Truncation};
use serde_json::{Map, Value};

use super::codes::Place;
use super::fields::Fields;
use super::vocabulary::Vocabulary;
use crate::diagnostic::Diagnostic;

const SUPPORTED: &str = "TemplateProcessing, BertProcessing, RobertaProcessing, ByteLevel, and the sequence of ByteLevel and one of the others";

/// What stands around one text and around two.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Templates {
    pub(super) single: Vec<Part>,
    pub(super) pair: Vec<Part>,
    pub(super) trim: Trim,
}

impl Templates {
    /// Nothing but the texts.
    fn bare(trim: Trim) -> Self {
        Self {
            single: vec![Part::First { type_id: 0 }],
            pair: vec![Part::First { type_id: 0 }, Part::Second { type_id: 1 }],
            trim,
        }
    }

    /// `[CLS] A [SEP]` and `[CLS] A [SEP] B [SEP]`, the second text in segment 1.
    pub(super) fn bert(cls: u32, sep: u32) -> Self {
        let special = |id, type_id| Part::Special { id, type_id };
        let single = vec![special(cls, 0), Part::First { type_id: 0 }, special(sep, 0)];
        let pair = [single.as_slice(), &[Part::Second { type_id: 1 }, special(sep, 1)]].concat();
        Self { single, pair, trim: Trim::Off }
    }

    /// `<s> A </s>` and `<s> A </s></s> B </s>`, all in segment 0.
    fn roberta(cls: u32, sep: u32, trim: Trim) -> Self {
        let special = |id| Part::Special { id, type_id: 0 };
        let single = vec![special(cls), Part::First { type_id: 0 }, special(sep)];
        let pair = [single.as_slice(), &[special(sep), Part::Second { type_id: 0 }, special(sep)]].concat();
        Self { single, pair, trim }
    }
}

/// Reads the post-processor.
pub(super) fn read(value: Option<&Value>, vocabulary: &Vocabulary, place: Place<'_>) -> Result<Templates, Diagnostic> {
    let Some(fields) = Fields::of(value, "post_processor", place)? else { return Ok(Templates::bare(Trim::Off)) };
    let trim = || {
        Ok(match (fields.flag_or("trim_offsets", true)?, fields.flag_or("add_prefix_space", true)?) {
            (false, _) => Trim::Off,
            (true, false) => Trim::On,
            (true, true) => Trim::KeepPrefix,
        })
    };
    let special =
        |key| {
            let token = fields.get(key).and_then(|pair| pair.get(0)).and_then(Value::as_str);
            let id = fields.get(key).and_then(|pair| pair.get(1)).and_then(Value::as_u64);
            match (token, id) {
                (Some(token), Some(id)) if id < vocabulary.pieces.len() as u64 => match vocabulary.id(token) {
                    Some(own) if u64::from(own) == id => Ok(own),
                    _ => Err(place.missing_token("special token", token)),
                },
                (Some(token), Some(_)) => Err(place.missing_token("special token", token)),
                _ => Err(place
                    .malformed("post_processor", format!("`{key}` of `{}` is not a token and its id", fields.kind()))),
            }
        };
    match fields.kind() {
        "BertProcessing" => Ok(Templates::bert(special("cls")?, special("sep")?)),
        "RobertaProcessing" => Ok(Templates::roberta(special("cls")?, special("sep")?, trim()?)),
        "ByteLevel" => Ok(Templates::bare(trim()?)),
        "TemplateProcessing" => {
            let specials = fields.object("special_tokens")?;
            Ok(Templates {
                single: parts(fields.list("single")?, false, specials, vocabulary, place)?,
                pair: parts(fields.list("pair")?, true, specials, vocabulary, place)?,
                trim: Trim::Off,
            })
        }
        "Sequence" => {
            let parts = fields.list("processors")?;
            let kinds: Vec<_> =
                parts.iter().map(|part| part.get("type").and_then(Value::as_str).unwrap_or_default()).collect();
            match (parts, kinds.as_slice()) {
                ([one], _) => read(Some(one), vocabulary, place),
                ([bytes, other], ["ByteLevel", "TemplateProcessing" | "BertProcessing"]) => {
                    let trim = read(Some(bytes), vocabulary, place)?.trim;
                    Ok(Templates { trim, ..read(Some(other), vocabulary, place)? })
                }
                _ => Err(place.unsupported("post_processor", &format!("Sequence of {}", kinds.join(", ")), SUPPORTED)),
            }
        }
        other => Err(place.unsupported("post_processor", other, SUPPORTED)),
    }
}

fn parts(
    parts: &[Value],
    pair: bool,
    specials: &Map<String, Value>,
    vocabulary: &Vocabulary,
    place: Place<'_>,
) -> Result<Vec<Part>, Diagnostic> {
    let wrong = |what: String| place.malformed("post_processor", what);
    let mut out = Vec::new();
    for part in parts {
        let (kind, of) = part
            .as_object()
            .and_then(|part| part.iter().next())
            .ok_or_else(|| wrong(format!("{part} is not a part of a template")))?;
        let type_id = of.get("type_id").and_then(Value::as_u64).and_then(|id| u8::try_from(id).ok());
        let (Some(name), Some(type_id)) = (of.get("id").and_then(Value::as_str), type_id) else {
            return Err(wrong(format!("{part} has no `id` or no `type_id` below 256")));
        };
        match (kind.as_str(), name) {
            ("Sequence", "A") => out.push(Part::First { type_id }),
            ("Sequence", "B") if pair => out.push(Part::Second { type_id }),
            ("SpecialToken", token) => {
                let ids = specials.get(token).and_then(|special| special.get("ids")).and_then(Value::as_array);
                for id in ids.ok_or_else(|| wrong(format!("`special_tokens` has no ids for `{token}`")))? {
                    match id.as_u64().and_then(|id| u32::try_from(id).ok()) {
                        Some(id) if (id as usize) < vocabulary.pieces.len() => out.push(Part::Special { id, type_id }),
                        _ => return Err(place.missing_token("special token", token)),
                    }
                }
            }
            _ => return Err(wrong(format!("{part} is not a part of this template"))),
        }
    }
    Ok(out)
}

/// Reads the truncation.
pub(super) fn read_truncation(value: Option<&Value>, place: Place<'_>) -> Result<Truncation, Diagnostic> {
    let Some(fields) = Fields::of(value, "truncation", place)? else { return Ok(Truncation::NONE) };
    let name = |key, absent| fields.get(key).map_or(Ok(absent), |_| fields.text(key));
    let max_len = fields
        .get("max_length")
        .and_then(Value::as_u64)
        .ok_or_else(|| place.malformed("truncation", "`max_length` is missing"))?;
    Ok(Truncation {
        max_len: u32::try_from(max_len).unwrap_or(u32::MAX),
        side: match name("direction", "Right")? {
            "Left" => Side::Left,
            "Right" => Side::Right,
            other => return Err(place.unsupported("truncation", other, "Left and Right")),
        },
        strategy: match name("strategy", "LongestFirst")? {
            "LongestFirst" => Strategy::LongestFirst,
            "OnlyFirst" => Strategy::OnlyFirst,
            "OnlySecond" => Strategy::OnlySecond,
            other => return Err(place.unsupported("truncation", other, "LongestFirst, OnlyFirst and OnlySecond")),
        },
    })
}
