//! curl, as operators use it.

use serde_json::Value;
use std::process::{Command, Output};

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// In small letters, as they came.
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Answer {
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": ")).map(str::trim)
    }
}

/// What curl says, whatever it is.
pub(crate) fn run(args: &[&str]) -> Output {
    Command::new("curl")
        .args(["--silent", "--show-error", "--max-time", "100", "--noproxy", "*"])
        .args(args)
        .output()
        .expect("curl runs")
}

/// The answer to a request.
#[track_caller]
pub(crate) fn ask(args: &[&str]) -> Answer {
    let output = run(&[&["--include"], args].concat());
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    let (head, body) = text.split_once("\r\n\r\n").expect("a head");
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
    Answer { status, head: head.to_lowercase(), body: body.to_owned() }
}

/// A request of each protocol, that a service of hand-made models answers: path and body.
pub(crate) const REQUESTS: [(&str, &str); 7] = [
    ("/v2/models/encoder/infer", r#"{"inputs":[{"name":"text","shape":[1],"datatype":"BYTES","data":["a"]}]}"#),
    ("/v1/embeddings", r#"{"model":"encoder","input":"a"}"#),
    ("/v1/models/encoder:predict", r#"{"instances":["a"]}"#),
    ("/predictions/encoder", r#"{"data":"a"}"#),
    ("/invocations", r#"{"inputs":["a"]}"#),
    ("/embed", r#"{"inputs":"a"}"#),
    ("/length", "a"),
];

/// Sends one of them.
#[track_caller]
pub(crate) fn post(url: &str, (path, body): (&str, &str), args: &[&str]) -> Answer {
    ask(&[&["--header", "Content-Type: application/json", "--data", body, &format!("{url}{path}")], args].concat())
}

/// Holds an answer to one of [`REQUESTS`] to be its protocol's own error: which keys it has is from each protocol's specification.
#[track_caller]
pub(crate) fn is_an_error_of(path: &str, answer: &Answer, words: &str) {
    let json = answer.json();
    let message = match path {
        "/v1/embeddings" => {
            let error = &json["error"];
            assert!(error["type"].is_string() && error.get("param").is_some() && error.get("code").is_some(), "{json}");
            &error["message"]
        }
        "/predictions/encoder" => {
            assert!(json["code"] == answer.status && json["type"].is_string(), "{json}");
            &json["message"]
        }
        "/invocations" => {
            assert!(json["error_code"].is_string(), "{json}");
            &json["message"]
        }
        "/embed" => {
            assert!(json["error_type"].is_string(), "{json}");
            &json["error"]
        }
        _ => &json["error"],
    };
    assert!(message.as_str().is_some_and(|message| message.contains(words)), "{path}: {json}");
}
