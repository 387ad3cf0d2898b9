//! Getting in, by a name or a token.

use crate::model::{Stored, options};
use crate::server::{Reply, Request, Server};
use modeldeploy_registry::credentials::Credentials;
use modeldeploy_registry::remote::Remote;
use modeldeploy_registry::{Kind, Registry};

fn ada(password: &str) -> Credentials {
    Credentials::Password { user: "ada".into(), password: password.into() }
}

/// Lets in whoever has a token, which it gives to ada.
fn answer(request: &Request, host: &str) -> Reply {
    let authorization = request.headers.get("authorization").map(String::as_str);
    if request.path.starts_with("/token") {
        return match authorization {
            Some("Basic YWRhOnNlY3JldA==") => Reply::new(200, "{\"access_token\": \"abc.def\"}"),
            _ => Reply::new(401, ""),
        };
    }
    match authorization {
        Some("Bearer abc.def") if request.path == "/v2/" => Reply::new(200, "{}"),
        Some("Bearer abc.def") => Stored::versions(&["1.0.0"]).answer(request),
        _ => Reply::new(401, "")
            .with("www-authenticate", format!("Bearer realm=\"http://{host}/token\",service=\"here\"")),
    }
}

fn server() -> Server {
    Server::start(|request| answer(request, &request.headers["host"]))
}

#[test]
fn a_name_becomes_a_token_once() {
    let server = server();
    Remote::login(&server.host, &ada("secret"), options()).expect("let in");
    assert_eq!(Remote::login(&server.host, &ada("wrong"), options()).expect_err("not let in").kind, Kind::Credentials);
    let before = server.seen().len();
    let registry =
        Registry::Remote(Box::new(Remote::with(&server.host, "models/encoder", options(), Some(ada("secret")))));
    registry.versions().expect("versions");
    registry.versions().expect("versions");
    let asked: Vec<String> = server.seen().into_iter().skip(before).map(|it| it.path).collect();
    let tokens: Vec<&String> = asked.iter().filter(|path| path.starts_with("/token")).collect();
    assert_eq!(tokens, ["/token?service=here&scope=repository%3Amodels%2Fencoder%3Apull"], "{asked:?}");
    let nobody = Registry::Remote(Box::new(Remote::with(&server.host, "models/encoder", options(), None)));
    let error = nobody.versions().expect_err("not let in");
    assert_eq!(error.kind, Kind::Credentials);
    assert!(error.help.is_some_and(|help| help.contains("cargo modeldeploy login")));
}

#[test]
fn a_token_that_would_be_more_than_a_header_is_none() {
    let server = Server::start(|request| {
        if request.path.starts_with("/token") {
            return Reply::new(200, "{\"token\": \"a\\r\\nx: y\"}");
        }
        let realm = format!("Bearer realm=\"http://{}/token\"", request.headers["host"]);
        Reply::new(401, "").with("www-authenticate", realm)
    });
    assert_eq!(Remote::login(&server.host, &ada("secret"), options()).expect_err("no token").kind, Kind::Lie);
}
