//! The shop, started as a process of its own on a free port, and a client that speaks to it.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Once;

/// A running shop; it ends with this value.
pub(crate) struct Shop {
    process: Child,
    pub(crate) url: String,
}

/// Makes the packs that `Model.lock` pins and never another lock: one that is stale fails here. Of the packages the smallest is built,
/// since cargo has built the service for the tests.
pub(crate) fn packs() {
    static MADE: Once = Once::new();
    MADE.call_once(|| {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).expect("the workspace");
        let made = modeldeploy()
            .args(["--quiet", "build", "--package", "modeldeploy-format"])
            .current_dir(root)
            .status()
            .expect("it starts");
        assert!(made.success(), "`cargo modeldeploy build` failed");
    });
}

/// The command. Tests of the whole workspace have built it; if it is an older one, it makes the bytes that are locked, or fails.
fn modeldeploy() -> Command {
    let built = Path::new(env!("CARGO_BIN_EXE_feed-ranking"));
    let built = built.with_file_name(format!("cargo-modeldeploy{}", std::env::consts::EXE_SUFFIX));
    if built.is_file() {
        let mut command = Command::new(built);
        command.arg("modeldeploy");
        return command;
    }
    let mut command = Command::new(env!("CARGO"));
    command.args(["run", "--quiet", "--package", "cargo-modeldeploy", "--"]);
    command
}

/// The service's program with these arguments, its packs being there.
pub(crate) fn program(args: &[&str]) -> Command {
    packs();
    let mut command = Command::new(env!("CARGO_BIN_EXE_feed-ranking"));
    command.args(args);
    command
}

impl Shop {
    /// Starts a shop and waits until it says where it listens.
    pub(crate) fn open() -> Shop {
        Shop::start(program(&["--listen", "127.0.0.1:0"]))
    }

    /// A shop whose models run on this instruction set.
    pub(crate) fn on(isa: &str) -> Shop {
        let mut command = program(&["--listen", "127.0.0.1:0"]);
        command.env("MODELDEPLOY_ISA", isa);
        Shop::start(command)
    }

    fn start(mut command: Command) -> Shop {
        let mut process = command.stdout(Stdio::piped()).spawn().expect("the service starts");
        let mut line = String::new();
        let stdout = process.stdout.as_mut().expect("a pipe");
        BufReader::new(stdout).read_line(&mut line).expect("a line");
        let url = line.trim().split_once(" listens on ").expect("the line that says where").1.to_owned();
        Shop { process, url }
    }

    /// The status and the body of an answer to a request for a feed.
    pub(crate) fn post(&self, content_type: Option<&str>, body: &[u8]) -> (u16, serde_json::Value) {
        self.post_to("/predict", content_type, body)
    }

    /// The status and the body of an answer.
    pub(crate) fn post_to(&self, path: &str, content_type: Option<&str>, body: &[u8]) -> (u16, serde_json::Value) {
        let mut request = agent().post(format!("{}{path}", self.url));
        if let Some(content_type) = content_type {
            request = request.header("Content-Type", content_type);
        }
        let mut response = request.send(body).expect("an answer");
        let text = response.body_mut().read_to_string().expect("a body");
        (response.status().as_u16(), serde_json::from_str(&text).unwrap_or_else(|_| panic!("JSON and not {text:?}")))
    }

    /// The answer to a request for a feed that must succeed.
    pub(crate) fn predict(&self, request: serde_json::Value) -> serde_json::Value {
        self.ask("/predict", request)
    }

    /// The answer to a request in JSON that must succeed.
    pub(crate) fn ask(&self, path: &str, request: serde_json::Value) -> serde_json::Value {
        let (status, answer) = self.post_to(path, Some("application/json"), request.to_string().as_bytes());
        assert_eq!(status, 200, "{path} {request}: {answer}");
        answer
    }

    /// The status and the text at a path.
    pub(crate) fn get(&self, path: &str) -> (u16, String) {
        let mut response = agent().get(format!("{}{path}", self.url)).call().expect("an answer");
        (response.status().as_u16(), response.body_mut().read_to_string().expect("a body"))
    }

    /// Sends SIGTERM and waits for the end.
    pub(crate) fn close(mut self) -> std::process::ExitStatus {
        let told = Command::new("kill").arg(self.process.id().to_string()).status().expect("kill runs");
        assert!(told.success());
        self.process.wait().expect("the service ends")
    }
}

impl Drop for Shop {
    fn drop(&mut self) {
        // It may have ended already; there is nothing to do about a failure here.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A client for which 4xx and 5xx are answers like others.
pub(crate) fn agent() -> ureq::Agent {
    ureq::Agent::config_builder().http_status_as_error(false).build().into()
}
