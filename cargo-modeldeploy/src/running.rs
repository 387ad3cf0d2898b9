//! A running service, asked which models it runs. What it answers is its own word: it is held against a lock, and proves nothing.

use modeldeploy_compiler::diagnostic::{Code, Diagnostic};
use modeldeploy_format::lock::{Lock, LockedModel};
use serde::Deserialize;
use serde_json::{Value, json};
use std::fmt::Write;
use std::path::Path;
use std::time::Duration;
use ureq::Agent;
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, parse_pem};

/// A service that cannot be asked, or that answers as no service of ours does.
pub(crate) const UNASKED: Code = Code("MD1010");
/// A service that runs other models than a lock pins.
const OTHER: Code = Code("MD1011");

/// Where a service says which models it has.
const ROUTE: &str = "/models";

/// The longest answer that is read: of thousands of models.
const LIMIT: u64 = 4 << 20;

/// How long one is waited for.
const PATIENCE: Duration = Duration::from_secs(10);

/// A model, as a service speaks of it.
#[derive(Clone, Debug, Deserialize)]
struct Card {
    name: String,
    version: String,
    /// Of its pack.
    digest: String,
    label: Option<Value>,
    share: Option<Value>,
}

/// What a service says.
#[derive(Debug)]
pub(crate) struct Running {
    url: String,
    cards: Vec<Card>,
}

/// How a service is spoken to.
#[derive(Debug, Default)]
pub(crate) struct Way<'a> {
    /// What its tokens ask for.
    pub(crate) token: Option<&'a str>,
    /// A file of certificates of those who may vouch for it, in the place of the usual ones.
    pub(crate) roots: Option<&'a Path>,
}

/// Whether the text is the address of a service, and no path.
pub(crate) fn is_url(text: &str) -> bool {
    text.starts_with("http://") || text.starts_with("https://")
}

/// Asks the service at `url`.
pub(crate) fn ask(url: &str, way: &Way<'_>) -> Result<Running, Diagnostic> {
    let failed = |why: String, help: &str| Diagnostic::new(UNASKED, why).at(url).help(help);
    let mut tls = TlsConfig::builder();
    if let Some(path) = way.roots {
        tls = tls.root_certs(RootCerts::Specific(roots(path)?.into()));
    }
    // Another host than the one that was named is not asked.
    let agent = Agent::config_builder().timeout_global(Some(PATIENCE)).max_redirects(0).http_status_as_error(false);
    let agent = agent.tls_config(tls.build()).build().new_agent();
    let mut request = agent.get(format!("{}{ROUTE}", url.trim_end_matches('/')));
    if let Some(token) = way.token {
        request = request.header("Authorization", format!("Bearer {token}"));
    }
    let reach = "name the address that the service listens on, as `http://127.0.0.1:8080`";
    let mut answer = request.call().map_err(|error| failed(format!("the service cannot be asked: {error}"), reach))?;
    match answer.status().as_u16() {
        200 => {}
        401 | 403 => {
            let why = "the service asks for a token, or for another";
            return Err(failed(why.into(), "`--token-file` names a file that has one"));
        }
        status => return Err(failed(format!("the service answers `GET {ROUTE}` with status {status}"), reach)),
    }
    let read = answer.body_mut().with_config().limit(LIMIT).read_to_vec();
    let body = read.map_err(|error| failed(format!("its answer cannot be read: {error}"), reach))?;
    let cards = serde_json::from_slice(&body).map_err(|error| {
        failed(format!("its answer is no list of models: {error}"), "only services of modeldeploy say what they run")
    })?;
    Ok(Running { url: url.into(), cards })
}

fn roots(path: &Path) -> Result<Vec<Certificate<'static>>, Diagnostic> {
    let failed = |why: String| {
        Diagnostic::new(UNASKED, why).at(path.display().to_string()).help("name a file of certificates in PEM")
    };
    let bytes = std::fs::read(path).map_err(|error| failed(format!("the certificates cannot be read: {error}")))?;
    let mut found = vec![];
    for item in parse_pem(&bytes) {
        match item.map_err(|error| failed(format!("the certificates are damaged: {error}")))? {
            PemItem::Certificate(certificate) => found.push(certificate),
            _ => continue,
        }
    }
    if found.is_empty() { Err(failed("it has no certificate".into())) } else { Ok(found) }
}

impl Running {
    /// The model of a lock that a card speaks of, by its pack.
    fn locked<'l>(card: &Card, lock: Option<&'l Lock>) -> Option<&'l LockedModel> {
        let is_it = |model: &&LockedModel| model.packs.iter().any(|pack| pack.digest.to_string() == card.digest);
        lock?.models.iter().find(is_it)
    }

    /// For people; what a service says is shown without what would move a terminal's cursor.
    pub(crate) fn human(&self, lock: Option<&Lock>) -> String {
        let mut text = format!("{} says that it runs", self.url);
        for card in &self.cards {
            let Card { name, version, digest, label, share } = card;
            let _ = write!(text, "\n{} {}\n  pack     {}", plain(name), plain(version), plain(digest));
            for (what, value) in [("label", label), ("share", share)] {
                if let Some(value) = value {
                    let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                    let _ = write!(text, "\n  {what:<8} {}", plain(&value));
                }
            }
            match (Running::locked(card, lock), lock) {
                (Some(model), _) => {
                    let license = model.license.as_deref().unwrap_or("no licence is stated");
                    let _ =
                        write!(text, "\n  locked   as {} {}, {license}, {}", model.name, model.version, model.source);
                }
                (None, Some(_)) => text += "\n  locked   no: the lock here pins no such pack",
                (None, None) => {}
            }
        }
        text + "\nthis is its own word: `audit` of its program or image proves what is inside"
    }

    /// The same for programs.
    pub(crate) fn program(&self, lock: Option<&Lock>) -> Value {
        let models = self.cards.iter().map(|card| {
            json!({
                "name": card.name,
                "version": card.version,
                "digest": card.digest,
                "label": card.label,
                "share": card.share,
                "locked": Running::locked(card, lock),
            })
        });
        json!({"service": self.url, "models": models.collect::<Vec<_>>(), "proved": false})
    }

    /// Refuses a service that runs what a lock does not pin, or that lacks a model of the lock's; `place` is the lock's. Of a workspace's lock
    /// the models count of those packages that the service runs some of.
    pub(crate) fn held_to(&self, lock: &Lock, place: &Path) -> Result<(), Vec<Diagnostic>> {
        let strangers = self.cards.iter().filter(|card| Running::locked(card, Some(lock)).is_none());
        let strangers = strangers.map(|card| {
            format!(
                "it runs {} {}, {}, which the lock does not pin",
                plain(&card.name),
                plain(&card.version),
                plain(&card.digest)
            )
        });
        let runs = |model: &&LockedModel| {
            self.cards.iter().any(|card| model.packs.iter().any(|pack| pack.digest.to_string() == card.digest))
        };
        let packages: Vec<&str> = lock.models.iter().filter(runs).map(|model| model.package.as_str()).collect();
        let is_its = |model: &&LockedModel| packages.is_empty() || packages.contains(&model.package.as_str());
        let absent = lock.models.iter().filter(|model| !runs(model) && is_its(model));
        let absent =
            absent.map(|model| format!("it does not run {} {}, which the lock pins", model.name, model.version));
        let wrong: Vec<Diagnostic> = strangers
            .chain(absent)
            .map(|why| {
                Diagnostic::new(OTHER, why)
                    .at(format!("{}, by {}", self.url, place.display()))
                    .help("deploy what this lock was built to, or compare with the lock of what is deployed")
            })
            .collect();
        if wrong.is_empty() { Ok(()) } else { Err(wrong) }
    }
}

fn plain(text: &str) -> String {
    text.escape_debug().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::embedded::shop::bill;
    use modeldeploy_format::Digest;
    use std::io::{Read, Write};
    use std::net::TcpListener;

    /// A service that gives this answer to its one client; its address, and what it was asked.
    fn service(answer: Vec<u8>) -> (String, std::thread::JoinHandle<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("its address"));
        let asked = std::thread::spawn(move || {
            let (mut client, _) = listener.accept().expect("a client");
            let mut head = vec![];
            let mut byte = [0];
            while !head.ends_with(b"\r\n\r\n") && client.read(&mut byte).is_ok_and(|read| read == 1) {
                head.push(byte[0]);
            }
            // A client that has had enough closes while more is written.
            let _gone = client.write_all(&answer);
            String::from_utf8(head).expect("a head of text")
        });
        (url, asked)
    }

    fn ok(body: &str) -> Vec<u8> {
        format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}", body.len()).into_bytes()
    }

    #[test]
    fn what_a_service_runs_is_held_against_a_lock() {
        let lock = bill(&[vec![1; 100], vec![2; 100]], None).lock;
        let digests = [1, 2].map(|byte| Digest::of(&[byte; 100]).to_string());
        let card = |digest: &str| json!({"name": "encoder\u{1b}[2J", "version": "1.0.0", "digest": digest, "space": "", "label": "stable"});
        let (url, asked) = service(ok(&json!([card(&digests[0])]).to_string()));
        let running = ask(&url, &Way { token: Some("secret"), roots: None }).expect("an answer");
        let head = asked.join().expect("it was asked").to_lowercase();
        assert!(
            head.starts_with("get /models http/1.1\r\n") && head.contains("authorization: bearer secret\r\n"),
            "{head}"
        );
        let human = running.human(Some(&lock));
        assert!(human.contains("locked   as model-0 1.0.0") && human.contains("label    stable"), "{human}");
        assert!(!human.contains('\u{1b}') && running.human(None).contains("its own word"), "{human}");
        assert_eq!(running.program(Some(&lock))["models"][0]["locked"]["name"], "model-0");
        let wrong = running.held_to(&lock, Path::new("Model.lock")).expect_err("one is absent");
        assert_eq!(wrong.len(), 1);
        assert!(wrong[0].to_string().contains("does not run model-1"), "{}", wrong[0]);
        // Another package of the workspace has models of its own.
        let mut workspace = lock.clone();
        workspace.models[1].package = "another".into();
        assert_eq!(running.held_to(&workspace, Path::new("Model.lock")), Ok(()));

        let both = json!([card(&digests[0]), card(&digests[1])]).to_string();
        let running = ask(&service(ok(&both)).0, &Way::default()).expect("an answer");
        assert_eq!(running.held_to(&lock, Path::new("Model.lock")), Ok(()));
        let stranger = json!([card(&digests[0]), card(&digests[1]), card("sha256:00")]).to_string();
        let running = ask(&service(ok(&stranger)).0, &Way::default()).expect("an answer");
        let wrong = running.held_to(&lock, Path::new("Model.lock")).expect_err("a stranger");
        assert!(
            wrong[0].to_string().contains("MD1011") && wrong[0].to_string().contains("does not pin"),
            "{}",
            wrong[0]
        );
    }

    #[test]
    fn what_is_no_service_of_ours_is_an_error() {
        let long = [&b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n"[..], &vec![b' '; LIMIT as usize + 9]].concat();
        for (answer, said) in [
            (b"HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\n\r\n".to_vec(), "asks for a token"),
            (b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n".to_vec(), "with status 404"),
            (
                b"HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:9/\r\ncontent-length: 0\r\n\r\n".to_vec(),
                "with status 302",
            ),
            (ok("<html>"), "no list of models"),
            (ok("[{\"name\": 3}]"), "no list of models"),
            (long, "cannot be read"),
            (b"SSH-2.0-OpenSSH_9.2\r\n".to_vec(), "cannot be asked"),
        ] {
            let error = ask(&service(answer).0, &Way::default()).expect_err(said).to_string();
            assert!(error.contains("MD1010") && error.contains(said), "{error}");
        }
        let error = ask("http://127.0.0.1:1", &Way::default()).expect_err("nobody listens").to_string();
        assert!(error.contains("cannot be asked"), "{error}");
        let error = ask("https://127.0.0.1:1", &Way { token: None, roots: Some(Path::new("Cargo.toml")) });
        assert!(error.expect_err("no certificate").to_string().contains("it has no certificate"));
    }
}
