//! Texts as the lines of protocol 0 write them.

/// A text in quotes, as Python 2 writes it: bytes are Latin-1, and escaped where they do not print.
pub(super) fn quoted(bytes: &[u8]) -> Result<String, String> {
    let wrong = || "a text is not in quotes".to_owned();
    let inner = match bytes {
        [first @ (b'\'' | b'"'), inner @ .., last] if first == last => inner,
        _ => return Err(wrong()),
    };
    let (mut text, mut rest) = (String::with_capacity(inner.len()), inner);
    while let [byte, after @ ..] = rest {
        rest = after;
        if *byte != b'\\' {
            text.push(char::from(*byte));
            continue;
        }
        let (escape, after) = rest.split_first().ok_or_else(wrong)?;
        rest = after;
        text.push(match escape {
            b'\\' | b'\'' | b'"' => char::from(*escape),
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'x' => {
                let (digits, after) = rest.split_at_checked(2).ok_or_else(wrong)?;
                rest = after;
                let digits = std::str::from_utf8(digits).map_err(|_| wrong())?;
                char::from(u8::from_str_radix(digits, 16).map_err(|_| "an escape is no character")?)
            }
            _ => return Err("an escape is no character".to_owned()),
        });
    }
    Ok(text)
}

/// Python's raw-unicode-escape: bytes are Latin-1, but for `\u` and four digits.
pub(super) fn escaped(bytes: &[u8]) -> Result<String, String> {
    let (mut text, mut at) = (String::with_capacity(bytes.len()), 0);
    while at < bytes.len() {
        if bytes[at..].starts_with(b"\\u") {
            let digits = bytes.get(at + 2..at + 6).and_then(|digits| std::str::from_utf8(digits).ok());
            let code = digits.and_then(|digits| u32::from_str_radix(digits, 16).ok());
            text.push(code.and_then(char::from_u32).ok_or("an escape is no character")?);
            at += 6;
        } else {
            text.push(char::from(bytes[at]));
            at += 1;
        }
    }
    Ok(text)
}
