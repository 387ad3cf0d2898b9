//! Why a service could not start or had to end.

use std::fmt;
use std::net::SocketAddr;

/// Why a service could not start or had to end.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// A flag or an environment variable is wrong: what, and what is expected.
    Options(String),
    /// The address cannot be listened on.
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why.
        source: std::io::Error,
    },
    /// A file that an option names cannot be used: which, and why.
    File(String),
    /// The sandbox is required, and cannot be had: what of it.
    Sandbox(String),
    /// The system does not give what every process has: threads, sockets, signals.
    System(std::io::Error),
    /// What was asked for cannot be printed.
    Output(std::io::Error),
    /// A model cannot be used: why, and which command makes what is absent.
    Model(String),
    /// The golden vectors did not come back: the model, and what differs.
    SelfTest(String),
    /// The service that was asked whether it is ready is not, or is not there.
    Probe {
        /// Where it was asked.
        address: SocketAddr,
        /// What it said, or why it could not be asked.
        why: String,
    },
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Options(message) => write!(f, "{message}\n  help: `--help` lists the flags"),
            Error::Listen { address, source } => write!(
                f,
                "cannot listen on {address}: {source}\n  help: `--listen 127.0.0.1:0` takes a free port and prints it"
            ),
            Error::Output(source) => write!(f, "nothing can be written to stdout: {source}"),
            Error::File(message) | Error::Model(message) => f.write_str(message),
            Error::Sandbox(message) => write!(f, "{message}\n  help: `--sandbox on` goes on without what is missing"),
            Error::System(source) => write!(f, "the system does not give what a service needs: {source}"),
            Error::SelfTest(message) => write!(f, "the self-test failed: {message}"),
            Error::Probe { address, why } => write!(f, "the service at {address} is not ready: {why}"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Error::Listen { source, .. } | Error::Output(source) | Error::System(source) => Some(source),
            Error::Options(_)
            | Error::File(_)
            | Error::Sandbox(_)
            | Error::Model(_)
            | Error::SelfTest(_)
            | Error::Probe { .. } => None,
        }
    }
}
