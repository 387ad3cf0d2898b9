//! Who may ask: with a token, without one, with one that is new, and too often.

use crate::curl::{self, REQUESTS, ask, is_an_error_of, post};
use crate::service::{Folder, Service, fails, set_mode};
use crate::{Test, tests};
use std::path::Path;

pub(crate) const ALL: &[Test] = tests![
    without_a_token_every_protocol_refuses_in_its_own_form,
    metrics_are_closed_unless_they_are_opened,
    a_new_file_holds_without_a_restart_and_a_broken_one_does_not,
    who_asks_more_often_than_its_token_may_is_told_when_to_come_again,
    a_new_file_refills_no_rate_of_a_name_that_stays,
    away_from_loopback_a_service_wants_tokens_or_the_word_that_all_may_ask,
    a_file_that_is_no_file_of_tokens_is_refused,
];

const FIRST: &str = "first-token-of-the-shop";
const SECOND: &str = "second-token-of-the-shop";

fn bearer(token: &str) -> [String; 2] {
    ["--header".to_owned(), format!("Authorization: Bearer {token}")]
}

#[track_caller]
fn caller(service: &Service, token: &str) -> (u16, String) {
    let [flag, header] = bearer(token);
    let answer = ask(&[&flag, &header, &format!("{}/caller", service.url)]);
    (answer.status, answer.body)
}

fn without_a_token_every_protocol_refuses_in_its_own_form() {
    let folder = Folder::new();
    let file = folder.write("tokens", format!("shop:{FIRST}\nother:sha256:{}\n", sha256sum(SECOND)));
    let service = Service::start(&["--tokens", &file]);
    for wrong in
        [&[][..], &["--header", "Authorization: Bearer another-token"], &["--user", "shop:first-token-of-the-shop"]]
    {
        for request in REQUESTS {
            let answer = post(&service.url, request, wrong);
            assert_eq!(
                (answer.status, answer.header("www-authenticate")),
                (401, Some("bearer")),
                "{request:?} {answer:?}"
            );
            is_an_error_of(request.0, &answer, "token");
        }
    }
    for (token, name) in [(FIRST, "shop"), (SECOND, "other")] {
        let [flag, header] = bearer(token);
        for request in REQUESTS {
            let answer = post(&service.url, request, &[&flag, &header]);
            assert_eq!(answer.status, 200, "{request:?} {answer:?}");
        }
        assert_eq!(caller(&service, token), (200, name.to_owned()));
    }
    // A client of gRPC reads trailers alone.
    let grpc = ["--header", "Content-Type: application/grpc+proto", "--header", "TE: trailers"];
    let answer =
        ask(&[&grpc[..], &["--data", "", &format!("{}/inference.GRPCInferenceService/ModelInfer", service.url)]]
            .concat());
    assert_eq!((answer.status, answer.header("grpc-status"), &*answer.body), (200, Some("16"), ""), "{answer:?}");
    assert!(
        answer
            .header("grpc-message")
            .is_some_and(|message| message.replace("%20", " ").contains("authorization: bearer")),
        "{answer:?}"
    );
    for path in ["/healthz", "/livez", "/readyz", "/health", "/ping", "/v2/health/live", "/v2/health/ready"]
        .into_iter()
        .chain(["/ui", "/ui/main.js", "/docs", "/docs/style.css"])
    {
        assert_eq!(ask(&[&format!("{}{path}", service.url)]).status, 200, "{path}");
    }
    for path in [
        "/metrics",
        "/models",
        "/ui/state",
        "/ui/models",
        "/openapi.json",
        "/info",
        "/nowhere",
        "/healthz/",
        "/v2",
        "/v2/health/live/x",
    ] {
        assert_eq!(ask(&["--path-as-is", &format!("{}{path}", service.url)]).status, 401, "{path}");
    }
}

/// By the tool that an operator has.
fn sha256sum(token: &str) -> String {
    let output = std::process::Command::new("sh").args(["-c", &format!("printf %s '{token}' | sha256sum")]).output();
    let output = String::from_utf8(output.expect("sha256sum runs").stdout).expect("UTF-8");
    output.split(' ').next().expect("a digest").to_owned()
}

fn metrics_are_closed_unless_they_are_opened() {
    let folder = Folder::new();
    let file = folder.write("tokens", format!("shop:{FIRST}\n"));
    let service = Service::start(&["--tokens", &file, "--open-metrics"]);
    assert_eq!(ask(&[&format!("{}/metrics", service.url)]).status, 200);
    assert_eq!(ask(&[&format!("{}/models", service.url)]).status, 401);
}

fn a_new_file_holds_without_a_restart_and_a_broken_one_does_not() {
    let folder = Folder::new();
    let file = folder.write("tokens", format!("old:{FIRST}\n"));
    // In the sandbox, too, which holds the folder and not the file.
    let service = Service::start(&["--tokens", &file, "--sandbox", "require"]);
    assert_eq!(caller(&service, FIRST), (200, "old".to_owned()));
    assert_eq!(caller(&service, SECOND).0, 401);

    folder.write("tokens", format!("new:{SECOND}\n"));
    service.tells("the tokens are read again");
    assert_eq!(caller(&service, SECOND), (200, "new".to_owned()));
    assert_eq!(caller(&service, FIRST).0, 401);

    folder.write("tokens", "new:short\n");
    let told = service.tells("cannot be used");
    assert!(told.contains("tokens: line 1: the token of `new` is shorter") && !told.contains("new:short"), "{told}");
    assert_eq!(caller(&service, SECOND), (200, "new".to_owned()));
    std::fs::remove_file(&file).expect("it is there");
    service.tells("cannot be used");
    assert_eq!(caller(&service, SECOND), (200, "new".to_owned()));

    // It is read on SIGHUP even if nothing tells it from what it was.
    folder.write("tokens", format!("again:{FIRST}\n"));
    service.tells("the tokens are read again");
    service.signal("HUP");
    service.tells("the tokens are read again");
    assert_eq!(caller(&service, FIRST), (200, "again".to_owned()));
}

fn who_asks_more_often_than_its_token_may_is_told_when_to_come_again() {
    let folder = Folder::new();
    let file = folder.write("tokens", format!("slow:{FIRST} rate=0.001 burst=2\nfree:{SECOND}\n"));
    let service = Service::start(&["--tokens", &file]);
    assert_eq!(caller(&service, FIRST).0, 200);
    assert_eq!(caller(&service, FIRST).0, 200);
    let [flag, header] = bearer(FIRST);
    for request in REQUESTS {
        let answer = post(&service.url, request, &[&flag, &header]);
        assert_eq!(answer.status, 429, "{request:?} {answer:?}");
        is_an_error_of(request.0, &answer, "`slow` asks more often");
        // A request in 1000 s, less what has passed.
        let seconds: u64 = answer.header("retry-after").and_then(|value| value.parse().ok()).expect("whole seconds");
        assert!((500..=1000).contains(&seconds), "{seconds}");
    }
    let grpc = ["--header", "Content-Type: application/grpc", "--data", "", &flag, &header];
    let answer =
        ask(&[&grpc[..], &[&format!("{}/tensorflow.serving.PredictionService/Predict", service.url)]].concat());
    assert_eq!((answer.status, answer.header("grpc-status")), (200, Some("8")), "{answer:?}");
    let millis: u64 =
        answer.header("grpc-retry-pushback-ms").and_then(|value| value.parse().ok()).expect("milliseconds");
    assert!((500_000..=1_000_001).contains(&millis), "{millis}");
    // Others are not held up.
    assert_eq!(caller(&service, SECOND), (200, "free".to_owned()));
}

fn a_new_file_refills_no_rate_of_a_name_that_stays() {
    let folder = Folder::new();
    let file = folder.write("tokens", format!("slow:{FIRST} rate=0.001 burst=2\n"));
    let service = Service::start(&["--tokens", &file]);
    assert_eq!([(); 3].map(|()| caller(&service, FIRST).0), [200, 200, 429]);
    // By the same token, by another beside it, and by that alone.
    let both = format!("slow:{SECOND} rate=0.001 burst=2\nslow:{FIRST} rate=0.001 burst=2\n");
    for (text, tokens) in [
        (format!("# again\nslow:{FIRST} rate=0.001 burst=2\n"), &[FIRST][..]),
        (both, &[FIRST, SECOND]),
        (format!("slow:{SECOND} rate=0.001 burst=2\n"), &[SECOND]),
        (format!("slow:{SECOND} rate=0.002 burst=4\n"), &[SECOND]),
    ] {
        folder.write("tokens", &text);
        service.tells("the tokens are read again");
        tokens.iter().for_each(|token| assert_eq!(caller(&service, token).0, 429, "{text}"));
    }
    folder.write("tokens", format!("other:{SECOND} rate=0.001 burst=2\n"));
    service.tells("the tokens are read again");
    assert_eq!(caller(&service, SECOND), (200, "other".to_owned()));
}

fn away_from_loopback_a_service_wants_tokens_or_the_word_that_all_may_ask() {
    let folder = Folder::new();
    let file = folder.write("tokens", format!("shop:{FIRST}\n"));
    let error = fails(&["--listen", "0.0.0.0:0"]);
    assert!(error.contains("--tokens FILE") && error.contains("--no-auth"), "{error}");
    let error = fails(&["--no-auth", "--tokens", &file]);
    assert!(error.contains("leave one out"), "{error}");
    for flags in [&["--no-auth"][..], &["--tokens", &file]] {
        let service = Service::start(&[&["--listen", "0.0.0.0:0"], flags].concat());
        let url = format!("http://127.0.0.1:{}/healthz", service.address.port());
        assert_eq!(ask(&[&url]).status, 200, "{flags:?}");
    }
    let service = Service::start(&["--listen", "[::1]:0"]);
    assert!(curl::run(&["--globoff", &format!("{}/models", service.url)]).status.success());
}

fn a_file_that_is_no_file_of_tokens_is_refused() {
    let folder = Folder::new();
    for (text, message) in [("", "there is no token"), ("shop\n", "line 1: expected `name:token`"), ("\u{0}", "line 1")]
    {
        let file = folder.write("tokens", text);
        let error = fails(&["--tokens", &file]);
        assert!(error.contains(message) && error.contains(&file), "{error}");
    }
    let error = fails(&["--tokens", "no/such/file"]);
    assert!(error.contains("no/such/file: No such file"), "{error}");
    let file = folder.write("tokens", b"\xff");
    assert!(fails(&["--tokens", &file]).contains("UTF-8"));
    // One that everybody can read is used, and told of.
    let file = folder.write("tokens", format!("shop:{FIRST}\n"));
    set_mode(Path::new(&file), 0o644);
    let service = Service::start(&["--tokens", &file]);
    let told = service.tells("may read or write it");
    assert!(told.contains(r#""level":"WARN""#) && told.contains(&file) && told.contains("chmod 600"), "{told}");
}
