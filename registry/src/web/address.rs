//! An address of HTTP: scheme, host with port, path with query.

use std::fmt;
use ureq::http::Uri;

/// An address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Address {
    https: bool,
    /// Host and port, as written.
    authority: String,
    /// From the first `/` on.
    path: String,
}

impl Address {
    /// Reads an absolute address without userinfo.
    pub(crate) fn parse(text: &str) -> Option<Address> {
        let uri: Uri = text.parse().ok()?;
        let https = match uri.scheme_str()? {
            "https" => true,
            "http" => false,
            _ => return None,
        };
        let authority = uri.authority()?.as_str();
        crate::reference::check_host(authority).ok()?;
        let path = uri.path_and_query().map_or("/", |path| path.as_str());
        Some(Address { https, authority: authority.to_ascii_lowercase(), path: path.to_owned() })
    }

    /// A path of a registry's host: HTTPS, but for this machine, as Docker does, or where plain HTTP is wanted.
    pub(crate) fn of_registry(host: &str, path: &str, plain_http: bool) -> Address {
        let authority = match host.to_ascii_lowercase().as_str() {
            // Docker's hub answers under another name than people call it by.
            "docker.io" | "index.docker.io" => "registry-1.docker.io".to_owned(),
            host => host.to_owned(),
        };
        Address { https: !plain_http && !is_loopback(&authority), authority, path: path.to_owned() }
    }

    /// What a `Location` or a `Link` here means.
    pub(crate) fn join(&self, location: &str) -> Option<Address> {
        if location.starts_with('/') && !location.starts_with("//") {
            let path = location.parse::<Uri>().ok()?.path_and_query()?.as_str().to_owned();
            return Some(Address { path, ..self.clone() });
        }
        Address::parse(location)
    }

    /// The address with one more pair in its query; the value is escaped.
    pub(crate) fn with_query(&self, key: &str, value: &str) -> Address {
        let joint = if self.path.contains('?') { '&' } else { '?' };
        Address { path: format!("{}{joint}{key}={}", self.path, escape(value)), ..self.clone() }
    }

    /// Whether credentials for one may be shown to the other: the same host, port and scheme, or HTTPS of a host that had none.
    pub(crate) fn is_same_host(&self, other: &Address) -> bool {
        self.authority == other.authority && (self.https == other.https)
    }

    pub(crate) fn host(&self) -> &str {
        &self.authority
    }

    pub(crate) fn is_https(&self) -> bool {
        self.https
    }

    pub(crate) fn is_loopback(&self) -> bool {
        is_loopback(&self.authority)
    }
}

/// Whether a host is this machine.
fn is_loopback(authority: &str) -> bool {
    let host = match authority.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => authority.split(':').next().unwrap_or_default(),
    };
    host == "localhost" || host.parse().is_ok_and(|address: std::net::IpAddr| address.is_loopback())
}

/// Letters, digits and `-._~` as they are, all else as `%XX`.
fn escape(value: &str) -> String {
    let byte = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
        other => format!("%{other:02X}"),
    };
    value.bytes().map(byte).collect()
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.https { "https" } else { "http" };
        write!(f, "{scheme}://{}{}", self.authority, self.path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn http_is_for_this_machine_alone() {
        for (host, address) in [
            ("example.com", "https://example.com/v2/"),
            ("localhost:5000", "http://localhost:5000/v2/"),
            ("127.0.0.7:5000", "http://127.0.0.7:5000/v2/"),
            ("[::1]:5000", "http://[::1]:5000/v2/"),
            ("127.0.0.1.example.com", "https://127.0.0.1.example.com/v2/"),
            ("localhost.example.com", "https://localhost.example.com/v2/"),
            ("10.0.0.1", "https://10.0.0.1/v2/"),
            ("docker.io", "https://registry-1.docker.io/v2/"),
        ] {
            assert_eq!(Address::of_registry(host, "/v2/", false).to_string(), address);
        }
        let asked = Address::of_registry("10.0.0.1:5000", "/v2/", true);
        assert_eq!(asked.to_string(), "http://10.0.0.1:5000/v2/", "unless it is asked for");
    }

    #[test]
    fn locations_are_joined_and_nonsense_is_not() {
        let base = Address::of_registry("example.com", "/v2/a", false);
        for (location, joined) in [
            ("/b?c=d", Some("https://example.com/b?c=d")),
            ("http://other/x", Some("http://other/x")),
            ("https://other:8/x?y", Some("https://other:8/x?y")),
            ("//other/x", None),
            ("x", None),
            ("", None),
            ("ftp://other/x", None),
            ("https://user:password@other/x", None),
            ("https:///x", None),
        ] {
            assert_eq!(base.join(location).map(|it| it.to_string()).as_deref(), joined, "{location}");
        }
        let query = base.with_query("digest", "sha256:ab").with_query("n", "a&b");
        assert_eq!(query.to_string(), "https://example.com/v2/a?digest=sha256%3Aab&n=a%26b");
    }
}
