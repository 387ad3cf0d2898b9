//! Universal Binary JSON, draft 12 (<https://ubjson.org>), as XGBoost writes it: counted strings, and lists of one type.

use super::{Document, MAX_DEPTH};
use std::collections::BTreeMap;

/// The document that `bytes` hold.
pub(in super::super) fn parse(bytes: &[u8]) -> Result<Document, String> {
    let mut reader = Reader { bytes, at: 0 };
    let marker = reader.marker()?;
    let document = reader.value(marker, 0)?;
    if reader.at != bytes.len() {
        Err(format!("bytes stand after its end, from byte {}", reader.at))
    } else {
        Ok(document)
    }
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8], String> {
        let end = self.at.checked_add(count).filter(|&end| end <= self.bytes.len());
        let end = end.ok_or_else(|| format!("it ends early: {count} bytes should stand at byte {}", self.at))?;
        let taken = &self.bytes[self.at..end];
        self.at = end;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], String> {
        self.take(N).map(|bytes| bytes.try_into().expect("as many as were taken"))
    }

    /// The next marker that is no filler.
    fn marker(&mut self) -> Result<u8, String> {
        loop {
            match self.array::<1>()? {
                [b'N'] => {}
                [marker] => return Ok(marker),
            }
        }
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn unknown(&self, marker: u8, what: &str) -> String {
        format!("the marker `{}` before byte {} begins no {what}", char::from(marker).escape_default(), self.at)
    }

    fn number(&mut self, marker: u8) -> Result<Option<f64>, String> {
        Ok(Some(match marker {
            b'i' => f64::from(i8::from_be_bytes(self.array()?)),
            b'U' => f64::from(u8::from_be_bytes(self.array()?)),
            b'I' => f64::from(i16::from_be_bytes(self.array()?)),
            b'l' => f64::from(i32::from_be_bytes(self.array()?)),
            b'L' => {
                let whole = i64::from_be_bytes(self.array()?);
                if whole.unsigned_abs() > 1 << 53 {
                    return Err(format!("the whole number {whole} is beyond what f64 holds"));
                }
                whole as f64
            }
            b'd' => f64::from(f32::from_be_bytes(self.array()?)),
            b'D' => f64::from_be_bytes(self.array()?),
            _ => return Ok(None),
        }))
    }

    fn length(&mut self) -> Result<usize, String> {
        let marker = self.marker()?;
        let number = self.number(marker)?.filter(|_| b"iUIlL".contains(&marker));
        let number = number.ok_or_else(|| self.unknown(marker, "length"))?;
        if number < 0.0 { Err(format!("the length before byte {} is negative", self.at)) } else { Ok(number as usize) }
    }

    fn string(&mut self) -> Result<String, String> {
        let length = self.length()?;
        let bytes = self.take(length)?.to_vec();
        String::from_utf8(bytes).map_err(|_| format!("the text before byte {} is not UTF-8", self.at))
    }

    fn value(&mut self, marker: u8, depth: usize) -> Result<Document, String> {
        if depth > MAX_DEPTH {
            return Err(format!("it is nested deeper than {MAX_DEPTH} levels"));
        }
        if let Some(number) = self.number(marker)? {
            return Ok(Document::Number(number));
        }
        Ok(match marker {
            b'Z' => Document::Null,
            b'T' => Document::Flag(true),
            b'F' => Document::Flag(false),
            b'C' => Document::Text(char::from(self.array::<1>()?[0]).to_string()),
            b'S' => Document::Text(self.string()?),
            b'H' => {
                let text = self.string()?;
                Document::Number(text.parse().map_err(|_| format!("`{}` is no number", text.escape_default()))?)
            }
            b'[' => Document::List(self.items(depth)?),
            b'{' => Document::Table(self.table(depth)?),
            other => return Err(self.unknown(other, "value")),
        })
    }

    /// What stands before the items of a list or a table: their one type, if they have one, and how many there are, if it is said.
    fn head(&mut self) -> Result<(Option<u8>, Option<usize>), String> {
        let mut kind = None;
        if self.peek() == Some(b'$') {
            self.at += 1;
            kind = Some(self.array::<1>()?[0]);
        }
        if self.peek() == Some(b'#') {
            self.at += 1;
            return Ok((kind, Some(self.length()?)));
        }
        if kind.is_some() { Err("items of one type have no number of them".to_owned()) } else { Ok((None, None)) }
    }

    fn items(&mut self, depth: usize) -> Result<Vec<Document>, String> {
        let (kind, count) = self.head()?;
        let mut items = vec![];
        // Such items take no bytes: a file would have as many as it says, and many such lists.
        if let Some(marker) = kind.filter(|marker| b"ZTFN".contains(marker)) {
            return Err(format!(
                "a list before byte {} has items of the type `{}`, all alike",
                self.at,
                char::from(marker)
            ));
        }
        if let Some(count) = count {
            if count > self.bytes.len() - self.at {
                return Err(format!("it ends early: {count} items should stand at byte {}", self.at));
            }
            for _ in 0..count {
                let marker = kind.map_or_else(|| self.marker(), Ok)?;
                items.push(self.value(marker, depth + 1)?);
            }
            return Ok(items);
        }
        loop {
            match self.marker()? {
                b']' => return Ok(items),
                marker => items.push(self.value(marker, depth + 1)?),
            }
        }
    }

    fn table(&mut self, depth: usize) -> Result<BTreeMap<String, Document>, String> {
        let (kind, count) = self.head()?;
        let mut table = BTreeMap::new();
        while count.is_none_or(|count| table.len() < count) {
            if count.is_none() && self.peek() == Some(b'}') {
                self.at += 1;
                break;
            }
            let key = self.string()?;
            let marker = kind.map_or_else(|| self.marker(), Ok)?;
            let value = self.value(marker, depth + 1)?;
            if table.insert(key, value).is_some() {
                return Err(format!("a key before byte {} stands there twice", self.at));
            }
        }
        Ok(table)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read() {
        let bytes = b"{i\x01a[$d#i\x02\x3f\x80\x00\x00\xbf\x00\x00\x00i\x01bSi\x02hii\x01c[i\x05T]i\x01d{}}";
        let document = parse(bytes).expect("UBJSON");
        assert_eq!(document.get("a").and_then(Document::numbers), Some(vec![1.0, -0.5]));
        assert_eq!(document.get("b").and_then(Document::text), Some("hi"));
        assert_eq!(document.get("c").and_then(Document::numbers), Some(vec![5.0, 1.0]));
        for len in 0..bytes.len() {
            assert!(parse(&bytes[..len]).is_err(), "{len} bytes");
        }
    }

    #[test]
    fn lies_about_lengths_are_refused() {
        for bytes in [
            &b"[$Z#L\x00\xff\xff\xff\xff\xff\xff\xff"[..],
            b"[$Z#l\x7f\xff\xff\xff",
            b"[$T#i\x01xx",
            b"Si\xff",
            b"Sl\x7f\xff\xff\xffabc",
            b"[$d]",
            b"{i\x01aTi\x01aT}",
            b"[i\x01]]",
        ] {
            assert!(parse(bytes).is_err(), "{bytes:?}");
        }
        assert!(parse(&b"[".repeat(5000)).is_err_and(|error| error.contains("deeper")));
    }
}
