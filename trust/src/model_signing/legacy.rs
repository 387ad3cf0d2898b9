//! How the reference implementation signed before its version 1.0, so that such signatures still count.
//!
//! It made the text that is signed by formatting Python's `bytes` (and wrote `DSSEV1`), on P-384 with SHA-256, and its version 0.2 had
//! the files as the statement's subjects. None of that is ever written here.

use super::manifest::{Manifest, Resource};
use crate::json;
use crate::keys::PublicKey;
use crate::refusal::{Refusal, form};
use crate::statement::PAYLOAD_TYPE;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fmt::Write;

/// The type of version 0.2.
pub(super) const PREDICATE_TYPE: &str = "https://model_signing/Digests/v0.1";

/// Whether the signature is this key's of the payload as it was formatted then.
pub(super) fn holds_under(key: &PublicKey, payload: &[u8], signature: &[u8]) -> bool {
    let message = formatted(payload);
    key.verifies(message.as_bytes(), signature) || key.verifies_with_sha256(message.as_bytes(), signature)
}

fn formatted(payload: &[u8]) -> String {
    // As `repr` quotes: double quotes where there are single ones alone.
    let quote = if payload.contains(&b'\'') && !payload.contains(&b'"') { '"' } else { '\'' };
    let mut text = format!("DSSEV1 {} {PAYLOAD_TYPE} {} b{quote}", PAYLOAD_TYPE.len(), payload.len());
    for &byte in payload {
        match byte {
            b'\\' => text.push_str("\\\\"),
            b'\n' => text.push_str("\\n"),
            b'\r' => text.push_str("\\r"),
            b'\t' => text.push_str("\\t"),
            b'\'' if quote == '\'' => text.push_str("\\'"),
            0x20..0x7f => text.push(char::from(byte)),
            _ => write!(text, "\\x{byte:02x}").expect("writing to a string cannot fail"),
        }
    }
    text.push(quote);
    text
}

#[derive(Deserialize)]
struct Statement {
    subject: Vec<Subject>,
}

#[derive(Deserialize)]
struct Subject {
    name: String,
    digest: BTreeMap<String, String>,
    #[serde(default)]
    annotations: BTreeMap<String, String>,
}

/// The files of version 0.2: each a subject, hashed whole.
pub(super) fn manifest(payload: &[u8]) -> Result<Manifest, Refusal> {
    let statement: Statement = json::parse("the statement", payload, crate::LONGEST)?;
    let resource = |subject: Subject| {
        let how = subject.annotations.get("actual_hash_algorithm").map_or("file-sha256", String::as_str);
        let digest = subject.digest.get("sha256").filter(|_| how == "file-sha256");
        let digest =
            digest.ok_or_else(|| form(format!("a file is hashed by `{}`, not by sha256", how.escape_debug())))?;
        Resource::read(subject.name, digest)
    };
    let resources = statement.subject.into_iter().map(resource).collect::<Result<Vec<_>, _>>()?;
    Manifest::whole_files(resources)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_formatted_as_python_formats_them() {
        // `f"{payload}"` in Python gives these.
        for (payload, python) in [
            (&b"{\"a\": 1}\n"[..], r#"b'{"a": 1}\n'"#),
            (b"it's", r#"b"it's""#),
            (b"'\"", r#"b'\'"'"#),
            (b"\\\t\r\x00\x7f\xff ~", r"b'\\\t\r\x00\x7f\xff ~'"),
            (b"", "b''"),
        ] {
            let head = format!("DSSEV1 28 application/vnd.in-toto+json {} ", payload.len());
            assert_eq!(formatted(payload), head + python);
        }
    }
}
