//! Blocks of PEM ([RFC 7468](https://www.rfc-editor.org/rfc/rfc7468)): a label and bytes.

use crate::encoding;
use crate::refusal::{Refusal, form};

/// A chain of certificates is shorter.
const LONGEST: usize = 1 << 20;

/// The blocks of a text, in their order; what stands between them is no part of them.
pub(crate) fn blocks(text: &str) -> Result<Vec<(String, Vec<u8>)>, Refusal> {
    if text.len() > LONGEST {
        return Err(form(format!("it has {} bytes, and {LONGEST} are the most", text.len())));
    }
    let mut blocks = vec![];
    let mut open: Option<(&str, String)> = None;
    for line in text.lines().map(str::trim_end) {
        let label = |mark: &str| line.strip_prefix(mark)?.strip_suffix("-----");
        match (&mut open, label("-----BEGIN "), label("-----END ")) {
            (None, Some(begun), _) => open = Some((begun, String::new())),
            (Some((begun, body)), None, Some(ended)) if *begun == ended => {
                let bytes = encoding::decode(&format!("the block `{begun}`"), body)?;
                blocks.push(((*begun).to_owned(), bytes));
                open = None;
            }
            (Some((begun, _)), Some(_), _) | (Some((begun, _)), _, Some(_)) => {
                return Err(form(format!("the block `{begun}` does not end")));
            }
            (Some((_, body)), None, None) => body.push_str(line),
            (None, None, _) => {}
        }
    }
    match open {
        Some((begun, _)) => Err(form(format!("the block `{begun}` does not end"))),
        None => Ok(blocks),
    }
}

/// One block as text.
pub(crate) fn write(label: &str, bytes: &[u8]) -> String {
    let body = encoding::encode(bytes);
    let mut text = format!("-----BEGIN {label}-----\n");
    // Base64 is ASCII: any place divides it.
    for line in body.as_bytes().chunks(64) {
        text.push_str(std::str::from_utf8(line).expect("base64 is ASCII"));
        text.push('\n');
    }
    text + &format!("-----END {label}-----\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_read_as_they_are_written() {
        let text = write("A KEY", &[7; 100]) + "a comment\n" + &write("B", b"").replace('\n', "\r\n");
        assert!(text.lines().all(|line| line.len() <= 64), "{text}");
        assert_eq!(blocks(&text), Ok(vec![("A KEY".into(), vec![7; 100]), ("B".into(), vec![])]));
        assert_eq!(blocks("no block at all"), Ok(vec![]));
    }

    #[test]
    fn a_block_that_is_not_whole_is_refused() {
        for text in [
            "-----BEGIN A-----\nAAAA\n",
            "-----BEGIN A-----\nAAAA\n-----END B-----\n",
            "-----BEGIN A-----\n-----BEGIN A-----\n-----END A-----\n",
            "-----BEGIN A-----\nAA*A\n-----END A-----\n",
        ] {
            assert!(blocks(text).is_err(), "{text}");
        }
        assert!(blocks(&" ".repeat(LONGEST + 1)).is_err());
    }
}
