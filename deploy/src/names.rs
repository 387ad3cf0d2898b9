//! What Kubernetes takes as a name, a label or an annotation.
//!
//! Specification: RFC 1035 as <https://kubernetes.io/docs/concepts/overview/working-with-objects/names/> has it.

/// The longest name of a service here: `-canary` goes after it, into 63 characters.
const LONGEST_SERVICE: usize = 63 - "-canary".len();

/// Whether all objects of a service can be called so: a DNS label that begins with a letter, with room for what goes after it.
pub(crate) fn is_service(name: &str) -> bool {
    is_label(name) && name.len() <= LONGEST_SERVICE && name.starts_with(|c: char| c.is_ascii_lowercase())
}

/// Whether it is a DNS label (RFC 1123): a namespace's name.
pub(crate) fn is_label(name: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let edge = |byte: Option<&u8>| byte.is_some_and(|byte| *byte != b'-');
    let bytes = name.as_bytes();
    bytes.len() <= 63 && bytes.iter().copied().all(inner) && edge(bytes.first()) && edge(bytes.last())
}

/// Whether it is DNS labels with dots between them: the name of a Secret, of a host.
pub(crate) fn is_subdomain(name: &str) -> bool {
    name.len() <= 253 && name.split('.').all(is_label)
}

/// Whether a label can have this value.
pub(crate) fn is_label_value(value: &str) -> bool {
    value.is_empty() || is_qualified(value)
}

/// Whether a label or an annotation can have this key: `team`, `example.com/team`.
pub(crate) fn is_key(key: &str) -> bool {
    match key.split_once('/') {
        Some((prefix, name)) => is_subdomain(prefix) && is_qualified(name),
        None => is_qualified(key),
    }
}

/// A version as a label can have it.
pub(crate) fn version_label(version: &str) -> String {
    let kept: String =
        version.chars().map(|c| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '_' }).collect();
    let kept = &kept[..kept.len().min(63)];
    kept.trim_matches(|c: char| !c.is_ascii_alphanumeric()).to_owned()
}

fn is_qualified(text: &str) -> bool {
    let inner = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.".contains(byte);
    let edge = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    let bytes = text.as_bytes();
    bytes.len() <= 63 && bytes.iter().all(inner) && edge(bytes.first()) && edge(bytes.last())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_taken_as_kubernetes_takes_them() {
        let long = "a".repeat(63);
        for (name, label, service) in [
            ("shop", true, true),
            ("shop-2", true, true),
            ("2-shops", true, false),
            (long.as_str(), true, false),
            (&long[..56], true, true),
            ("Shop", false, false),
            ("shop_2", false, false),
            ("-shop", false, false),
            ("shop-", false, false),
            ("shop.eu", false, false),
            ("läden", false, false),
            ("a b", false, false),
            ("shop\n", false, false),
            ("", false, false),
        ] {
            assert_eq!((is_label(name), is_service(name)), (label, service), "{name:?}");
        }
        assert!(is_subdomain("tls.shop.example") && !is_subdomain("a..b") && !is_subdomain("*.example"));
        assert!(is_label_value("") && is_label_value("A.b_c-1") && !is_label_value("a/b") && !is_label_value("-a"));
        assert!(is_key("team") && is_key("example.com/team") && !is_key("a/b/c") && !is_key("/a") && !is_key("a/"));
    }

    #[test]
    fn any_version_becomes_a_label() {
        for (version, label) in [("1.2.0", "1.2.0"), ("1.0.0+build.7", "1.0.0_build.7"), ("+", ""), ("1.0.0-", "1.0.0")]
        {
            assert_eq!(version_label(version), label);
            assert!(is_label_value(label));
        }
        assert!(is_label_value(&version_label(&"1.".repeat(99))));
    }
}
