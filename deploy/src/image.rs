//! An image, pinned: `registry/repository[:tag]@sha256:…`.
//!
//! Specification: the grammar of references of the OCI distribution, <https://pkg.go.dev/github.com/distribution/reference>.

use crate::problem::{Kind, Problem};
use modeldeploy_format::Digest;
use std::fmt;

/// The longest name of a repository, with its registry.
const LONGEST: usize = 255;

/// An image of which no other bytes can be meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pinned {
    /// The repository with its registry, and a tag where one was given: for people alone.
    pub name: String,
    /// The digest of its manifest or index.
    pub digest: Digest,
}

impl Pinned {
    /// Reads a reference with a digest.
    ///
    /// # Errors
    ///
    /// If it is no reference, or not pinned: how one gets its digest.
    pub fn parse(text: &str) -> Result<Pinned, Problem> {
        let Some((name, digest)) = text.split_once('@') else {
            check_name(text)?;
            return Err(Problem::new(Kind::Image, format!("the image `{text}` has no digest, and may be another one tomorrow"))
                .help(format!(
                    "`--image-layout FOLDER` takes it from what `cargo modeldeploy image` wrote; a registry's is what \
                     `crane digest {text}` or `docker buildx imagetools inspect {text}` prints: `--image {text}@sha256:…`"
                )));
        };
        check_name(name)?;
        let digest = digest.parse().map_err(|_| {
            Problem::new(Kind::Image, format!("the digest of the image is `{digest}`, and none that can be used"))
                .help("it is `sha256:` and 64 hexadecimal digits, in lower case")
        })?;
        Ok(Pinned { name: name.to_owned(), digest })
    }

    /// A name without a digest, and the digest from elsewhere.
    ///
    /// # Errors
    ///
    /// If the name is none, or pins other bytes already.
    pub fn with(text: &str, digest: Digest) -> Result<Pinned, Problem> {
        if text.contains('@') {
            let pinned = Pinned::parse(text)?;
            if pinned.digest != digest {
                let message = format!("the image is to be {}, and the layout holds {digest}", pinned.digest);
                return Err(
                    Problem::new(Kind::Image, message).help("leave one of the two out, or build the image again")
                );
            }
            return Ok(pinned);
        }
        check_name(text)?;
        Ok(Pinned { name: text.to_owned(), digest })
    }
}

impl fmt::Display for Pinned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.name, self.digest)
    }
}

/// Whether a text that stands for an image in a manifest is pinned.
pub(crate) fn is_pinned(text: &str) -> bool {
    Pinned::parse(text).is_ok()
}

fn check_name(text: &str) -> Result<(), Problem> {
    if is_name(text) {
        return Ok(());
    }
    let shown: String = text.chars().take(LONGEST).collect();
    Err(Problem::new(Kind::Image, format!("{shown:?} is no image's name"))
        .help("it is like `registry.example/team/shop`, in lower case, with a tag or without"))
}

fn is_name(text: &str) -> bool {
    let (path, tag) = match text.rsplit_once(':') {
        // What has a slash after it is a port.
        Some((path, tag)) if !tag.contains('/') => (path, Some(tag)),
        _ => (text, None),
    };
    let mut parts: Vec<&str> = path.split('/').collect();
    let is_domain = parts.len() > 1 && (parts[0].contains(['.', ':']) || parts[0] == "localhost");
    let domain = if is_domain { Some(parts.remove(0)) } else { None };
    path.len() <= LONGEST
        && domain.is_none_or(is_authority)
        && parts.iter().all(|part| is_component(part))
        && tag.is_none_or(is_tag)
}

fn is_authority(text: &str) -> bool {
    let (host, port) = text.split_once(':').unwrap_or((text, "443"));
    let part = |part: &str| {
        let is_inner = |c: char| c.is_ascii_alphanumeric() || c == '-';
        !part.is_empty() && part.chars().all(is_inner) && !part.starts_with('-') && !part.ends_with('-')
    };
    host.split('.').all(part) && port.parse::<u16>().is_ok_and(|port| port > 0)
}

/// Lower-case letters and digits, with a `.`, one or two `_`, or any number of `-` between them.
fn is_component(text: &str) -> bool {
    let is_word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let separators: Vec<&str> = text.split(is_word).filter(|part| !part.is_empty()).collect();
    let separated = |part: &&str| matches!(*part, "." | "_" | "__") || part.chars().all(|c| c == '-');
    text.starts_with(is_word) && text.ends_with(is_word) && separators.iter().all(separated)
}

fn is_tag(text: &str) -> bool {
    let is_first = |c: char| c.is_ascii_alphanumeric() || c == '_';
    text.len() <= 128 && text.starts_with(is_first) && text.chars().all(|c| is_first(c) || c == '.' || c == '-')
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEX: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

    #[test]
    fn what_is_pinned_is_taken_as_it_is_given() {
        for name in [
            "shop",
            "team/shop",
            "registry.example/team/shop",
            "registry.example:5000/team/shop:1.2.0",
            "localhost/shop",
            "Registry.Example/shop",
            "a__b/c--d.e",
        ] {
            let text = format!("{name}@sha256:{HEX}");
            assert_eq!(Pinned::parse(&text).expect(&text).to_string(), text);
        }
    }

    #[test]
    fn what_is_not_pinned_is_told_how_to_be() {
        let error = Pinned::parse("registry.example:5000/shop:1.2").expect_err("a tag is no digest");
        let said = error.to_string();
        assert!(
            said.contains("has no digest") && said.contains("--image-layout") && said.contains("crane digest"),
            "{said}"
        );
        for digest in [
            "",
            "sha256:",
            "sha256:abc",
            "sha512:0",
            "md5:0",
            &format!("sha256:{}", HEX.to_uppercase()),
            &format!("sha256:{HEX}0"),
        ] {
            let error = Pinned::parse(&format!("shop@{digest}")).expect_err(digest);
            assert!(error.message.contains("none that can be used"), "{error}");
        }
    }

    #[test]
    fn what_is_no_name_is_refused_before_anything_else() {
        for name in [
            "",
            "Shop",
            "/shop",
            "shop/",
            "a//b",
            "shop:",
            "shop:-1",
            "a b",
            "a\nb",
            "a___b",
            "é",
            "x.example:99999/a",
            "{{ x }}",
            "a'b",
            "$(id)",
        ] {
            for text in [name.to_owned(), format!("{name}@sha256:{HEX}")] {
                let error = Pinned::parse(&text).expect_err(&text);
                assert!(error.message.contains("is no image's name"), "{text:?}: {error}");
            }
        }
        assert!(Pinned::parse(&"a".repeat(300)).is_err());
    }

    #[test]
    fn a_name_and_a_layout_must_mean_the_same_bytes() {
        let digest: Digest = format!("sha256:{HEX}").parse().expect("a digest");
        let other = Digest::of(b"other");
        assert_eq!(Pinned::with("shop:1", digest).expect("a name").to_string(), format!("shop:1@sha256:{HEX}"));
        assert_eq!(Pinned::with(&format!("shop@{digest}"), digest).expect("the same").digest, digest);
        let error = Pinned::with(&format!("shop@{digest}"), other).expect_err("another");
        assert!(error.message.contains("the layout holds"), "{error}");
    }
}
