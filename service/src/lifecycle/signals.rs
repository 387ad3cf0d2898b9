//! What the process is told by signals.

use crate::notice;
use std::io;

/// The signals of a service. From its making on, they are heard: none ends the process by itself any more.
#[cfg(unix)]
#[derive(Debug)]
pub(crate) struct Signals {
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
}

/// SIGHUP.
#[cfg(unix)]
#[derive(Debug)]
pub(crate) struct Hangups(tokio::signal::unix::Signal);

#[cfg(unix)]
impl Signals {
    pub(crate) fn new() -> io::Result<(Signals, Hangups)> {
        use tokio::signal::unix::{SignalKind, signal};
        let stop = Signals { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? };
        Ok((stop, Hangups(signal(SignalKind::hangup())?)))
    }

    /// Ends when the process is told to stop: with the signal's number.
    async fn next(&mut self) -> i32 {
        use tokio::signal::unix::SignalKind;
        tokio::select! {
            _ = self.terminate.recv() => SignalKind::terminate().as_raw_value(),
            _ = self.interrupt.recv() => SignalKind::interrupt().as_raw_value(),
        }
    }
}

#[cfg(unix)]
impl Hangups {
    /// Ends when the process is told to read again.
    pub(crate) async fn next(&mut self) {
        self.0.recv().await;
    }
}

#[cfg(not(unix))]
#[derive(Debug)]
pub(crate) struct Signals(());

#[cfg(not(unix))]
#[derive(Debug)]
pub(crate) struct Hangups(());

#[cfg(not(unix))]
impl Signals {
    pub(crate) fn new() -> io::Result<(Signals, Hangups)> {
        Ok((Signals(()), Hangups(())))
    }

    async fn next(&mut self) -> i32 {
        // Without the handler, Ctrl-C still ends the process, only at once.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
        2
    }
}

#[cfg(not(unix))]
impl Hangups {
    pub(crate) async fn next(&mut self) {
        std::future::pending().await
    }
}

impl Signals {
    /// Ends when the process is told to stop. Told so again, it exits at once.
    pub(crate) async fn stop(mut self) {
        self.next().await;
        tokio::spawn(async move {
            let signal = self.next().await;
            notice::warn(format_args!("told to stop again: what is in flight is not answered"));
            std::process::exit(128 + signal);
        });
    }
}
