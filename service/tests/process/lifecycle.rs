//! From its start to its end: panics, signals, and what it tells who started it.

use crate::curl::{ask, is_an_error_of};
use crate::service::{self, Client, Folder, Service};
use crate::{Test, tests};
use std::os::unix::net::UnixDatagram;
use std::os::unix::process::ExitStatusExt;

pub(crate) const ALL: &[Test] = tests![
    told_to_stop_it_answers_what_is_in_flight_and_exits_with_0,
    told_again_it_exits_at_once,
    while_it_drains_it_is_not_ready_and_answers,
    a_panic_in_a_route_is_of_that_request_alone,
    who_started_it_is_told_that_it_is_ready_and_that_it_stops,
    what_is_wrong_on_the_command_line_is_told_and_ends_it,
];

/// A request that is under way: its head is read, its body not yet sent.
fn begun(service: &Service) -> Client {
    let head = "POST /length HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n";
    let mut client = service.connect().send(head);
    client.until("100 Continue\r\n\r\n");
    client
}

fn told_to_stop_it_answers_what_is_in_flight_and_exits_with_0() {
    for signal in ["TERM", "INT"] {
        let service = Service::start(&[]);
        let half = begun(&service);
        let mut idle = service.connect().send("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n");
        idle.until("ok\n");
        service.signal(signal);
        assert_eq!(idle.rest(), "", "an idle connection is closed");
        assert!(half.send("abc").rest().ends_with("\r\n\r\n3"));
        let (status, told) = service.ends();
        let quiet = told.iter().all(|line| line.contains(r#""level":"INFO""#));
        assert!(status.success() && quiet, "{status} {told:?}");
    }
    // It waits no longer than its grace.
    let service = Service::start(&["--grace", "100ms"]);
    let never = begun(&service);
    service.signal("TERM");
    assert!(service.ends().0.success());
    drop(never);
}

fn told_again_it_exits_at_once() {
    let service = Service::start(&["--grace", "1h"]);
    let never = begun(&service);
    let mut idle = service.connect().send("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n");
    idle.until("ok\n");
    service.signal("TERM");
    assert_eq!(idle.rest(), "", "it has heard the first");
    service.signal("TERM");
    let (status, told) = service.ends();
    assert_eq!((status.code(), status.signal()), (Some(128 + 15), None), "{told:?}");
    assert!(told.iter().any(|line| line.contains("told to stop again")), "{told:?}");
    drop(never);
}

fn while_it_drains_it_is_not_ready_and_answers() {
    let service = Service::start(&["--drain-delay", "1h"]);
    let ready = |path: &str| ask(&[&format!("{}{path}", service.url)]).status;
    assert_eq!(ready("/readyz"), 200);
    service.signal("TERM");
    let begun = std::time::Instant::now();
    // New connections, all of them.
    while ready("/readyz") == 200 {
        assert!(begun.elapsed() < service::FAR, "it is ready still");
    }
    for path in ["/readyz", "/v2/health/ready", "/ping"] {
        assert_ne!(ready(path), 200, "{path}");
    }
    for path in ["/livez", "/healthz", "/models"] {
        assert_eq!(ready(path), 200, "{path}");
    }
    service.signal("INT");
    assert_eq!(service.ends().0.code(), Some(128 + 2));
}

fn a_panic_in_a_route_is_of_that_request_alone() {
    let service = Service::start(&[]);
    let mut client = service.connect();
    for _ in 0..3 {
        client = client.send("GET /panic HTTP/1.1\r\nHost: x\r\n\r\n");
        let answer = client.until("}");
        assert!(answer.starts_with("HTTP/1.1 500 ") && answer.contains("broke off over this request"), "{answer}");
        // The connection it came on is sound, and so are the others.
        client = client.send("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n");
        client.until("ok\n");
    }
    service.tells("as it was asked to");
    let answer = ask(&[&format!("{}/panic", service.url)]);
    is_an_error_of("/panic", &answer, "broke off");
    assert_eq!(ask(&[&format!("{}/healthz", service.url)]).status, 200);
    let metrics = ask(&[&format!("{}/metrics", service.url)]).body;
    assert!(metrics.contains(r#"route="/panic",status="500"} 4"#), "{metrics}");
}

fn who_started_it_is_told_that_it_is_ready_and_that_it_stops() {
    let folder = Folder::new();
    let path = folder.write("gone", "").replace("gone", "notify");
    let socket = UnixDatagram::bind(&path).expect("a socket");
    socket.set_read_timeout(Some(service::FAR)).expect("a time-out");
    let service = Service::of(service::command(&["--sandbox", "require"]).env("NOTIFY_SOCKET", &path));
    let hears = |state: &str| {
        let mut heard = [0; 64];
        let length = socket.recv(&mut heard).expect("a state");
        assert_eq!(std::str::from_utf8(&heard[..length]), Ok(state));
    };
    hears("READY=1");
    service.signal("TERM");
    hears("STOPPING=1");
    assert!(service.ends().0.success());
}

fn what_is_wrong_on_the_command_line_is_told_and_ends_it() {
    let error = service::fails(&["--max-texts", "none", "--garce=1s"]);
    for words in ["--max-texts is `none`; expected a whole number", "--garce is no flag; did you mean --grace?"] {
        assert!(error.contains(words), "{error}");
    }
    let taken = Service::start(&[]);
    let error = service::fails(&["--listen", &taken.address.to_string()]);
    assert!(error.contains("cannot listen on") && error.contains("in use"), "{error}");
    let output = service::command(&["--help"]).output().expect("a process");
    assert!(output.status.success() && String::from_utf8_lossy(&output.stdout).starts_with("shop 1.2.3\n"));
}
