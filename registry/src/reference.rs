//! What a manifest's `source` names beside a folder: a published model with a range of versions, or a revision on the Hub.
//!
//! ```text
//! oci://registry.example.com:5000/search/query-encoder@^1.2    an OCI registry
//! registry:query-encoder@1                                     the default registry: MODELDEPLOY_REGISTRY, a folder or oci://…
//! file:../models/query-encoder@=1.2.0                          a folder registry, relative to the manifest or absolute
//! hf:sentence-transformers/all-MiniLM-L6-v2@main               a branch, tag or commit on the Hugging Face Hub
//! ```
//!
//! Ranges are Cargo's: `1.2` is `^1.2`, without a range any version will do.

use crate::error::{Error, Kind};
use semver::VersionReq;
use std::fmt;
use std::path::{Path, PathBuf};

/// The environment variable that names the default registry.
pub const VARIABLE: &str = modeldeploy_format::variables::REGISTRY;

/// The longest reference.
const LIMIT: usize = 1024;

/// Where the versions of one model lie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Home {
    /// A repository of an OCI registry.
    Oci {
        /// Host, with the port where it is not the usual one.
        host: String,
        /// The repository: its path, the model's name last.
        repository: String,
    },
    /// A model of a folder registry.
    Folder {
        /// The registry's folder.
        root: PathBuf,
        /// The model's name.
        name: String,
    },
}

/// A model of a registry and the versions that will do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    /// Where its versions lie.
    pub home: Home,
    /// Which of them will do.
    pub range: VersionReq,
}

/// What a text names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A model of a registry.
    Registry(Reference),
    /// A revision of a model on the Hub.
    Hub {
        /// `organisation/name`, or a name alone.
        repository: String,
        /// A branch, a tag or a commit.
        revision: String,
    },
}

impl Source {
    /// Reads a source. Relative folders are relative to `base`; `default` is the default registry.
    ///
    /// # Errors
    ///
    /// What is wrong with it: its scheme, host, name, range or revision.
    pub fn parse(text: &str, base: &Path, default: &str) -> Result<Source, Error> {
        let wrong = |what: String| {
            Error::new(Kind::Reference, what).at(text).help(
                "write `oci://host/name@^1.2`, `registry:name@^1.2`, `file:folder/name@^1.2` or `hf:organisation/name@revision`",
            )
        };
        if text.len() > LIMIT || text.chars().any(char::is_control) {
            return Err(wrong("the reference is too long, or has control characters".into()));
        }
        if let Some(rest) = text.strip_prefix("hf:") {
            let (repository, revision) = rest.split_once('@').unwrap_or((rest, "main"));
            let parts: Vec<&str> = repository.split('/').collect();
            if parts.len() > 2 || !parts.iter().all(|part| is_hub_name(part)) {
                return Err(wrong(format!("`{repository}` is no model of the Hub")));
            }
            if !revision.split('/').all(is_hub_name) {
                return Err(wrong(format!("`{revision}` is no revision of the Hub")));
            }
            return Ok(Source::Hub { repository: repository.into(), revision: revision.into() });
        }
        let (place, range) = split(text);
        let range = match range {
            None => VersionReq::STAR,
            Some(range) => VersionReq::parse(range)
                .map_err(|error| wrong(format!("`{range}` is no range of versions: {error}")))?,
        };
        Home::parse(place, base, default).map_err(wrong).map(|home| Source::Registry(Reference { home, range }))
    }
}

/// What stands before the `@` of a range and what after it; the userinfo of an address is none.
fn split(text: &str) -> (&str, Option<&str>) {
    match text.rsplit_once('@') {
        Some((place, range)) if !range.contains('/') => (place, Some(range)),
        _ => (text, None),
    }
}

impl Home {
    /// Reads the place of a model, without a range: `oci://…`, `registry:…` or `file:…`.
    ///
    /// # Errors
    ///
    /// What is wrong with it.
    pub fn parse(text: &str, base: &Path, default: &str) -> Result<Home, String> {
        if let Some(rest) = text.strip_prefix("oci://") {
            let (host, repository) =
                rest.split_once('/').ok_or_else(|| format!("`{rest}` has no model's name after the host"))?;
            check_host(host)?;
            check_repository(repository)?;
            return Ok(Home::Oci { host: host.into(), repository: repository.into() });
        }
        if let Some(rest) = text.strip_prefix("file:") {
            let path = rest.strip_prefix("//").unwrap_or(rest);
            let (root, name) = path.rsplit_once('/').unwrap_or((".", path));
            let root = if root.is_empty() { "/" } else { root };
            check_repository(name)?;
            return Ok(Home::Folder { root: base.join(root), name: name.into() });
        }
        if let Some(name) = text.strip_prefix("registry:") {
            check_repository(name)?;
            if default.starts_with("oci://") {
                return Home::parse(&format!("{}/{name}", default.trim_end_matches('/')), base, "");
            }
            if name.contains('/') {
                return Err(format!("`{name}` has a `/`, which names in a folder registry have not"));
            }
            return Ok(Home::Folder { root: base.join(default), name: name.into() });
        }
        let scheme = text.split(':').next().filter(|scheme| scheme.len() < text.len());
        Err(match scheme {
            Some(scheme) => format!("`{scheme}:` is no kind of registry"),
            None => format!("`{text}` names no registry"),
        })
    }

    /// The model's name: the last part of where it lies.
    pub fn name(&self) -> &str {
        match self {
            Home::Oci { repository, .. } => repository.rsplit('/').next().unwrap_or(repository),
            Home::Folder { name, .. } => name,
        }
    }
}

impl fmt::Display for Home {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Home::Oci { host, repository } => write!(f, "oci://{host}/{repository}"),
            Home::Folder { root, name } => write!(f, "file:{}/{name}", root.display()),
        }
    }
}

/// The default registry: what `MODELDEPLOY_REGISTRY` says, else a folder of the user's data.
pub fn default_registry() -> String {
    let set = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    set(VARIABLE).unwrap_or_else(|| {
        let data = set("XDG_DATA_HOME").or_else(|| set("HOME").map(|home| format!("{home}/.local/share")));
        format!("{}/modeldeploy/registry", data.unwrap_or_else(|| ".".into()))
    })
}

/// Host names, IPv4 and IPv6 addresses, and a port; no userinfo.
pub(crate) fn check_host(host: &str) -> Result<(), String> {
    let wrong = || format!("`{host}` is no host of a registry");
    let (name, port) = match host.strip_prefix('[') {
        Some(rest) => {
            let (address, rest) = rest.split_once(']').ok_or_else(wrong)?;
            let is_address = address.parse::<std::net::Ipv6Addr>().is_ok();
            let port = if rest.is_empty() { None } else { Some(rest.strip_prefix(':').ok_or_else(wrong)?) };
            (if is_address { "address" } else { "" }, port)
        }
        None => host.split_once(':').map_or((host, None), |(name, port)| (name, Some(port))),
    };
    let is_name = !name.is_empty()
        && name.len() <= 253
        && name.split('.').all(|part| {
            !part.is_empty() && !part.starts_with('-') && part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
        });
    let is_port = port.is_none_or(|port| port.bytes().all(|b| b.is_ascii_digit()) && port.parse::<u16>().is_ok());
    if is_name && is_port { Ok(()) } else { Err(wrong()) }
}

/// Names of repositories, by the OCI distribution specification: lower-case letters and digits with `.`, `_`, `__` and `-` between
/// them, in parts with `/` between them.
pub(crate) fn check_repository(name: &str) -> Result<(), String> {
    let part = |part: &str| {
        let mut separator = String::new();
        let mut letters = false;
        for c in part.chars() {
            if c.is_ascii_lowercase() || c.is_ascii_digit() {
                let joins = separator.is_empty()
                    || (letters
                        && (matches!(separator.as_str(), "." | "_" | "__") || separator.chars().all(|c| c == '-')));
                if !joins {
                    return false;
                }
                separator.clear();
                letters = true;
            } else if matches!(c, '.' | '_' | '-') {
                separator.push(c);
            } else {
                return false;
            }
        }
        letters && separator.is_empty()
    };
    if name.len() <= 255 && name.split('/').all(part) {
        Ok(())
    } else {
        Err(format!(
            "`{name}` cannot be a model's name: lower-case letters and digits, with `.`, `_` or `-` between them"
        ))
    }
}

fn is_hub_name(part: &str) -> bool {
    let plain = part.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'));
    plain && !part.is_empty() && part.len() <= 128 && !part.contains("..") && part != "."
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Source, String> {
        Source::parse(text, Path::new("/shop"), "/models").map_err(|error| error.message)
    }

    #[test]
    fn references_are_read() {
        let at = |home, range: &str| {
            Ok(Source::Registry(Reference { home, range: VersionReq::parse(range).expect("a range") }))
        };
        let oci = |host: &str, repository: &str| Home::Oci { host: host.into(), repository: repository.into() };
        let folder = |root: &str, name: &str| Home::Folder { root: root.into(), name: name.into() };
        for (text, expected) in [
            ("oci://example.com/encoder@^1.2", at(oci("example.com", "encoder"), "^1.2")),
            ("oci://127.0.0.1:5000/a/b-c@1", at(oci("127.0.0.1:5000", "a/b-c"), "1")),
            ("oci://[::1]:5000/a/b__c@>=1, <3", at(oci("[::1]:5000", "a/b__c"), ">=1, <3")),
            ("oci://example.com/encoder", at(oci("example.com", "encoder"), "*")),
            ("registry:encoder@=1.2.0", at(folder("/models", "encoder"), "=1.2.0")),
            ("file:../registry/encoder@~1.2", at(folder("/shop/../registry", "encoder"), "~1.2")),
            ("file:///srv/encoder@1", at(folder("/srv", "encoder"), "1")),
            ("hf:a/b", Ok(Source::Hub { repository: "a/b".into(), revision: "main".into() })),
            ("hf:bert@refs/pr/1", Ok(Source::Hub { repository: "bert".into(), revision: "refs/pr/1".into() })),
        ] {
            assert_eq!(parse(text), expected, "{text}");
        }
        let shared = Source::parse("registry:a/b@1", Path::new(""), "oci://example.com/models/");
        assert_eq!(shared.ok(), at(oci("example.com", "models/a/b"), "1").ok());
    }

    #[test]
    fn what_is_no_reference_is_refused() {
        for (text, said) in [
            ("oci://example.com", "no model's name after the host"),
            ("oci:///a@1", "no host"),
            ("oci://user@example.com/a@1", "no host"),
            ("oci://exa mple/a@1", "no host"),
            ("oci://example.com:99999/a@1", "no host"),
            ("oci://[::g]/a@1", "no host"),
            ("oci://example.com/A@1", "cannot be a model's name"),
            ("oci://example.com/a/../b@1", "cannot be a model's name"),
            ("oci://example.com/a..b@1", "cannot be a model's name"),
            ("oci://example.com/-a@1", "cannot be a model's name"),
            ("oci://example.com/a@one", "no range of versions"),
            ("oci://example.com/a@", "no range of versions"),
            ("registry:a/b@1", "which names in a folder registry have not"),
            ("hf:a/b/c", "no model of the Hub"),
            ("hf:../b", "no model of the Hub"),
            ("hf:a/b@../../x", "no revision of the Hub"),
            ("hf:a/b@a?b", "no revision of the Hub"),
            ("ftp:a", "`ftp:` is no kind of registry"),
            ("a\nb", "control characters"),
        ] {
            let error = parse(text).expect_err(text);
            assert!(error.contains(said), "{text}: {error}");
        }
    }
}
