//! The first bytes of a connection, which say whether it is of HTTP/2, and the clock over them.
//!
//! Which protocol it is, hyper-util finds out, and waits for it as long as it takes; then each protocol has clocks of its own.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

/// What a client of HTTP/2 begins with (RFC 9113, section 3.4).
const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// A connection whose protocol must be known in time.
#[derive(Debug)]
pub(super) struct InTime<S> {
    stream: S,
    /// What has come of the preface.
    come: usize,
    /// None once it is known which protocol it is.
    clock: Option<Pin<Box<Sleep>>>,
}

impl<S> InTime<S> {
    pub(super) fn new(stream: S, time: Duration) -> InTime<S> {
        InTime { stream, come: 0, clock: Some(Box::pin(sleep(time))) }
    }

    /// Notes what has come; whether that is the whole preface, or none.
    fn is_known(&mut self, bytes: &[u8]) -> bool {
        let rest = &PREFACE[self.come..];
        self.come += bytes.len().min(rest.len());
        bytes.len() >= rest.len() || !rest.starts_with(bytes) || bytes.is_empty()
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for InTime<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(context, buffer);
        let Some(clock) = &mut self.clock else { return read };
        if read.is_pending() {
            ready!(clock.as_mut().poll(context));
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        if self.is_known(&buffer.filled()[before..]) {
            self.clock = None;
        }
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for InTime<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, parts)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}
