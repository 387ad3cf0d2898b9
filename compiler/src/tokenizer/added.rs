//! `added_tokens` of `tokenizer.json` ▶ tokens found in the text.

use modeldeploy_format::tokenizer::{Added, AddedToken, Writer};
use serde::Deserialize;

use super::codes::Place;
use super::trie;
use super::vocabulary::Vocabulary;
use crate::diagnostic::Diagnostic;

/// A token as it stands in the file.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct RawToken {
    pub(super) id: u32,
    pub(super) content: String,
    #[serde(default)]
    pub(super) single_word: bool,
    #[serde(default)]
    pub(super) lstrip: bool,
    #[serde(default)]
    pub(super) rstrip: bool,
    #[serde(default)]
    pub(super) normalized: bool,
}

impl RawToken {
    /// A special token, found as it is written.
    pub(super) fn special(id: u32, content: &str) -> Self {
        Self { id, content: content.to_owned(), single_word: false, lstrip: false, rstrip: false, normalized: false }
    }
}

/// Puts tokens that are not pieces of the model behind them; the number of those.
pub(super) fn extend(tokens: &[RawToken], vocabulary: &mut Vocabulary, place: Place<'_>) -> Result<usize, Diagnostic> {
    let own = vocabulary.pieces.len();
    for token in tokens {
        let id = vocabulary.id(&token.content).unwrap_or_else(|| vocabulary.push(&token.content));
        if id != token.id {
            return Err(place.vocabulary(format!(
                "the added token `{}` says that its id is {}, and it is {id}",
                token.content, token.id
            )));
        }
    }
    Ok(vocabulary.pieces.len() - own)
}

/// Writes the tokens; `normalized` is what the tokenizer makes of a text before it looks for those that are looked for there.
pub(super) fn write(
    writer: &mut Writer,
    tokens: &[RawToken],
    vocabulary: &Vocabulary,
    normalized: impl Fn(&str) -> String,
    place: Place<'_>,
) -> Result<(), Diagnostic> {
    let ids = tokens.iter().map(|token| vocabulary.id(&token.content).expect("`extend` put it there"));
    let records: Vec<AddedToken> = ids
        .zip(tokens)
        .map(|(id, token)| AddedToken {
            id,
            single_word: token.single_word,
            lstrip: token.lstrip,
            rstrip: token.rstrip,
        })
        .collect();
    let numbered = || (0..).zip(tokens);
    let raw = numbered().filter(|(_, token)| !token.normalized).map(|(i, token)| (token.content.clone(), i)).collect();
    let changed =
        numbered().filter(|(_, token)| token.normalized).map(|(i, token)| (normalized(&token.content), i)).collect();
    Added::write(writer, &records, &units(raw, place)?, &units(changed, place)?);
    Ok(())
}

/// The trie of spellings, each of which must be another.
fn units(mut spellings: Vec<(String, u32)>, place: Place<'_>) -> Result<Vec<u32>, Diagnostic> {
    spellings.sort();
    if let Some(twice) = spellings.windows(2).find(|pair| pair[0].0 == pair[1].0) {
        return Err(place.malformed("added_tokens", format!("two added tokens are written `{}`", twice[0].0)));
    }
    if spellings.iter().any(|(spelling, _)| spelling.is_empty()) {
        return Err(place.malformed("added_tokens", "an added token is empty, or normalisation leaves nothing of it"));
    }
    trie::build(spellings.iter().map(|(spelling, i)| (spelling.as_bytes(), *i)))
        .ok_or_else(|| place.vocabulary("the added tokens are too many"))
}
