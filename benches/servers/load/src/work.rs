//! What is sent: the options, and the bodies in turn.

use crate::client::Target;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use hyper::body::Bytes;
use serde_json::Value;
use std::cell::Cell;
use std::path::PathBuf;
use std::time::Duration;

/// What the command line says.
pub struct Options {
    pub target: Target,
    pub bodies: PathBuf,
    pub connections: usize,
    pub rate: Option<f64>,
    pub length: Duration,
    /// It ends after so many requests, if not before.
    pub requests: usize,
    /// Whether it never sleeps, so that no answer waits for it to wake.
    pub spin: bool,
    /// Whether it goes over gRPC: HTTP/2, and each body is a message.
    pub grpc: bool,
}

impl Options {
    pub fn parse() -> Result<Options, String> {
        use lexopt::prelude::*;
        let (mut url, mut bodies, mut connections, mut rate, mut seconds) = (None, None, 8, None, 10.0);
        let (mut requests, mut headers, mut grpc, mut spin) = (usize::MAX, vec![], false, false);
        let mut parser = lexopt::Parser::from_env();
        let mut read = || -> Result<(), lexopt::Error> {
            while let Some(arg) = parser.next()? {
                match arg {
                    Value(value) if url.is_none() => url = Some(value.string()?),
                    Long("bodies") => bodies = Some(PathBuf::from(parser.value()?)),
                    Long("connections") => connections = parser.value()?.parse()?,
                    Long("rate") => rate = Some(parser.value()?.parse()?),
                    Long("seconds") => seconds = parser.value()?.parse()?,
                    Long("requests") => requests = parser.value()?.parse()?,
                    Long("spin") => spin = true,
                    Long("grpc") => grpc = true,
                    Long("header") => headers.push(parser.value()?.string()?),
                    other => return Err(other.unexpected()),
                }
            }
            Ok(())
        };
        read().map_err(|error| error.to_string())?;
        let url = url.ok_or("which URL? for example http://127.0.0.1:8080/embed")?;
        let rest = url.strip_prefix("http://").ok_or_else(|| format!("`{url}` does not begin with http://"))?;
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        let header = |line: &String| {
            let (name, value) = line.split_once(':').ok_or_else(|| format!("`{line}` is no header"))?;
            Ok((name.trim().to_owned(), value.trim().to_owned()))
        };
        let headers = headers.iter().map(header).collect::<Result<_, String>>()?;
        let target = Target { authority: authority.to_owned(), path: format!("/{path}"), headers };
        let bodies = bodies.ok_or("which bodies? `--bodies FILE` names them, one a line")?;
        Ok(Options { target, bodies, connections, rate, length: Duration::from_secs_f64(seconds), requests, spin, grpc })
    }
}

/// A request.
pub struct One {
    pub path: Option<String>,
    pub headers: Vec<(String, String)>,
    pub body: Bytes,
    pub expect: u16,
}

/// Requests, in turn.
pub struct Work {
    all: Vec<One>,
    taken: Cell<usize>,
    most: usize,
}

impl Work {
    pub fn read(options: &Options) -> Result<Work, String> {
        let shown = options.bodies.display();
        let text = std::fs::read_to_string(&options.bodies).map_err(|error| format!("{shown}: {error}"))?;
        let one = if options.grpc { message } else { one };
        let all = text.lines().map(one).collect::<Result<Vec<One>, String>>().map_err(|error| format!("{shown}: {error}"))?;
        if all.is_empty() { Err(format!("{shown} is empty")) } else { Ok(Work { all, taken: Cell::new(0), most: options.requests }) }
    }

    /// The next one; none once there were as many as there are to be.
    pub fn next(&self) -> Option<&One> {
        let taken = self.taken.get();
        self.taken.set(taken + 1);
        (taken < self.most).then(|| &self.all[taken % self.all.len()])
    }
}

fn one(line: &str) -> Result<One, String> {
    if let Ok(Value::Object(fields)) = serde_json::from_str(line)
        && let (Some(Value::String(body)), Some(expect)) = (fields.get("body"), fields.get("expect").and_then(Value::as_u64))
    {
        let headers = fields.get("headers").and_then(Value::as_object).into_iter().flatten();
        let headers = headers.map(|(name, value)| (name.clone(), value.as_str().unwrap_or_default().to_owned()));
        let path = fields.get("path").and_then(Value::as_str).map(str::to_owned);
        return Ok(One { path, headers: headers.collect(), body: Bytes::from(body.clone()), expect: expect as u16 });
    }
    Ok(One { path: None, headers: vec![], body: Bytes::from(line.to_owned()), expect: 200 })
}

/// A message in base64, as gRPC frames it: not compressed, and its length before it.
fn message(line: &str) -> Result<One, String> {
    let message = BASE64_STANDARD.decode(line).map_err(|error| format!("`{line}` is no base64: {error}"))?;
    let length = u32::try_from(message.len()).map_err(|_| "a message is longer than gRPC's can be".to_owned())?;
    let body = [&[0][..], &length.to_be_bytes(), &message].concat();
    Ok(One { path: None, headers: vec![], body: Bytes::from(body), expect: 200 })
}
