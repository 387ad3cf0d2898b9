//! An example's shop, started as a process of its own on a free port, and a client that speaks to it.

use crate::client::agent;
use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Once;

/// A running shop; it ends with this value.
#[derive(Debug)]
pub struct Shop {
    process: Child,
    /// Its address, `http://127.0.0.1:…`.
    pub url: String,
}

/// Makes the packs that `Model.lock` pins and never another lock: one that is stale fails here. Of the packages the smallest is built,
/// since cargo has built the service for the tests. `program` is the service's own.
///
/// # Panics
///
/// If they cannot be made.
fn packs(program: &str) {
    static MADE: Once = Once::new();
    MADE.call_once(|| {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace");
        let mut command = modeldeploy(Path::new(program));
        let made = command.args(["--quiet", "build", "--package", "modeldeploy-format"]).current_dir(root).status();
        assert!(made.expect("it starts").success(), "`cargo modeldeploy build` failed");
    });
}

/// The command. Tests of the whole workspace have built it beside the service; if it is an older one, it makes the bytes that are locked,
/// or fails.
pub fn modeldeploy(program: &Path) -> Command {
    let built = program.with_file_name(format!("cargo-modeldeploy{}", std::env::consts::EXE_SUFFIX));
    if built.is_file() {
        let mut command = Command::new(built);
        command.arg("modeldeploy");
        return command;
    }
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(["run", "--quiet", "--package", "cargo-modeldeploy", "--"]);
    command
}

/// The service's program with these arguments, its packs being there.
///
/// # Panics
///
/// If its packs cannot be made.
pub fn program(program: &str, args: &[&str]) -> Command {
    packs(program);
    let mut command = Command::new(program);
    command.args(args);
    command
}

impl Shop {
    /// Starts a shop on a free port and waits until it says where it listens.
    ///
    /// # Panics
    ///
    /// If it does not start.
    pub fn start(mut command: Command) -> Shop {
        let command = command.args(["--listen", "127.0.0.1:0"]).stdout(Stdio::piped());
        let mut process = command.spawn().expect("the service starts");
        let mut line = String::new();
        let stdout = process.stdout.as_mut().expect("a pipe");
        BufReader::new(stdout).read_line(&mut line).expect("a line");
        let url = line.trim().split_once(" listens on ").expect("the line that says where").1.to_owned();
        Shop { process, url }
    }

    /// The status and the body of an answer of its own route, `/predict`.
    ///
    /// # Panics
    ///
    /// As [`post_to`](Shop::post_to).
    pub fn post(&self, content_type: Option<&str>, body: &[u8]) -> (u16, Value) {
        self.post_to("/predict", content_type, body)
    }

    /// The status and the body of an answer.
    ///
    /// # Panics
    ///
    /// If there is none, or it is no JSON.
    pub fn post_to(&self, path: &str, content_type: Option<&str>, body: &[u8]) -> (u16, Value) {
        let mut request = agent().post(format!("{}{path}", self.url));
        if let Some(content_type) = content_type {
            request = request.header("Content-Type", content_type);
        }
        let mut response = request.send(body).expect("an answer");
        let text = response.body_mut().read_to_string().expect("a body");
        (response.status().as_u16(), serde_json::from_str(&text).unwrap_or_else(|_| panic!("JSON and not {text:?}")))
    }

    /// The answer of its own route to a request that must succeed.
    ///
    /// # Panics
    ///
    /// If it does not.
    pub fn predict(&self, request: Value) -> Value {
        self.ask("/predict", request)
    }

    /// The answer to a request in JSON that must succeed.
    ///
    /// # Panics
    ///
    /// If it does not.
    pub fn ask(&self, path: &str, request: Value) -> Value {
        let (status, answer) = self.post_to(path, Some("application/json"), request.to_string().as_bytes());
        assert_eq!(status, 200, "{path} {request}: {answer}");
        answer
    }

    /// The status and the text at a path.
    ///
    /// # Panics
    ///
    /// If there is no answer.
    pub fn get(&self, path: &str) -> (u16, String) {
        let mut response = agent().get(format!("{}{path}", self.url)).call().expect("an answer");
        (response.status().as_u16(), response.body_mut().read_to_string().expect("a body"))
    }

    /// Sends SIGTERM and waits for the end.
    ///
    /// # Panics
    ///
    /// If it cannot be told.
    pub fn close(mut self) -> ExitStatus {
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
