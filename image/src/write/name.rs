//! What an image is called: `shop:1.2.0`, `registry.example.com/team/shop:1.2.0`.

use crate::Error;
use std::fmt;

/// A name with its tag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name {
    repository: String,
    tag: String,
}

impl Name {
    /// Reads `repository:tag`; without a tag it is `tag`.
    ///
    /// # Errors
    ///
    /// If it is no name, or the tag none.
    pub fn parse(text: &str, tag: &str) -> Result<Name, Error> {
        let wrong = || {
            Error::input(format!(
                "`{text}` is no name of an image: `shop:1.2.0` and `registry.example.com/team/shop:1.2.0` are"
            ))
        };
        // A colon before the last slash is that of a port.
        let (repository, tag) = match text.rsplit_once(':') {
            Some((repository, tag)) if !tag.contains('/') => (repository, tag),
            _ => (text, tag),
        };
        let is_part = |part: &str| {
            let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
            part.bytes().all(|byte| inner(byte) || b"._-".contains(&byte))
                && part.bytes().next().is_some_and(inner)
                && part.bytes().last().is_some_and(inner)
        };
        let is_host = |part: &str| {
            let (host, port) = part.split_once(':').unwrap_or((part, "0"));
            is_part(&host.to_ascii_lowercase()) && port.parse::<u16>().is_ok()
        };
        let (first, rest) = repository.split_once('/').map_or((None, repository), |(first, rest)| (Some(first), rest));
        let is_tag = tag.len() <= 128
            && !tag.starts_with(['.', '-'])
            && !tag.is_empty()
            && tag.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte));
        let fits = repository.len() <= 255 && first.is_none_or(is_host) && rest.split('/').all(is_part);
        if fits && is_tag { Ok(Name { repository: repository.into(), tag: tag.into() }) } else { Err(wrong()) }
    }

    /// The name without the tag.
    pub fn repository(&self) -> &str {
        &self.repository
    }

    /// The tag.
    pub fn tag(&self) -> &str {
        &self.tag
    }

    /// The registry and the repository in it, those that Docker means where they are not said.
    pub fn place(&self) -> (&str, String) {
        match self.repository.split_once('/') {
            Some((host, rest)) if host.contains(['.', ':']) || host == "localhost" => (host, rest.to_owned()),
            Some(_) => ("docker.io", self.repository.clone()),
            None => ("docker.io", format!("library/{}", self.repository)),
        }
    }

    /// With both.
    pub(crate) fn full(&self) -> String {
        let (registry, repository) = self.place();
        format!("{registry}/{repository}:{}", self.tag)
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.repository, self.tag)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_docker_reads_them() {
        for (text, full) in [
            ("shop", "docker.io/library/shop:latest"),
            ("shop:1.2.0", "docker.io/library/shop:1.2.0"),
            ("team/shop:1", "docker.io/team/shop:1"),
            ("localhost/shop:1", "localhost/shop:1"),
            ("localhost:5000/shop", "localhost:5000/shop:latest"),
            ("registry.example.com/team/shop:1.2.0_a-B", "registry.example.com/team/shop:1.2.0_a-B"),
        ] {
            assert_eq!(Name::parse(text, "latest").expect(text).full(), full);
        }
        for text in
            ["", ":1", "Shop", "shop:", "shop:-1", "/shop", "shop/", "a//b", "../shop", "shop:a b", "shop@sha256:0"]
        {
            assert!(Name::parse(text, "latest").is_err(), "{text}");
        }
    }
}
