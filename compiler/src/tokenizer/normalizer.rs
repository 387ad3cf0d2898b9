//! `normalizer` of `tokenizer.json` ▶ steps over tables.

use std::collections::HashMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use modeldeploy_format::tokenizer::{Map, Writer, step};
use serde_json::Value;

use super::codes::Place;
use super::fields::Fields;
use super::unicode;
use crate::diagnostic::Diagnostic;

const SUPPORTED: &str = "BertNormalizer, Sequence, NFC, NFD, NFKC, NFKD, StripAccents, Lowercase, Nmt, Precompiled, Prepend, Strip, \
                         and Replace of a string or of ` {2,}`";

/// One operation, as the Hugging Face library has it.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Op {
    /// Control characters go, white space becomes a space.
    Clean,
    /// Spaces around Chinese characters.
    PadChinese,
    /// Nonspacing marks go.
    DropMarks,
    /// All marks go.
    StripAccents,
    Lowercase,
    /// SentencePiece's cleaning.
    Nmt,
    /// A normalisation form.
    Form {
        compatible: bool,
        composed: bool,
    },
    Charsmap(Vec<u8>),
    Replace(String, String),
    CollapseSpaces(String),
    Prepend(String),
    Strip(bool, bool),
}

/// BERT's normaliser.
pub(super) fn bert(clean: bool, chinese: bool, strip_accents: Option<bool>, lowercase: bool) -> Vec<Op> {
    let mut ops = Vec::new();
    if clean {
        ops.push(Op::Clean);
    }
    if chinese {
        ops.push(Op::PadChinese);
    }
    if strip_accents.unwrap_or(lowercase) {
        ops.extend([Op::Form { compatible: false, composed: false }, Op::DropMarks]);
    }
    if lowercase {
        ops.push(Op::Lowercase);
    }
    ops
}

/// Reads the operations.
pub(super) fn read(value: Option<&Value>, place: Place<'_>) -> Result<Vec<Op>, Diagnostic> {
    let Some(fields) = Fields::of(value, "normalizer", place)? else { return Ok(Vec::new()) };
    let form = |compatible, composed| Ok(vec![Op::Form { compatible, composed }]);
    match fields.kind() {
        "BertNormalizer" => Ok(bert(
            fields.flag("clean_text")?,
            fields.flag("handle_chinese_chars")?,
            fields.get("strip_accents").and_then(Value::as_bool),
            fields.flag("lowercase")?,
        )),
        "Sequence" => {
            let parts = fields.list("normalizers")?.iter().map(|part| read(Some(part), place));
            parts.collect::<Result<Vec<_>, _>>().map(|parts| parts.concat())
        }
        "NFD" => form(false, false),
        "NFC" => form(false, true),
        "NFKD" => form(true, false),
        "NFKC" => form(true, true),
        "StripAccents" => Ok(vec![Op::StripAccents]),
        "Lowercase" => Ok(vec![Op::Lowercase]),
        "Nmt" => Ok(vec![Op::Nmt]),
        "Precompiled" => {
            let bytes = STANDARD.decode(fields.text("precompiled_charsmap")?).map_err(|error| {
                place.malformed("normalizer", format!("`precompiled_charsmap` is not base64: {error}"))
            })?;
            charsmap_parts(&bytes)
                .ok_or_else(|| place.malformed("normalizer", "`precompiled_charsmap` is cut short or not UTF-8"))?;
            Ok(vec![Op::Charsmap(bytes)])
        }
        "Replace" => {
            let content = fields.text("content")?.to_owned();
            let pattern = fields.get("pattern");
            let of = |key| pattern.and_then(|pattern| pattern.get(key)).and_then(Value::as_str);
            match (of("String"), of("Regex")) {
                (Some(""), _) => Err(place.malformed("normalizer", "`Replace` looks for an empty string")),
                (Some(from), _) => Ok(vec![Op::Replace(from.to_owned(), content)]),
                (_, Some(" {2,}")) => Ok(vec![Op::CollapseSpaces(content)]),
                (_, Some(other)) => {
                    Err(place.unsupported("normalizer", &format!("Replace of the expression {other}"), SUPPORTED))
                }
                _ => Err(place.malformed("normalizer", "`Replace` has no `pattern`")),
            }
        }
        "Prepend" => Ok(vec![Op::Prepend(fields.text("prepend")?.to_owned())]),
        "Strip" => Ok(vec![Op::Strip(fields.flag("strip_left")?, fields.flag("strip_right")?)]),
        other => Err(place.unsupported("normalizer", other, SUPPORTED)),
    }
}

/// The units and the texts of SentencePiece's rules: a length, the units, the texts.
fn charsmap_parts(bytes: &[u8]) -> Option<(&[u8], &str)> {
    let (len, rest) = bytes.split_first_chunk()?;
    let (units, texts) = rest.split_at_checked(u32::from_le_bytes(*len) as usize & !3)?;
    Some((units, std::str::from_utf8(texts).ok()?))
}

/// Writes the operations as steps.
pub(super) fn write(writer: &mut Writer, ops: &[Op]) {
    match CharMap::fused(ops) {
        Some(map) => {
            writer.u32(1);
            Map::write(writer, &map.codes, &map.texts);
        }
        None => writer.u32(0),
    }
    // Operations on single characters that stand together are one table.
    let steps: Vec<&[Op]> = ops.chunk_by(|a, b| simple(a, ' ').is_some() && simple(b, ' ').is_some()).collect();
    writer.u32(steps.len() as u32);
    for ops in steps {
        match &ops[0] {
            Op::Form { compatible, composed } => {
                let map = CharMap::new(|c| (unicode::decomposition(c, *compatible), false));
                let compositions = if *composed { unicode::compositions() } else { Vec::new() };
                step::unicode(writer, (&map.codes, &map.texts), &unicode::combining_classes(), &compositions);
            }
            Op::Charsmap(bytes) => {
                let (units, texts) = charsmap_parts(bytes).expect("`read` looked at it");
                step::charsmap(writer, units, texts);
            }
            Op::Replace(from, to) => step::replace(writer, from, to),
            Op::CollapseSpaces(to) => step::collapse_spaces(writer, to),
            Op::Prepend(text) => step::prepend(writer, text),
            Op::Strip(left, right) => step::strip(writer, *left, *right),
            Op::Clean | Op::PadChinese | Op::DropMarks | Op::StripAccents | Op::Lowercase | Op::Nmt => {
                let map = CharMap::new(|c| {
                    let all = ops.iter().fold(vec![c], |text, op| {
                        text.into_iter().flat_map(|c| simple(op, c).unwrap_or_else(|| vec![c])).collect()
                    });
                    (all, false)
                });
                step::map(writer, &map.codes, &map.texts);
            }
        }
    }
}

/// What an operation that looks at one character alone makes of it; `None` for the others.
fn simple(op: &Op, c: char) -> Option<Vec<char>> {
    let without = |gone: bool| if gone { vec![] } else { vec![c] };
    Some(match op {
        Op::Clean if unicode::is_unclean(c) => vec![],
        Op::Clean => vec![if c.is_whitespace() { ' ' } else { c }],
        Op::PadChinese if unicode::is_chinese(c) => vec![' ', c, ' '],
        Op::PadChinese => vec![c],
        Op::DropMarks => without(unicode::is_nonspacing_mark(c)),
        Op::StripAccents => without(unicode::is_combining_mark(c)),
        Op::Lowercase => c.to_lowercase().collect(),
        Op::Nmt => match u32::from(c) {
            0x01..=0x08 | 0x0B | 0x0E..=0x1F | 0x7F | 0x8F | 0x9F => vec![],
            0x09 | 0x0A | 0x0C | 0x0D | 0x1680 | 0x200B..=0x200F | 0x2028 | 0x2029 | 0x2581 | 0xFEFF | 0xFFFD => {
                vec![' ']
            }
            _ => vec![c],
        },
        Op::Form { .. }
        | Op::Charsmap(_)
        | Op::Replace(..)
        | Op::CollapseSpaces(_)
        | Op::Prepend(_)
        | Op::Strip(..) => return None,
    })
}

/// A code for each character and the texts that codes name.
struct CharMap {
    codes: Vec<u16>,
    texts: Vec<String>,
}

impl CharMap {
    /// The table of `of`: what becomes of a character, and whether that cannot be said of it alone. Of a character `of` asks what
    /// `unicode` and `char` know.
    fn new(of: impl Fn(char) -> (Vec<char>, bool)) -> Self {
        let mut numbers: HashMap<String, u16> = HashMap::new();
        let mut texts = Vec::new();
        let codes = unicode::table_by_kind(Map::KEEP, |c| match of(c) {
            (_, true) => Map::SLOW,
            (text, _) if text == [c] => Map::KEEP,
            (text, _) if text == [' ', c, ' '] => Map::PAD,
            (text, _) if unicode::is_syllable(c) && text == unicode::decomposition(c, false) => Map::HANGUL,
            (text, _) => *numbers.entry(text.into_iter().collect()).or_insert_with_key(|text| {
                texts.push(text.clone());
                Map::TEXT
                    + u16::try_from(texts.len() - 1).expect("Unicode has fewer than 2^16 - 4 distinct replacements")
            }),
        });
        Self { codes, texts }
    }

    /// All operations at once, if each can be done character by character where no marks have to be put in order.
    fn fused(ops: &[Op]) -> Option<Self> {
        let decomposed = |op: &Op| matches!(op, Op::Form { composed: false, .. });
        if ops.is_empty() || !ops.iter().all(|op| decomposed(op) || simple(op, ' ').is_some()) {
            return None;
        }
        let classes = unicode::combining_classes();
        Some(Self::new(|c| {
            // Each character with whether it is a mark that a decomposition might move.
            let all = ops.iter().fold(vec![(c, false)], |text, op| {
                let each = |(c, moves): (char, bool)| -> Vec<(char, bool)> {
                    match op {
                        Op::Form { compatible, .. } => unicode::decomposition(c, *compatible)
                            .into_iter()
                            .map(|c| (c, moves || classes[c as usize] != 0))
                            .collect(),
                        op => simple(op, c).unwrap_or_default().into_iter().map(|c| (c, moves)).collect(),
                    }
                };
                text.into_iter().flat_map(each).collect()
            });
            let slow = all.iter().any(|&(_, moves)| moves);
            (all.into_iter().map(|(c, _)| c).collect(), slow)
        }))
    }
}
