//! Texts of requests in what the service says: none unless they are asked for, and then redacted.

use crate::curl::{REQUESTS, ask, post};
use crate::service::Service;
use crate::{Test, tests};

pub(crate) const ALL: &[Test] = tests![no_line_holds_a_text, texts_that_are_asked_for_are_redacted];

/// What a shopper wrote, and that of it which tells who it was.
const TEXT: &str = "boots for jane.doe@example.com, call +49 170 1234567, card 4111 1111 1111 1111";
const SECRETS: [&str; 3] = ["jane.doe", "1234567", "1111 1111"];

/// All that a service says of requests that hold the text, right and wrong ones.
#[track_caller]
fn said(flags: &[&str]) -> Vec<String> {
    let service = Service::start(flags);
    for (path, body) in REQUESTS {
        let body = body.replace("\"a\"", &format!("\"{TEXT}\""));
        post(&service.url, (path, &body), &[]);
        // One that is broken off, and one in a wrong place.
        post(&service.url, (path, &body[..body.len() - 1]), &[]);
        post(&service.url, (path, &format!("[{body}]")), &[]);
    }
    let url = format!("{}/nowhere?q=jane.doe", service.url);
    assert_eq!(ask(&[&url]).status, 404);
    service.signal("TERM");
    service.ends().1
}

fn no_line_holds_a_text() {
    for level in ["info", "debug", "modeldeploy=trace"] {
        let said = said(&["--log-level", level]);
        assert!(said.iter().any(|line| line.contains("stopp")), "it says something: {said:?}");
        for part in SECRETS.into_iter().chain(["boots"]) {
            let held: Vec<_> = said.iter().filter(|line| line.contains(part)).collect();
            assert!(held.is_empty(), "at {level}: {held:?}");
        }
    }
}

fn texts_that_are_asked_for_are_redacted() {
    let said = said(&["--log-texts"]);
    assert!(said.iter().filter(|line| line.contains("boots for")).count() >= 6, "{said:?}");
    for part in SECRETS {
        let held: Vec<_> = said.iter().filter(|line| line.contains(part)).collect();
        assert!(held.is_empty(), "{held:?}");
    }
}
