//! How long is waited and how much is read.

use std::time::Duration;

/// Limits of everything that is asked of a registry.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// The longest wait for a connection.
    pub connect: Duration,
    /// The longest time that a manifest, a list or a token may take, all of it.
    pub answer: Duration,
    /// The span over which [`slowest`](Options::slowest) is counted; also the longest silence.
    pub pause: Duration,
    /// The fewest bytes of a file in each [`pause`](Options::pause).
    pub slowest: u64,
    /// The longest manifest, configuration, list or token, in bytes.
    pub document: u64,
    /// How often a file is tried while less than [`slowest`](Options::slowest) comes with each try.
    pub tries: u32,
    /// The wait before another try; each is twice the one before.
    pub wait: Duration,
    /// Plain HTTP to every host, as to this machine: what is sent, passwords too, can be read on the way.
    pub plain_http: bool,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            connect: Duration::from_secs(10),
            answer: Duration::from_secs(60),
            pause: Duration::from_secs(30),
            slowest: 30 << 10,
            document: 4 << 20,
            tries: 4,
            wait: Duration::from_millis(500),
            plain_http: false,
        }
    }
}
