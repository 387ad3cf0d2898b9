//! JSON, with numbers as near as f64 has them; `NaN` and `Infinity`, which XGBoost writes, are numbers too.

use super::{Document, MAX_DEPTH};
use std::collections::BTreeMap;

/// The document that `bytes` hold.
pub(in super::super) fn parse(bytes: &[u8]) -> Result<Document, String> {
    let text = std::str::from_utf8(bytes).map_err(|error| format!("byte {} is not UTF-8", error.valid_up_to()))?;
    let mut reader = Reader { text, at: 0 };
    let document = reader.value(0)?;
    reader.space();
    if reader.at != text.len() { Err(reader.wrong("the end")) } else { Ok(document) }
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Reader<'a> {
    fn wrong(&self, wanted: &str) -> String {
        let line =
            self.text.as_bytes()[..self.at.min(self.text.len())].iter().filter(|&&byte| byte == b'\n').count() + 1;
        match self.text.as_bytes().get(self.at) {
            Some(byte) => {
                format!("line {line}: {wanted} should stand where `{}` does", char::from(*byte).escape_default())
            }
            None => format!("line {line}: {wanted} should stand where the file ends"),
        }
    }

    fn space(&mut self) {
        let rest = &self.text.as_bytes()[self.at..];
        self.at += rest.iter().take_while(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r')).count();
    }

    /// Whether `word` comes next, and is taken.
    fn takes(&mut self, word: &str) -> bool {
        let found = self.text.as_bytes()[self.at..].starts_with(word.as_bytes());
        self.at += if found { word.len() } else { 0 };
        found
    }

    fn value(&mut self, depth: usize) -> Result<Document, String> {
        if depth > MAX_DEPTH {
            return Err(format!("it is nested deeper than {MAX_DEPTH} levels"));
        }
        self.space();
        let Some(&byte) = self.text.as_bytes().get(self.at) else { return Err(self.wrong("a value")) };
        match byte {
            b'{' => self.table(depth),
            b'[' => self.items(depth),
            b'"' => self.string().map(Document::Text),
            _ if self.takes("null") => Ok(Document::Null),
            _ if self.takes("true") => Ok(Document::Flag(true)),
            _ if self.takes("false") => Ok(Document::Flag(false)),
            _ => self.number(),
        }
    }

    fn table(&mut self, depth: usize) -> Result<Document, String> {
        self.at += 1;
        let mut table = BTreeMap::new();
        self.space();
        if self.takes("}") {
            return Ok(Document::Table(table));
        }
        loop {
            self.space();
            if !self.text[self.at..].starts_with('"') {
                return Err(self.wrong("a key in quotes"));
            }
            let key = self.string()?;
            self.space();
            if !self.takes(":") {
                return Err(self.wrong("`:`"));
            }
            let value = self.value(depth + 1)?;
            if let Some(_earlier) = table.insert(key, value) {
                return Err(self.wrong("another key than one that is there already"));
            }
            self.space();
            if self.takes("}") {
                return Ok(Document::Table(table));
            }
            if !self.takes(",") {
                return Err(self.wrong("`,` or `}`"));
            }
        }
    }

    fn items(&mut self, depth: usize) -> Result<Document, String> {
        self.at += 1;
        let mut items = vec![];
        self.space();
        if self.takes("]") {
            return Ok(Document::List(items));
        }
        loop {
            items.push(self.value(depth + 1)?);
            self.space();
            if self.takes("]") {
                return Ok(Document::List(items));
            }
            if !self.takes(",") {
                return Err(self.wrong("`,` or `]`"));
            }
        }
    }

    fn string(&mut self) -> Result<String, String> {
        let start = self.at;
        let bytes = self.text.as_bytes();
        let mut at = start + 1;
        loop {
            match bytes.get(at) {
                Some(b'"') => break,
                Some(b'\\') => at += 2,
                Some(byte) if *byte >= 0x20 => at += 1,
                _ => {
                    self.at = at.min(bytes.len());
                    return Err(self.wrong("the end of a text"));
                }
            }
        }
        self.at = at + 1;
        let quoted = &self.text[start..self.at];
        // Escapes are rare; serde_json knows them all.
        if quoted.contains('\\') {
            return serde_json::from_str(quoted).map_err(|error| format!("a text is not one: {error}"));
        }
        Ok(quoted[1..quoted.len() - 1].to_owned())
    }

    fn number(&mut self) -> Result<Document, String> {
        let rest = &self.text[self.at..];
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && !"+-.".contains(c)).unwrap_or(rest.len());
        let number = match &rest[..end] {
            "NaN" => f64::NAN,
            "Infinity" => f64::INFINITY,
            "-Infinity" => f64::NEG_INFINITY,
            word if word.bytes().all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte)) => {
                word.parse().map_err(|_| self.wrong("a value"))?
            }
            _ => return Err(self.wrong("a value")),
        };
        self.at += end;
        Ok(Document::Number(number))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read_and_numbers_are_exact() {
        let document =
            parse(b"{\"a\": [1, -2.5e-3, 0.1, NaN],\n \"b\": {\"\\u0041\": null, \"c\": true}}").expect("JSON");
        let numbers = document.get("a").and_then(Document::numbers).expect("numbers");
        assert_eq!(numbers[..3], [1.0, -0.0025, 0.1]);
        assert_eq!(document.get("b").and_then(|b| b.get("A")), Some(&Document::Null));
        // A number that serde_json, without its feature for it, reads with another last bit.
        let number = parse(b"51.24817837550540").expect("a number").number();
        assert_eq!(number.map(f64::to_bits), Some("51.24817837550540".parse::<f64>().expect("a number").to_bits()));
    }

    #[test]
    fn what_is_not_json_is_refused_with_its_line() {
        for (wrong, said) in [
            ("", "line 1: a value should stand where the file ends"),
            ("{\"a\": 1,\n}", "line 2: a key in quotes should stand where `}` does"),
            ("[1 2]", "`,` or `]`"),
            ("{\"a\" 1}", "`:`"),
            ("{\"a\": 1, \"a\": 2}", "another key"),
            ("\"abc", "the end of a text"),
            ("\"\\", "the end of a text"),
            ("[1] x", "the end"),
            ("[--1]", "a value"),
            ("[inf]", "a value"),
        ] {
            let error = parse(wrong.as_bytes()).expect_err(wrong);
            assert!(error.contains(said), "{wrong}: {error}");
        }
        assert!(parse("[".repeat(5000).as_bytes()).is_err_and(|error| error.contains("deeper")));
        assert!(parse(b"\"\xff\"").is_err_and(|error| error.contains("UTF-8")));
    }
}
