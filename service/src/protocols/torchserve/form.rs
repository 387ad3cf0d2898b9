//! The body of a prediction, out of the form that it came in if it came in one, as browsers and `curl -F` send them.
//!
//! Specifications: <https://www.rfc-editor.org/rfc/rfc7578>, <https://url.spec.whatwg.org/#urlencoded-parsing>.

use axum::body::Bytes;
use axum::http::HeaderValue;
use axum::http::header::CONTENT_TYPE;
use futures_util::{FutureExt as _, stream};
use multer::Multipart;
use percent_encoding::percent_decode;
use std::borrow::Cow;
use std::convert::Infallible;
use std::error::Error as _;
use std::future;

/// The parts of a form that a prediction may stand in, the first before the other.
const KEYS: [&str; 2] = ["data", "body"];

/// What is to be predicted.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Content<'b> {
    pub(super) bytes: Cow<'b, [u8]>,
    /// The type that it is said to be of, in small letters and without parameters; empty where nothing is said.
    pub(super) kind: String,
    /// Where it stood, in words.
    pub(super) place: String,
}

/// A part of a form.
struct Part {
    key: &'static str,
    kind: String,
    bytes: Vec<u8>,
}

/// What a body of that type holds: itself, or a part of the form that it is.
///
/// # Errors
///
/// If the form cannot be read, or has no such part or two of them.
pub(super) fn content<'b>(body: &'b [u8], content_type: Option<&str>) -> Result<Content<'b>, String> {
    let content_type = content_type.unwrap_or_default();
    let kind = kind_of(content_type);
    let mut parts = match kind.as_str() {
        "multipart/form-data" => parts(body, content_type)?,
        "application/x-www-form-urlencoded" => fields(body),
        _ => return Ok(Content { bytes: Cow::Borrowed(body), kind, place: "the body".to_owned() }),
    };
    let Some(at) = KEYS.iter().find_map(|key| parts.iter().position(|part| part.key == *key)) else {
        let next = "send `data=…`, or what is no form as `Content-Type: text/plain` or application/json";
        return Err(format!("the form has neither `data` nor `body`: {next}"));
    };
    let Part { key, kind, bytes } = parts.swap_remove(at);
    if parts.iter().any(|part| part.key == key) {
        return Err(format!("the form has `{key}` twice, and one text is predicted: send `instances` in JSON"));
    }
    Ok(Content { bytes: Cow::Owned(bytes), kind, place: format!("the form's `{key}`") })
}

/// A type without its parameters.
fn kind_of(content_type: &str) -> String {
    content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

/// The parts of a form in MIME that are looked for.
fn parts(body: &[u8], content_type: &str) -> Result<Vec<Part>, String> {
    let boundary = multer::parse_boundary(content_type).map_err(|error| wrong(&error))?;
    let whole = future::ready(Ok::<_, Infallible>(Bytes::copy_from_slice(body)));
    let form = Multipart::new(stream::once(whole), boundary);
    // It waits for nothing: all of the body is there.
    let read = read(form).now_or_never();
    read.unwrap_or_else(|| Err("the form cannot be read: it ends too early".to_owned()))
}

async fn read(mut form: Multipart<'static>) -> Result<Vec<Part>, String> {
    let mut parts = vec![];
    while let Some(part) = form.next_field().await.map_err(|error| wrong(&error))? {
        let Some(key) = KEYS.into_iter().find(|&key| part.name() == Some(key)) else { continue };
        let header = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        let kind = part.headers().get(CONTENT_TYPE).map(header).unwrap_or_default();
        let encoding = part.headers().get("content-transfer-encoding").map(header).unwrap_or_default();
        if !["", "7bit", "8bit", "binary"].contains(&encoding.to_ascii_lowercase().as_str()) {
            return Err(format!("`Content-Transfer-Encoding` of the form's `{key}` is `{encoding}`: send it as it is"));
        }
        let bytes = part.bytes().await.map_err(|error| wrong(&error))?;
        parts.push(Part { key, kind: kind_of(&kind), bytes: bytes.to_vec() });
    }
    Ok(parts)
}

/// What is wrong with a form, and why.
fn wrong(error: &multer::Error) -> String {
    use multer::Error::{IncompleteFieldData, IncompleteStream};
    let why = match error {
        IncompleteFieldData { .. } | IncompleteStream => {
            ": each part begins with the boundary that `Content-Type` names, and `--` after it ends the last".to_owned()
        }
        _ => error.source().map(|cause| format!(": {cause}")).unwrap_or_default(),
    };
    format!("the form cannot be read: {error}{why}")
}

/// The fields of a form that is one line that are looked for.
fn fields(body: &[u8]) -> Vec<Part> {
    let decoded = |bytes: &[u8]| -> Vec<u8> {
        let spaced: Vec<u8> = bytes.iter().map(|&byte| if byte == b'+' { b' ' } else { byte }).collect();
        percent_decode(&spaced).collect()
    };
    let field = |field: &[u8]| {
        let end = field.iter().position(|&byte| byte == b'=').unwrap_or(field.len());
        let name = decoded(&field[..end]);
        let key = KEYS.into_iter().find(|key| key.as_bytes() == name)?;
        Some(Part { key, kind: String::new(), bytes: decoded(field.get(end + 1..).unwrap_or_default()) })
    };
    body.split(|&byte| byte == b'&').filter_map(field).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PARTS: &str = "Multipart/Form-Data; charset=utf-8; boundary=\"-b\"";
    const FIELDS: &str = "application/x-www-form-urlencoded; charset=utf-8";
    const DATA: &str = "Content-Disposition: form-data; name=\"data\"";
    const BODY: &str = "Content-Disposition: form-data; name=body; filename=\"data\"";
    const OTHER: &str = "Content-Disposition: form-data; name=\"database\"";

    /// A form of parts: their headers, and what is in them.
    fn form(parts: &[(&str, &str)]) -> String {
        let parts = parts.iter().map(|(headers, inside)| format!("---b\r\n{headers}\r\n\r\n{inside}\r\n"));
        parts.collect::<String>() + "---b--\r\n"
    }

    #[test]
    fn a_forms_data_or_else_its_body_is_what_is_predicted() {
        let typed = format!("{DATA}\r\ncontent-type: Application/JSON; charset=utf-8");
        let plain = format!("{DATA}\r\nContent-Transfer-Encoding: 8bit\r\nContent-Type: text/plain");
        for (said, body, kind, bytes, place) in [
            ("", "data=a", "", "data=a", "the body"),
            ("Text/Plain; charset=utf-8", "data=a", "text/plain", "data=a", "the body"),
            ("application/json", "{}", "application/json", "{}", "the body"),
            (PARTS, &form(&[(DATA, "手机")]), "", "手机", "the form's `data`"),
            (PARTS, &form(&[(OTHER, "c"), (BODY, "b"), (DATA, "a")]), "", "a", "the form's `data`"),
            (PARTS, &form(&[(OTHER, "c"), (BODY, "b")]), "", "b", "the form's `body`"),
            (PARTS, &form(&[(DATA, "")]), "", "", "the form's `data`"),
            (PARTS, &form(&[(DATA, "a\r\n--b\r\n ---b")]), "", "a\r\n--b\r\n ---b", "the form's `data`"),
            (PARTS, &form(&[(&typed, "[1]")]), "application/json", "[1]", "the form's `data`"),
            (PARTS, &form(&[(&plain, "[1]")]), "text/plain", "[1]", "the form's `data`"),
            (PARTS, &format!("before\r\n{}after", form(&[(DATA, "a")])), "", "a", "the form's `data`"),
            (FIELDS, "data=a", "", "a", "the form's `data`"),
            (FIELDS, "body=b&database=c&&data=a%26+%zz%E6%89%8B%", "", "a& %zz手%", "the form's `data`"),
            (FIELDS, "b%6fdy=%3D=\u{fffd}", "", "==\u{fffd}", "the form's `body`"),
            (FIELDS, "data", "", "", "the form's `data`"),
        ] {
            let found = content(body.as_bytes(), Some(said)).unwrap_or_else(|error| panic!("{body}: {error}"));
            let expected = Content { bytes: bytes.as_bytes().into(), kind: kind.to_owned(), place: place.to_owned() };
            assert_eq!(found, expected, "{body}");
        }
        assert_eq!(content(b"a", None).map(|found| found.kind), Ok(String::new()));
    }

    #[test]
    fn what_is_wrong_with_a_form_is_named() {
        let coded = format!("{DATA}\r\nContent-Transfer-Encoding: base64");
        let whole = form(&[(DATA, "a")]);
        for (said, body, message) in [
            ("multipart/form-data", &*whole, "the form cannot be read: multipart boundary not found in Content-Type"),
            ("multipart/form-data; boundary", &whole, "the form cannot be read: failed to decode Content-Type: "),
            ("multipart/form-data; boundary=c", &whole, "incomplete multipart stream: each part begins with"),
            (PARTS, "", "incomplete multipart stream"),
            (PARTS, &whole[..whole.len() - 4], "incomplete multipart stream"),
            (PARTS, &whole[..whole.len() - 9], "field \"data\" received with incomplete data: each part begins with"),
            (PARTS, &form(&[("no header", "a")]), "the form cannot be read: failed to read headers: "),
            (PARTS, &form(&[]), "the form has neither `data` nor `body`: send `data=…`"),
            (PARTS, &form(&[(OTHER, "a")]), "the form has neither"),
            (PARTS, &form(&[(DATA, "a"), (DATA, "b")]), "the form has `data` twice"),
            (PARTS, &form(&[(&coded, "YQ==")]), "`Content-Transfer-Encoding` of the form's `data` is `base64`"),
            (FIELDS, "", "the form has neither"),
            (FIELDS, "phone", "the form has neither"),
            (FIELDS, "body=a&body=a", "the form has `body` twice"),
        ] {
            let error = content(body.as_bytes(), Some(said)).expect_err(body);
            assert!(error.contains(message), "{said} {body}: {error}");
        }
    }
}
