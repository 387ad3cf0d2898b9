//! A text made from the keys of a JSON line: `{title}, {category}`; a bare `title` is the key alone.

use super::{Problems, TextFile};
use serde_json::{Map, Value};

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Text(String),
    Key(String),
}

/// The template, in pieces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Template(Vec<Piece>);

impl Template {
    /// Reads a template; `{{` and `}}` are braces themselves.
    pub(crate) fn parse(text: &str) -> Result<Template, String> {
        let mut pieces = vec![];
        let mut plain = String::new();
        let mut rest = text;
        while let Some(at) = rest.find(['{', '}']) {
            plain.push_str(&rest[..at]);
            let brace = &rest[at..];
            if let Some(after) = brace.strip_prefix("{{").or_else(|| brace.strip_prefix("}}")) {
                plain.push_str(&brace[..1]);
                rest = after;
            } else if let Some((key, after)) = brace.strip_prefix('{').and_then(|inner| inner.split_once('}')) {
                if key.is_empty() || key.contains('{') {
                    return Err(format!("`{{{key}}}` names no key"));
                }
                if !plain.is_empty() {
                    pieces.push(Piece::Text(std::mem::take(&mut plain)));
                }
                pieces.push(Piece::Key(key.to_owned()));
                rest = after;
            } else {
                return Err(format!("a brace of `{text}` has no partner"));
            }
        }
        plain.push_str(rest);
        if pieces.is_empty() {
            if plain.is_empty() || plain.chars().any(char::is_whitespace) {
                return Err(format!("`{text}` names no key"));
            }
            return Ok(Template(vec![Piece::Key(plain)]));
        }
        if !plain.is_empty() {
            pieces.push(Piece::Text(plain));
        }
        Ok(Template(pieces))
    }

    pub(crate) fn fill(
        &self,
        file: &TextFile,
        line: usize,
        object: &Map<String, Value>,
        problems: &mut Problems,
    ) -> Option<String> {
        let mut text = Some(String::new());
        for piece in &self.0 {
            let value = match piece {
                Piece::Text(plain) => Some(plain.clone()),
                Piece::Key(key) => file.field(line, object, key, problems),
            };
            match (&mut text, value) {
                (Some(text), Some(value)) => text.push_str(&value),
                (text, _) => *text = None,
            }
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use modeldeploy_format::Digest;

    fn fill(template: &str) -> Result<String, Vec<crate::diagnostic::Diagnostic>> {
        let text = r#"{"title": "Pan", "price": 7.5, "tags": []}"#;
        let file = TextFile { shown: "a.jsonl".into(), text: text.into(), digest: Digest::from_bytes([0; 32]) };
        let mut problems = Problems::default();
        let (line, object) = file.objects(&mut problems).remove(0);
        let filled = Template::parse(template).expect("a template").fill(&file, line, &object, &mut problems);
        problems.or(filled.unwrap_or_default())
    }

    #[test]
    fn keys_are_replaced() {
        for (template, filled) in [
            ("title", "Pan"),
            ("{title}", "Pan"),
            ("{title}: {price} {{net}}", "Pan: 7.5 {net}"),
            ("a {title}", "a Pan"),
        ] {
            assert_eq!(fill(template).expect(template), filled);
        }
    }

    #[test]
    fn a_key_that_is_not_there_is_an_error() {
        for (template, said) in [("{titel}", "did you mean `title`"), ("{tags}", "neither text nor number")] {
            let errors = fill(template).expect_err(template);
            assert!(
                errors[0].to_string().contains(said) && errors[0].to_string().contains("a.jsonl:1"),
                "{}",
                errors[0]
            );
        }
    }

    #[test]
    fn what_is_no_template_is_refused() {
        for wrong in ["", "{", "}", "{}", "a { b", "two words", "{a{b}"] {
            assert!(Template::parse(wrong).is_err(), "{wrong}");
        }
    }
}
