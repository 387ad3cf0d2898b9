//! What a service in its sandbox can do, and what it cannot.

use crate::curl::{REQUESTS, ask, post};
use crate::service::{self, Folder, Service};
use crate::{Test, tests};
use std::collections::BTreeSet;
use std::process::Command;

pub(crate) const ALL: &[Test] = tests![
    in_the_sandbox_every_protocol_is_answered_and_routes_get_nothing_else,
    a_route_gets_what_the_service_says_it_needs,
    what_is_printed_is_all_that_is_traced,
    where_the_kernel_lacks_it_the_service_says_so_or_does_not_start,
];

#[track_caller]
fn attempt(service: &Service, what: &str) -> String {
    ask(&[&format!("{}/try/{what}", service.url)]).body
}

fn in_the_sandbox_every_protocol_is_answered_and_routes_get_nothing_else() {
    let service = Service::start(&["--sandbox", "require"]);
    for request in REQUESTS {
        let answer = post(&service.url, request, &[]);
        assert_eq!(answer.status, 200, "{request:?} {answer:?}");
    }
    assert_eq!(ask(&[&format!("{}/metrics", service.url)]).status, 200);
    let refused = |answer: &str| ["Operation not permitted", "Permission denied"].iter().any(|no| answer.contains(no));
    for what in ["read", "write", "exec", "connect", "listen"] {
        let answer = attempt(&service, what);
        assert!(refused(&answer), "{what}: {answer}");
    }
    // A panic, whose words and trace go to stderr, is of one request alone there, too.
    assert_eq!(ask(&[&format!("{}/panic", service.url)]).status, 500);
    assert_eq!(post(&service.url, REQUESTS[0], &[]).status, 200);
    // Without it, the same routes get it all.
    let service = Service::start(&["--sandbox", "off"]);
    for what in ["read", "write", "exec", "listen"] {
        assert_eq!(attempt(&service, what), "done", "{what}");
    }
    assert!(!refused(&attempt(&service, "connect")));
}

fn a_route_gets_what_the_service_says_it_needs() {
    let folder = Folder::new();
    let (own, other) = (folder.write("own", "x"), folder.write("other", "x"));
    let start = |needed: &str| Service::of(service::command(&["--sandbox", "require"]).env("CONFINED_FILE", needed));
    let service = start(&own);
    assert_eq!(attempt(&service, "read"), "done");
    for what in ["write", "exec", "connect", "listen"] {
        assert_ne!(attempt(&service, what), "done", "{what}");
    }
    // By the kernel's own word: a thread that answers, asked for the other file, is refused by Landlock and not by seccomp.
    drop(service);
    let tokens = folder.write("tokens", "shop:0123456789abcdef\n");
    let service = Service::start(&["--sandbox", "require", "--tokens", &tokens]);
    let answer = ask(&["--header", "Authorization: Bearer 0123456789abcdef", &format!("{}/try/read", service.url)]);
    assert!(answer.body.contains("Permission denied"), "{answer:?} {other}");
}

/// What `--print-sandbox` prints: the names of its calls.
fn printed(flags: &[&str]) -> BTreeSet<String> {
    let output = service::command(&[flags, &["--print-sandbox"]].concat()).output().expect("a process");
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    let calls = text.split("\nFiles:").next().expect("calls").lines().filter(|line| line.starts_with("      "));
    let names =
        calls.flat_map(|line| line.split(", ")).map(|call| call.trim().split(' ').next().expect("a name").to_owned());
    names.filter(|name| !name.is_empty()).collect()
}

fn what_is_printed_is_all_that_is_traced() {
    let folder = Folder::new();
    let trace = folder.write("trace", "");
    let tokens = folder.write("tokens", "shop:0123456789abcdef\n");
    let flags = ["--sandbox", "require", "--tokens", &tokens];
    let program = std::env::current_exe().expect("this program");
    let mut command = Command::new("strace");
    // `-D` leaves the service our own child.
    command.args(["-D", "-f", "-qq", "-o", &trace]).arg(program).args(["--listen", "127.0.0.1:0"]).args(flags);
    service::own(&mut command);
    let service = Service::of(&mut command);
    let bearer = ["--header", "Authorization: Bearer 0123456789abcdef"];
    for request in REQUESTS {
        assert_eq!(post(&service.url, request, &bearer).status, 200, "{request:?}");
    }
    folder.write("tokens", "shop:fedcba9876543210\n");
    service.tells("read again");
    service.signal("TERM");
    let (status, _) = service.ends();
    assert!(status.success(), "{status}");
    let text = std::fs::read_to_string(&trace).expect("a trace");
    // From the second filter on, the table holds.
    let inside = text.rsplit_once("SECCOMP_SET_MODE_FILTER").expect("it enters").1.split_once('\n').expect("more").1;
    let name = |line: &str| {
        let call = line.split_once(' ')?.1.trim_start();
        let name = call.strip_prefix("<... ").unwrap_or(call);
        let name: String = name.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
        // Signals and ends are no calls.
        (!name.is_empty() && !call.starts_with("---") && !call.starts_with("+++")).then_some(name)
    };
    let traced: BTreeSet<String> = inside.lines().filter_map(name).collect();
    let printed = printed(&flags);
    assert!(traced.contains("accept4") && traced.contains("openat") && printed.len() > 30, "{traced:?}");
    // It is tried, and where there is none `clone` is taken.
    let others: Vec<&String> = traced.difference(&printed).filter(|name| *name != "clone3").collect();
    assert!(others.is_empty(), "{others:?} are made and not printed");
    let denied: Vec<&str> = inside.lines().filter(|line| line.contains(" EPERM ")).collect();
    assert!(denied.is_empty(), "what is needed is refused: {denied:#?}");
}

fn where_the_kernel_lacks_it_the_service_says_so_or_does_not_start() {
    let start = |mode: &str, call: &str| {
        let mut command = Command::new("strace");
        let program = std::env::current_exe().expect("this program");
        command.args(["-D", "-f", "-qq", "-o", "/dev/null", "-e", &format!("inject={call}:error=ENOSYS")]);
        command.arg(program).args(["--listen", "127.0.0.1:0", "--sandbox", mode]);
        service::own(&mut command);
        command
    };
    for (call, words) in [("landlock_create_ruleset", "Landlock"), ("seccomp", "seccomp")] {
        let service = Service::of(&mut start("on", call));
        let told = service.tells("the sandbox is not whole");
        assert!(told.contains(r#""level":"WARN""#) && told.contains(words), "{call}: {told}");
        assert_eq!(post(&service.url, REQUESTS[0], &[]).status, 200);
        let output = start("require", call).output().expect("a process");
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(
            output.status.code() == Some(1) && error.contains(words) && error.contains("require"),
            "{call}: {error}"
        );
    }
}
