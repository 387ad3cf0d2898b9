//! Which words of the query and of a product's titles drew the two together.
//!
//! A word counts by how much the similarity falls when it is left out (occlusion): the score of the whole minus the score
//! without the word, both by the encoder itself: what the re-ranker makes of them is not weighed. Weights are shown relative to the strongest word of their text.

use crate::QueryEncoder;
use crate::catalogue::Product;
use crate::search::BothLanguages;
use modeldeploy::Embedding;
use modeldeploy_service::{Batched, Refusal};
use serde::Serialize;
use unicode_segmentation::UnicodeSegmentation;

/// Words past this many are not weighed: a shopper's query and a title are shorter.
const MAX_WORDS: usize = 32;

/// A piece of a text: a word, or what stands between words.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Piece {
    text: String,
    /// From 0 (no effect, or against) to 1 (the strongest word of this text).
    weight: f32,
}

/// The pieces of the query and of the titles; joined, they give the texts back.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Why {
    query: Vec<Piece>,
    title: BothLanguages<Vec<Piece>>,
}

/// Whether a text has Chinese characters.
pub(crate) fn is_chinese(text: &str) -> bool {
    text.chars().any(|c| matches!(c, '\u{3400}'..='\u{9fff}' | '\u{20000}'..='\u{3ffff}'))
}

/// Weighs the words of the query, whose vector is `whole`, and of each product's titles.
pub(crate) async fn explain(
    encoder: &Batched<QueryEncoder>,
    query: &str,
    whole: &Embedding<QueryEncoder>,
    products: &[&Product],
) -> Result<Vec<Why>, Refusal> {
    let query = Words::of(query);
    let queries = encoder.embed_batch(query.without_each(|rest| rest)).await?;
    let mut whys = Vec::with_capacity(products.len());
    for &product in products {
        let (en, zh) = (Words::of(&product.title_en), Words::of(&product.title_zh));
        let mut texts = vec![product.text()];
        texts.extend(en.without_each(|rest| Product { title_en: rest, ..product.clone() }.text()));
        texts.extend(zh.without_each(|rest| Product { title_zh: rest, ..product.clone() }.text()));
        let vectors = encoder.embed_batch(texts).await?;
        let (target, vectors) = vectors.split_first().expect("a vector for each text");
        let score = whole.dot(target);
        let falls: Vec<f32> = queries.iter().map(|without| score - without.dot(target)).collect();
        let title_falls: Vec<f32> = vectors.iter().map(|without| score - whole.dot(without)).collect();
        let (en_falls, zh_falls) = title_falls.split_at(en.words.len());
        // One scale for both languages: a title that does not matter is not marked.
        let strongest = title_falls.iter().copied().fold(0.0, f32::max);
        whys.push(Why {
            query: query.weighed(&falls, None),
            title: BothLanguages {
                en: en.weighed(en_falls, Some(strongest)),
                zh: zh.weighed(zh_falls, Some(strongest)),
            },
        });
    }
    Ok(whys)
}

/// A text in pieces, and which of them are words.
struct Words<'a> {
    pieces: Vec<&'a str>,
    /// Places in `pieces`.
    words: Vec<usize>,
}

impl<'a> Words<'a> {
    /// Words by Unicode's rules (UAX #29): a Chinese character is a word of its own.
    fn of(text: &'a str) -> Words<'a> {
        let pieces: Vec<&str> = text.split_word_bounds().collect();
        let is_word = |piece: &str| piece.chars().any(char::is_alphanumeric);
        let words = (0..pieces.len()).filter(|&at| is_word(pieces[at])).take(MAX_WORDS).collect();
        Words { pieces, words }
    }

    /// For each word, a text made of all the others.
    fn without_each(&self, text: impl Fn(String) -> String) -> Vec<String> {
        let without = |word: &usize| {
            let rest = self.pieces.iter().enumerate().filter(|(at, _)| at != word).map(|(_, piece)| *piece);
            text(rest.collect())
        };
        self.words.iter().map(without).collect()
    }

    /// The pieces with their weights: the words' falls over the strongest one.
    fn weighed(&self, falls: &[f32], strongest: Option<f32>) -> Vec<Piece> {
        let strongest = strongest.unwrap_or_else(|| falls.iter().copied().fold(0.0, f32::max));
        let mut pieces: Vec<Piece> =
            self.pieces.iter().map(|&text| Piece { text: text.to_owned(), weight: 0.0 }).collect();
        for (&at, fall) in self.words.iter().zip(falls) {
            if strongest > 0.0 {
                pieces[at].weight = (fall / strongest).clamp(0.0, 1.0);
            }
        }
        pieces
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_join_to_the_text_and_words_are_left_out_one_by_one() {
        let words = Words::of("USB-C 手机壳, red");
        assert_eq!(words.pieces.concat(), "USB-C 手机壳, red");
        let without = words.without_each(|rest| rest);
        assert_eq!(
            without,
            [
                "-C 手机壳, red",
                "USB- 手机壳, red",
                "USB-C 机壳, red",
                "USB-C 手壳, red",
                "USB-C 手机, red",
                "USB-C 手机壳, "
            ]
        );
    }

    #[test]
    fn weights_are_relative_to_the_strongest_and_never_negative() {
        let weights =
            |falls: &[f32]| Words::of("a b c").weighed(falls, None).iter().map(|p| p.weight).collect::<Vec<_>>();
        assert_eq!(weights(&[0.2, 0.4, -0.1]), [0.5, 0.0, 1.0, 0.0, 0.0]);
        assert_eq!(weights(&[-0.2, 0.0, -0.1]), [0.0; 5]);
    }

    #[test]
    fn chinese_is_known_by_its_characters() {
        assert!(is_chinese("USB 手机") && !is_chinese("USB phone é"));
    }
}
