//! Lists of a registry, page by page: tags of a repository, repositories of a host.

use super::{Remote, refused};
use crate::error::{Error, Kind};
use crate::reference::check_repository;
use crate::remote::auth::Session;
use crate::web::{Address, Ask, Reach, lie};
use serde::Deserialize;
use std::collections::BTreeSet;
use ureq::http::header;

/// The most pages of a list.
const PAGES: usize = 100;

/// The most names of a list.
const NAMES: usize = 100_000;

#[derive(Deserialize)]
struct Page {
    #[serde(default, alias = "repositories")]
    tags: Option<Vec<String>>,
}

/// The tags of a repository.
pub(super) fn tags(remote: &Remote) -> Result<BTreeSet<String>, Error> {
    let address = remote.address("tags/list").with_query("n", "1000");
    all(&remote.session, address).map_err(|error| match error.kind {
        Kind::Absent => Error::new(Kind::Absent, format!("the registry has no `{}`", remote.repository))
            .at(remote)
            .help("check the name; a registry may hide what it does not let in"),
        _ => error,
    })
}

/// The repositories of a host.
pub(super) fn catalog(session: &Session, host: &str) -> Result<Vec<String>, Error> {
    let address = session.web().of_registry(host, "/v2/_catalog").with_query("n", "1000");
    let names = all(session, address).map_err(|error| match error.kind {
        Kind::Absent | Kind::Credentials | Kind::Lie => {
            error.help("many registries do not list what they have: name a model, `search oci://host/path/name`")
        }
        _ => error,
    })?;
    Ok(names.into_iter().filter(|name| check_repository(name).is_ok()).collect())
}

fn all(session: &Session, first: Address) -> Result<BTreeSet<String>, Error> {
    let (mut names, mut next) = (BTreeSet::new(), Some(first.clone()));
    for _ in 0..PAGES {
        let Some(address) = next.take() else { return Ok(names) };
        let mut answer = session.ask(Ask::get(address.clone()), Reach::Host)?;
        if answer.status != 200 {
            return Err(refused(answer.status, &address));
        }
        let bytes = session.web().document(&mut answer)?;
        let page: Page = serde_json::from_slice(&bytes)
            .map_err(|error| lie(&format!("the registry's list cannot be read: {error}"), &address))?;
        names.extend(page.tags.unwrap_or_default());
        if names.len() > NAMES {
            break;
        }
        let link = answer.headers.get(header::LINK).and_then(|value| value.to_str().ok());
        if let Some(link) = link {
            let joined = following(link).and_then(|link| answer.address.join(link));
            let joined = joined.filter(|to| to.is_same_host(&first));
            next = Some(joined.ok_or_else(|| lie("the registry's list goes on at another host", &address))?);
        }
    }
    if next.is_none() && names.len() <= NAMES {
        return Ok(names);
    }
    Err(lie("the registry's list does not end", &first))
}

/// `</v2/a/tags/list?last=b>; rel="next"`: the address in it.
fn following(link: &str) -> Option<&str> {
    let (address, rest) = link.trim().strip_prefix('<')?.split_once('>')?;
    rest.contains("rel=\"next\"").then_some(address)
}

#[cfg(test)]
mod tests {
    use super::following;

    #[test]
    fn links_are_followed_to_the_next_page_alone() {
        for (link, address) in [
            ("</v2/a/tags/list?last=b&n=1>; rel=\"next\"", Some("/v2/a/tags/list?last=b&n=1")),
            ("</v2/a>; rel=\"prev\"", None),
            ("/v2/a", None),
            ("<", None),
        ] {
            assert_eq!(following(link), address, "{link}");
        }
    }
}
