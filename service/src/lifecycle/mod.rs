//! The life of the process around a service: what it is told by signals, and what it tells who started it.
//!
//! ```text
//! SIGTERM, SIGINT ─▶ not ready ─▶ (--drain-delay) ─▶ accepts nothing more ─▶ answers what is in flight (--grace) ─▶ exits with 0
//! again           ─▶ exits at once, with 128 and the signal's number
//! SIGHUP          ─▶ tokens and certificates are read again
//! ```

mod keep;
mod signals;
mod supervisor;

pub(crate) use keep::keep;
pub(crate) use signals::Signals;
pub(crate) use supervisor::Supervisor;
