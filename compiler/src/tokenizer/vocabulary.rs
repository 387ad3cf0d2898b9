//! The pieces of a model by id: none missing, none twice.

use std::collections::HashMap;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};

use super::codes::Place;
use crate::diagnostic::Diagnostic;

/// More pieces than the tables take.
const MOST_PIECES: usize = 1 << 24;

/// `vocab` of `tokenizer.json`: an object of piece to id, or a list of piece and score.
pub(super) enum RawVocabulary {
    /// In the order of the file, repeats kept.
    Ids(Vec<(String, u32)>),
    /// The place in the list is the id.
    Scores(Vec<(String, f64)>),
}

impl<'de> Deserialize<'de> for RawVocabulary {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = RawVocabulary;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of piece to id, or a list of piece and score")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut ids = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    ids.push(entry);
                }
                Ok(RawVocabulary::Ids(ids))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
                let mut scores = Vec::new();
                while let Some(entry) = list.next_element()? {
                    scores.push(entry);
                }
                Ok(RawVocabulary::Scores(scores))
            }
        }
        deserializer.deserialize_any(Either)
    }
}

/// Pieces by id, and back.
#[derive(Debug)]
pub(super) struct Vocabulary {
    pub(super) pieces: Vec<String>,
    ids: HashMap<String, u32>,
}

impl Vocabulary {
    /// From piece and id, in any order.
    pub(super) fn from_ids(mut entries: Vec<(String, u32)>, place: Place<'_>) -> Result<Self, Diagnostic> {
        entries.sort_by_key(|&(_, id)| id);
        for (expected, (piece, id)) in (0..).zip(&entries) {
            if *id > expected {
                return Err(place.vocabulary(format!("no piece has id {expected}, and `{piece}` has id {id}")));
            }
            if *id < expected {
                return Err(place.vocabulary(format!("two pieces have id {id}; one is `{piece}`")));
            }
        }
        Self::from_pieces(entries.into_iter().map(|(piece, _)| piece).collect(), place)
    }

    /// From the pieces in order of id.
    pub(super) fn from_pieces(pieces: Vec<String>, place: Place<'_>) -> Result<Self, Diagnostic> {
        if pieces.is_empty() {
            return Err(place.vocabulary("the vocabulary is empty"));
        }
        if pieces.len() > MOST_PIECES {
            return Err(
                place.vocabulary(format!("the vocabulary has {} pieces; the most is {MOST_PIECES}", pieces.len()))
            );
        }
        let mut ids = HashMap::with_capacity(pieces.len());
        for (id, piece) in (0..).zip(&pieces) {
            if let Some(before) = ids.insert(piece.clone(), id) {
                return Err(place.vocabulary(format!(
                    "the piece `{}` is there twice, with ids {before} and {id}",
                    piece.escape_debug()
                )));
            }
        }
        Ok(Self { pieces, ids })
    }

    /// The id of a piece.
    pub(super) fn id(&self, piece: &str) -> Option<u32> {
        self.ids.get(piece).copied()
    }

    /// Adds a piece at the end.
    pub(super) fn push(&mut self, piece: &str) -> u32 {
        let id = self.pieces.len() as u32;
        self.pieces.push(piece.to_owned());
        self.ids.insert(piece.to_owned(), id);
        id
    }

    /// All pieces with their ids.
    pub(super) fn entries(&self) -> impl Iterator<Item = (&str, u32)> {
        self.pieces.iter().map(String::as_str).zip(0..)
    }
}
