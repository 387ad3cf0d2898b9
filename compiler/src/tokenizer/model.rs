//! `model` of `tokenizer.json` ▶ tables of WordPiece, byte-level BPE or Unigram.

use modeldeploy_format::tokenizer::{Bpe, NONE, Unigram, WordPiece, Writer};
use serde::Deserialize;

use super::codes::Place;
use super::trie;
use super::vocabulary::{RawVocabulary, Vocabulary};
use crate::diagnostic::Diagnostic;

const SUPPORTED: &str = "WordPiece, BPE over bytes without dropout, prefix or suffix, and Unigram";

/// What is taken off the worst score for a character that no piece spells, as in SentencePiece.
const UNKNOWN_PENALTY: f64 = 10.0;

/// `model` as it stands in the file.
#[derive(Deserialize)]
pub(super) struct RawModel {
    #[serde(rename = "type")]
    kind: Option<String>,
    vocab: RawVocabulary,
    merges: Option<Vec<RawMerge>>,
    unk_token: Option<String>,
    unk_id: Option<u32>,
    continuing_subword_prefix: Option<String>,
    end_of_word_suffix: Option<String>,
    max_input_chars_per_word: Option<u32>,
    dropout: Option<f64>,
    byte_fallback: Option<bool>,
    ignore_merges: Option<bool>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum RawMerge {
    Pair(String, String),
    Line(String),
}

/// A model that can be written.
pub(super) enum Model {
    WordPiece { unk: u32, max_chars: u32, prefix: String },
    Bpe { bytes: Box<[u32; 256]>, whole: bool, merges: Vec<[u32; 3]> },
    Unigram { unk: u32, scores: Vec<f64>, byte_fallback: bool },
}

impl Model {
    /// WordPiece with the pieces of `vocabulary`.
    pub(super) fn word_piece(
        vocabulary: &Vocabulary,
        unk: &str,
        max_chars: u32,
        prefix: &str,
        place: Place<'_>,
    ) -> Result<Self, Diagnostic> {
        let unk = vocabulary.id(unk).ok_or_else(|| place.missing_token("unknown token", unk))?;
        Ok(Self::WordPiece { unk, max_chars, prefix: prefix.to_owned() })
    }
}

/// Reads the model and its vocabulary; `byte_level` says that words are spelled in bytes.
pub(super) fn read(raw: RawModel, byte_level: bool, place: Place<'_>) -> Result<(Model, Vocabulary), Diagnostic> {
    // Old files leave the type out; only BPE has merges.
    let kind = match (&raw.kind, &raw.merges, &raw.vocab) {
        (Some(kind), ..) => kind.as_str(),
        (None, Some(_), _) => "BPE",
        (None, None, RawVocabulary::Scores(_)) => "Unigram",
        (None, None, RawVocabulary::Ids(_)) => "WordPiece",
    };
    match (kind, raw.vocab) {
        ("WordPiece", RawVocabulary::Ids(ids)) => {
            let vocabulary = Vocabulary::from_ids(ids, place)?;
            let unk = raw
                .unk_token
                .as_deref()
                .ok_or_else(|| place.malformed("model", "`unk_token` of `WordPiece` is missing"))?;
            let prefix = raw.continuing_subword_prefix.as_deref().unwrap_or("##");
            let max_chars = raw.max_input_chars_per_word.unwrap_or(100);
            Ok((Model::word_piece(&vocabulary, unk, max_chars, prefix, place)?, vocabulary))
        }
        ("BPE", RawVocabulary::Ids(ids)) => {
            let is_set = |text: &Option<String>| text.as_deref().is_some_and(|text| !text.is_empty());
            let with = if !byte_level {
                Some("BPE without a ByteLevel pre-tokenizer")
            } else if raw.dropout.is_some_and(|dropout| dropout != 0.0) {
                Some("BPE with dropout")
            } else if is_set(&raw.continuing_subword_prefix) || is_set(&raw.end_of_word_suffix) {
                Some("BPE with a prefix or a suffix")
            } else {
                None
            };
            if let Some(with) = with {
                return Err(place.unsupported("model", with, SUPPORTED));
            }
            let vocabulary = Vocabulary::from_ids(ids, place)?;
            let bytes = byte_ids(&vocabulary, place)?;
            let merges = raw
                .merges
                .unwrap_or_default()
                .into_iter()
                .filter_map(|merge| read_merge(merge, &vocabulary, place).transpose());
            let merges = merges.collect::<Result<_, _>>()?;
            Ok((Model::Bpe { bytes, whole: raw.ignore_merges.unwrap_or(false), merges }, vocabulary))
        }
        ("Unigram", RawVocabulary::Scores(entries)) => {
            let (pieces, scores): (Vec<_>, Vec<_>) = entries.into_iter().unzip();
            let vocabulary = Vocabulary::from_pieces(pieces, place)?;
            let unk = raw.unk_id.ok_or_else(|| place.malformed("model", "`unk_id` of `Unigram` is missing"))?;
            if unk as usize >= vocabulary.pieces.len() {
                return Err(place.malformed(
                    "model",
                    format!("`unk_id` is {unk}, and there are {} pieces", vocabulary.pieces.len()),
                ));
            }
            Ok((Model::Unigram { unk, scores, byte_fallback: raw.byte_fallback.unwrap_or(false) }, vocabulary))
        }
        ("WordPiece" | "BPE" | "Unigram", _) => {
            Err(place.malformed("model", format!("`vocab` of `{kind}` has another form")))
        }
        (other, _) => Err(place.unsupported("model", other, SUPPORTED)),
    }
}

/// The character by which a byte-level vocabulary spells each byte: printable Latin-1 stands for itself, the others are U+0100 and on.
fn byte_chars() -> [char; 256] {
    let mut next = 0x100;
    std::array::from_fn(|byte| match byte as u8 {
        plain @ (b'!'..=b'~' | 0xA1..=0xAC | 0xAE..=0xFF) => char::from(plain),
        _ => {
            next += 1;
            char::from_u32(next - 1).expect("U+0100 to U+0144 are characters")
        }
    })
}

fn byte_ids(vocabulary: &Vocabulary, place: Place<'_>) -> Result<Box<[u32; 256]>, Diagnostic> {
    let mut ids = Box::new([0; 256]);
    for (id, c) in ids.iter_mut().zip(byte_chars()) {
        *id = vocabulary.id(c.encode_utf8(&mut [0; 4])).ok_or_else(|| place.missing_token("byte", &c.to_string()))?;
    }
    Ok(ids)
}

/// The two pieces and the one that comes of them; none for a line that is a comment.
fn read_merge(merge: RawMerge, vocabulary: &Vocabulary, place: Place<'_>) -> Result<Option<[u32; 3]>, Diagnostic> {
    let (left, right) = match &merge {
        RawMerge::Pair(left, right) => (left.as_str(), right.as_str()),
        RawMerge::Line(line) if line.starts_with("#version") => return Ok(None),
        RawMerge::Line(line) => line
            .split_once(' ')
            .filter(|(_, right)| !right.contains(' '))
            .ok_or_else(|| place.malformed("model", format!("the merge `{line}` is not two pieces")))?,
    };
    let id = |piece: &str| vocabulary.id(piece).ok_or_else(|| place.missing_token("merge's piece", piece));
    Ok(Some([id(left)?, id(right)?, id(&format!("{left}{right}"))?]))
}

/// Writes the model; `pieces` is the whole vocabulary, with what was added to the model's own at its end.
pub(super) fn write(
    writer: &mut Writer,
    model: &Model,
    vocabulary: &Vocabulary,
    added: usize,
    place: Place<'_>,
) -> Result<(), Diagnostic> {
    let own = || vocabulary.entries().take(vocabulary.pieces.len() - added);
    let built = |units: Option<Vec<u32>>| {
        units.ok_or_else(|| place.vocabulary("the vocabulary is too large for a trie of 2^21 units"))
    };
    let all = || built(trie::build(own().map(|(piece, id)| (piece.as_bytes(), id))));
    match model {
        Model::WordPiece { unk, max_chars, prefix } => {
            let rest = own().filter_map(|(piece, id)| Some((piece.strip_prefix(prefix.as_str())?.as_bytes(), id)));
            WordPiece::write(writer, *unk, *max_chars, &all()?, &built(trie::build(rest))?);
        }
        Model::Bpe { bytes, whole, merges } => {
            let chars = byte_chars();
            let byte_of = |c| chars.iter().position(|&other| other == c).map(|byte| byte as u8);
            let spelled: Vec<(Vec<u8>, u32)> = if *whole {
                own().filter_map(|(piece, id)| Some((piece.chars().map(byte_of).collect::<Option<_>>()?, id))).collect()
            } else {
                Vec::new()
            };
            let units =
                whole.then(|| built(trie::build(spelled.iter().map(|(key, id)| (key.as_slice(), *id))))).transpose()?;
            Bpe::write(writer, bytes, units.as_deref(), merges);
        }
        Model::Unigram { unk, scores, byte_fallback } => {
            let worst = scores.iter().copied().fold(f64::INFINITY, f64::min);
            // Pieces added to the model's own have no score and are not in its trie.
            let all_scores: Vec<f64> = scores.iter().copied().chain(std::iter::repeat_n(0.0, added)).collect();
            let byte_id = |byte: u8| vocabulary.id(&format!("<0x{byte:02X}>")).unwrap_or(NONE);
            let bytes: Vec<u32> = if *byte_fallback { (0..=u8::MAX).map(byte_id).collect() } else { Vec::new() };
            Unigram::write(writer, *unk, worst - UNKNOWN_PENALTY, &all()?, &all_scores, &bytes);
        }
    }
    Ok(())
}
