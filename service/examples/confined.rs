//! A service of small models whose own routes try what a sandbox forbids: `cargo run --example confined`, and
//! `curl localhost:8080/try/read`.
//!
//! `/try/{what}` answers `done`, or what the system says: `read` a file (of `CONFINED_FILE`, which the service says it needs, or of the
//! system), `write` one, `exec` a program, `connect` to an address, `listen` on a port. `/panic` panics, `/caller` answers whose token
//! the request came with, `/large` sends more than sockets hold. `divided` is a model in two versions, of which the second gets no requests
//! unless `--weights` gives it some.

#[allow(dead_code, reason = "nobody asks the engines here")]
#[macro_use]
#[path = "../tests/protocols/models.rs"]
mod models;
#[path = "../../runtime/tests/packs/mod.rs"]
pub(crate) mod packs;

use axum::extract::Path;
use axum::routing::{get, post};
use axum::{Extension, Router};
use modeldeploy::Error;
use modeldeploy::format::Task;
use modeldeploy::model::{Engine, Facts, Model, Space};
use modeldeploy_service::{Caller, Need, Share, Version};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, ExitCode};
use std::sync::OnceLock;
use std::{env, fs, io};

struct Next;

model!(Next: "divided-next" "2.0.0", models::Encoder1::FACTS, packs::means::build(Task::Embed));

async fn attempt(Path(what): Path<String>) -> String {
    let file = env::var("CONFINED_FILE");
    let outcome: io::Result<()> = match what.as_str() {
        "read" => fs::read(file.as_deref().unwrap_or("/etc/passwd")).map(drop),
        "write" => fs::write(env::temp_dir().join("modeldeploy-confined"), "x"),
        "exec" => Command::new("/bin/true").status().map(drop),
        "connect" => TcpStream::connect("127.0.0.1:9").map(drop),
        "listen" => TcpListener::bind("127.0.0.1:0").map(drop),
        _ => return "`read`, `write`, `exec`, `connect` or `listen`".to_owned(),
    };
    outcome.map_or_else(|error| error.to_string(), |()| "done".to_owned())
}

async fn caller(caller: Option<Extension<Caller>>) -> String {
    caller.map_or_else(|| "nobody".to_owned(), |Extension(Caller(name))| name.to_string())
}

async fn panics() -> &'static str {
    panic!("as it was asked to")
}

/// Answers.
pub(crate) fn main() -> ExitCode {
    let routes = Router::new()
        .route("/try/{what}", get(attempt))
        .route("/panic", get(panics))
        .route("/caller", get(caller))
        .route("/length", post(async |body: String| body.len().to_string()))
        .route("/large", get(async || vec![b'x'; 64 << 20]));
    let divided = [Version::stable::<models::Encoder1>(), Version::canary::<Next>(Share::percent(0.0))];
    let mut service = models::service().versions("divided", divided).routes(routes);
    if let Some(file) = env::var_os("CONFINED_FILE") {
        service = service.needs(Need::Read(file.into()));
    }
    match service.run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
