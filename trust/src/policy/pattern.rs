//! Patterns of sources: `*` is any run of characters, `?` is one.
//!
//! A folder is compared by the path that it is in the end, so that `models/../../elsewhere` is not below `models/`.

use std::fmt;

/// A pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern(String);

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Pattern {
    /// A pattern of that text.
    pub fn new(text: impl Into<String>) -> Pattern {
        Pattern(text.into())
    }

    /// Whether a source is one of these, as it is in the end.
    pub fn matches(&self, source: &str) -> bool {
        glob(self.0.as_bytes(), plain(source).as_bytes())
    }
}

/// A source as it is compared: an address as it stands, a folder without `.` and `..` where they can be undone.
fn plain(source: &str) -> String {
    if is_address(source) {
        return source.to_owned();
    }
    let absolute = source.starts_with('/');
    let mut parts: Vec<&str> = vec![];
    for part in source.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => {
                parts.pop();
            }
            ".." if absolute => {}
            other => parts.push(other),
        }
    }
    let path = parts.join("/");
    if absolute { format!("/{path}") } else { path }
}

/// Whether it begins as `hf:` or `oci:` do.
fn is_address(source: &str) -> bool {
    let scheme = source.split_once(':').map(|(scheme, _)| scheme);
    scheme.is_some_and(|scheme| scheme.len() > 1 && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric()))
}

/// Each star is tried with ever more characters, the last one first: never more than the product of the lengths.
fn glob(pattern: &[u8], text: &[u8]) -> bool {
    let (mut p, mut t) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some(b'*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(&byte) if byte == b'?' || byte == text[t] => {
                p += 1;
                t += 1;
            }
            _ => {
                let Some((at, from)) = star else { return false };
                star = Some((at, from + 1));
                p = at + 1;
                t = from + 1;
            }
        }
    }
    pattern[p..].iter().all(|&byte| byte == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_is_matched_by_where_it_is() {
        for (pattern, source, is) in [
            ("hf:*", "hf:org/model@abc", true),
            ("hf:org/*", "hf:other/model", false),
            ("hf:*", "models/hf:x", false),
            ("oci://registry.shop.example/*", "oci://registry.shop.example/models/encoder:1.2", true),
            ("oci://registry.shop.example/*", "oci://registry.shop.example.evil/models", false),
            ("models/*", "models/encoder", true),
            ("models/*", "./models//encoder/", true),
            ("models/*", "models/../../elsewhere", false),
            ("../*", "models/../../elsewhere", true),
            ("/*", "/srv/../models", true),
            ("models/encoder", "models/encoder", true),
            ("models/encoder", "models/encoder-2", false),
            ("*", "", true),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("*a*b*c", "xxaxxbxxc", true),
            ("*a*b*c", "xxaxxcxxb", false),
        ] {
            assert_eq!(Pattern::new(pattern).matches(source), is, "{pattern} {source}");
        }
    }

    #[test]
    fn a_pattern_of_many_stars_ends() {
        let pattern = Pattern::new("*a".repeat(200));
        assert!(!pattern.matches(&"a".repeat(199)) && pattern.matches(&"a".repeat(5000)));
    }
}
