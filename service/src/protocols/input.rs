//! What several protocols call `input`: a text, a list of texts, a list of token ids, or a list of such lists.

use crate::inference::Text;
use serde::Deserialize;
use serde::de::{self, Deserializer, SeqAccess, Visitor};
use std::fmt;

/// Texts or tokens, one or many.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Input(pub(super) Vec<Text>);

impl<'de> Deserialize<'de> for Input {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Input, D::Error> {
        deserializer.deserialize_any(InputVisitor)
    }
}

struct InputVisitor;

/// An element of the list.
enum Element {
    Text(String),
    Token(u32),
    Tokens(Vec<u32>),
}

const EXPECTED: &str = "a string, a list of strings, a list of token ids, or a list of such lists";

impl<'de> Visitor<'de> for InputVisitor {
    type Value = Input;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(EXPECTED)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Input, E> {
        Ok(Input(vec![Text::One(text.to_owned())]))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Input, A::Error> {
        let (mut texts, mut tokens) = (vec![], vec![]);
        while let Some(element) = list.next_element()? {
            match element {
                Element::Token(id) if texts.is_empty() => tokens.push(id),
                Element::Text(text) if tokens.is_empty() => texts.push(Text::One(text)),
                Element::Tokens(ids) if tokens.is_empty() => texts.push(Text::Tokens(ids)),
                _ => return Err(de::Error::custom(format_args!("expected {EXPECTED}"))),
            }
            let mixed = |texts: &[Text]| {
                matches!(texts, [Text::One(_), .., Text::Tokens(_)] | [Text::Tokens(_), .., Text::One(_)])
            };
            if mixed(&texts) {
                return Err(de::Error::custom(format_args!("expected {EXPECTED}")));
            }
        }
        if !tokens.is_empty() {
            texts.push(Text::Tokens(tokens));
        }
        Ok(Input(texts))
    }
}

impl<'de> Deserialize<'de> for Element {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Element, D::Error> {
        struct ElementVisitor;

        impl<'de> Visitor<'de> for ElementVisitor {
            type Value = Element;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(EXPECTED)
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Element, E> {
                Ok(Element::Text(text.to_owned()))
            }

            fn visit_u64<E: de::Error>(self, id: u64) -> Result<Element, E> {
                let id = u32::try_from(id).map_err(|_| E::custom(format_args!("token id {id} is too large")))?;
                Ok(Element::Token(id))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Element, A::Error> {
                let mut ids = vec![];
                while let Some(id) = list.next_element()? {
                    ids.push(id);
                }
                Ok(Element::Tokens(ids))
            }
        }

        deserializer.deserialize_any(ElementVisitor)
    }
}
