//! Clusters that refuse, are slow, are something else, or are not there.

use crate::applied::{LONG, applied, variant};
use crate::server::{Instead, Server};
use axum::http::Method;
use modeldeploy_deploy::cluster::{Apply, Where, apply};
use modeldeploy_deploy::{Kind, Problem};
use std::time::Duration;

/// What comes of applying where a server does something instead of what it is asked; nothing is changed then.
fn instead(method: Method, of: &'static str, what: Instead, timeout: Duration) -> Vec<Problem> {
    let server = Server::start();
    server.instead(method, of, what);
    let wrong = apply(&variant("kubernetes-plain").0, &server.place(timeout), &Apply::default(), &mut |_| {});
    assert_eq!(server.names(), Vec::<String>::new(), "{of}");
    wrong.expect_err(of)
}

#[test]
fn a_refusal_is_told_with_what_to_do() {
    for (code, reason, kind, said, all) in [
        (401, "Unauthorized", Kind::Forbidden, "does not know who asks, 401", 4),
        (403, "Forbidden", Kind::Forbidden, "grants `get`, `list` and `patch`", 4),
        (409, "Conflict", Kind::Conflict, "--force-conflicts", 4),
        (422, "Invalid", Kind::Invalid, "does not take it, 422", 4),
        (400, "BadRequest", Kind::Invalid, "does not take it, 400", 4),
        (404, "NotFound", Kind::Invalid, "create namespace", 4),
        // Who cannot do it now is asked no more.
        (500, "InternalError", Kind::Unreachable, "cannot do it now, 500", 1),
    ] {
        let wrong = instead(Method::PATCH, "/namespaces/default/", Instead::Refuse(code, reason), LONG);
        assert_eq!(wrong.len(), all, "{wrong:#?}");
        for problem in wrong {
            assert!(problem.kind == kind && problem.to_string().contains(said), "{code}: {problem}");
            assert!(problem.place.is_some_and(|place| place.contains("default/shop")), "{code}");
        }
    }
    let wrong = instead(Method::GET, "apps/v1", Instead::Refuse(403, "Forbidden"), LONG);
    assert!(wrong.len() == 1 && wrong[0].kind == Kind::Forbidden, "{wrong:#?}");
}

#[test]
fn a_server_that_says_nothing_is_not_waited_for() {
    let wrong = instead(Method::PATCH, "networkpolicies", Instead::Silence, Duration::from_millis(100));
    assert!(wrong.len() == 1 && wrong[0].kind == Kind::Unreachable, "{wrong:#?}");
    assert!(wrong[0].message.contains("does not answer"), "{wrong:#?}");
}

#[test]
fn something_else_than_an_api_server_is_told_apart() {
    let wrong = instead(Method::PATCH, "networkpolicies", Instead::Garbage, LONG);
    assert!(wrong[0].kind == Kind::Unreachable && wrong[0].message.contains("no API server"), "{wrong:#?}");
}

#[test]
fn what_fails_after_the_trial_says_how_far_it_came() {
    let server = Server::start();
    server.instead(Method::PATCH, "poddisruptionbudgets/shop?&fieldManager", Instead::Refuse(500, "InternalError"));
    let wrong = applied(&server, "kubernetes-plain", &Apply::default()).expect_err("it changed its mind");
    assert!(wrong[0].message.contains("after a trial that went well; 2 of 4 objects are applied"), "{wrong:#?}");
    assert_eq!(server.names().len(), 2);
}

#[test]
fn a_cluster_that_is_not_there_is_named() {
    let server = Server::start();
    let address = server.address().to_owned();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let kubeconfig = folder.path().join("kubeconfig");
    std::fs::copy(server.kubeconfig(), &kubeconfig).expect("copied");
    let place = Where { kubeconfig: Some(kubeconfig.clone()), ..server.place(LONG) };
    // A port of nobody: it was a listener's that is closed.
    let port = std::net::TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address");
    let text = std::fs::read_to_string(&kubeconfig).expect("it is there");
    std::fs::write(&kubeconfig, text.replace(&address, &format!("http://{port}"))).expect("written");
    let rendering = variant("kubernetes-plain").0;
    let tried =
        |place: &Where| apply(&rendering, place, &Apply::default(), &mut |_| {}).expect_err("no cluster").remove(0);
    let problem = tried(&place);
    assert!(
        problem.kind == Kind::Unreachable
            && problem.place.as_ref().is_some_and(|place| place.contains(&port.to_string())),
        "{problem}"
    );

    let other = Where { context: Some("production".into()), ..place.clone() };
    assert!(tried(&other).message.contains("production"), "{}", tried(&other));
    let absent = Where { kubeconfig: Some(folder.path().join("none")), ..place.clone() };
    assert!(tried(&absent).help.is_some_and(|help| help.contains("--kubeconfig")));
    for text in ["", "[", "kind: Config", "clusters: 3", &"a: [".repeat(10_000)] {
        std::fs::write(&kubeconfig, text).expect("written");
        assert_eq!(tried(&place).kind, Kind::Unreachable, "{text:.20}");
    }
}

#[test]
fn objects_of_several_namespaces_are_not_taken_for_one_service() {
    let server = Server::start();
    let place = Where { namespace: Some("default".into()), ..server.place(LONG) };
    let wrong =
        apply(&variant("kubernetes-all").0, &place, &Apply::default(), &mut |_| {}).expect_err("it is for `search`");
    assert!(wrong[0].message.contains("it is to be in `search`"), "{wrong:#?}");
    assert_eq!(server.changes(), Vec::<String>::new());
}
