//! How many bytes of bodies a service holds, those of all connections and streams together.
//!
//! A byte counts from when it is read until its request is answered; of a stream, until its message is. A request whose next bytes there
//! is no room for is refused, and gives back what it held.

use axum::BoxError;
use axum::body::{Bytes, HttpBody};
use hyper::body::{Frame, SizeHint};
use pin_project_lite::pin_project;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::time::{Sleep, sleep};

/// When to try again: what is held goes when requests end, most of them sooner than that.
pub(crate) const AGAIN: Duration = Duration::from_secs(1);

/// The room for all bodies. Cloning shares it.
#[derive(Clone, Debug)]
pub(crate) struct Bodies(Arc<Room>);

#[derive(Debug)]
struct Room {
    most: usize,
    held: AtomicUsize,
}

/// What one request, or one message of a stream, has of the room; it goes back when this is dropped.
#[derive(Debug)]
pub(crate) struct Share {
    room: Arc<Room>,
    held: AtomicUsize,
}

/// What a stream began to send did not come to its end in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Late;

/// There is no room for more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Full;

impl Bodies {
    /// Room for so many bytes.
    pub(crate) fn new(most: usize) -> Bodies {
        Bodies(Arc::new(Room { most, held: AtomicUsize::new(0) }))
    }

    /// The share of a request that nothing is read of.
    pub(crate) fn share(&self) -> Share {
        Share { room: self.0.clone(), held: AtomicUsize::new(0) }
    }
}

impl Share {
    /// Takes so many bytes more.
    ///
    /// # Errors
    ///
    /// If there is no room for them.
    pub(crate) fn take(&self, bytes: usize) -> Result<(), Full> {
        let more = |held: usize| held.checked_add(bytes).filter(|held| *held <= self.room.most);
        self.room.held.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).map_err(|_| Full)?;
        self.held.fetch_add(bytes, Ordering::Relaxed);
        Ok(())
    }

    /// So many bytes of it, if it has them, as a share of their own.
    pub(crate) fn part(&self, bytes: usize) -> Share {
        let left = |held: usize| Some(held.saturating_sub(bytes));
        let held = self.held.fetch_update(Ordering::Relaxed, Ordering::Relaxed, left).unwrap_or_else(|held| held);
        Share { room: self.room.clone(), held: AtomicUsize::new(held.min(bytes)) }
    }
}

impl Share {
    fn held(&self) -> usize {
        self.held.load(Ordering::Relaxed)
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.room.held.fetch_sub(*self.held.get_mut(), Ordering::Relaxed);
    }
}

impl fmt::Display for Full {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the bodies of all requests together are too long for this one to be read now")
    }
}

impl std::error::Error for Full {}

impl fmt::Display for Late {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a message of the stream did not come to its end in time")
    }
}

impl std::error::Error for Late {}

pin_project! {
    /// The body of a stream of messages: its bytes are taken from a share as they are read, and whoever reads a message takes its part of
    /// that. Where there is no room its error is [`Full`], and [`Late`] where a message has begun and does not come to its end in time.
    #[derive(Debug)]
    pub(crate) struct Metered<B> {
        #[pin]
        body: B,
        share: Arc<Share>,
        // What of it no message had when it was last asked.
        held: usize,
        time: Duration,
        // Over the message that has begun.
        clock: Option<Pin<Box<Sleep>>>,
    }
}

impl<B> Metered<B> {
    /// A body whose messages each have that time.
    pub(crate) fn new(body: B, share: Arc<Share>, time: Duration) -> Metered<B> {
        Metered { body, share, held: 0, time, clock: None }
    }
}

impl<B: HttpBody<Data = Bytes, Error: Into<BoxError>>> HttpBody for Metered<B> {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let this = self.project();
        let held = this.share.held();
        // A message was read since, or none has begun.
        if held < *this.held || held == 0 {
            *this.clock = None;
        }
        *this.held = held;
        let frame = match this.body.poll_frame(context) {
            Poll::Ready(frame) => frame,
            Poll::Pending if held == 0 => return Poll::Pending,
            Poll::Pending => {
                let clock = this.clock.get_or_insert_with(|| Box::pin(sleep(*this.time)));
                ready!(clock.as_mut().poll(context));
                return Poll::Ready(Some(Err(Late.into())));
            }
        };
        Poll::Ready(frame.map(|frame| {
            let frame = frame.map_err(Into::into)?;
            this.share.take(frame.data_ref().map_or(0, Bytes::len))?;
            *this.held = this.share.held();
            Ok(frame)
        }))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_have_no_more_than_the_room_together_and_give_back_what_they_had() {
        let bodies = Bodies::new(100);
        let held = || bodies.0.held.load(Ordering::Relaxed);
        let (first, second) = (bodies.share(), bodies.share());
        assert_eq!(
            [first.take(60), second.take(41), second.take(40), first.take(1)],
            [Ok(()), Err(Full), Ok(()), Err(Full)]
        );
        assert_eq!(first.take(usize::MAX), Err(Full));
        // A part outlives what it was of, and has no more than there was.
        let (part, rest) = (first.part(50), first.part(50));
        assert_eq!(held(), 100);
        drop(first);
        assert_eq!(held(), 100);
        drop(rest);
        assert_eq!(held(), 90);
        drop(part);
        assert_eq!((held(), second.take(60)), (40, Ok(())));
        drop(second);
        assert_eq!(held(), 0);
    }

    #[test]
    fn many_threads_together_hold_no_more_than_the_room() {
        let bodies = Bodies::new(50);
        let shares: Vec<Share> = std::thread::scope(|scope| {
            let take = || {
                let share = bodies.share();
                let _taken = (0..100).filter(|_| share.take(1).is_ok()).count();
                share
            };
            let threads = [(); 4].map(|()| scope.spawn(take));
            threads.map(|thread| thread.join().expect("no panic")).into_iter().collect()
        });
        assert_eq!(shares.iter().map(|share| share.held.load(Ordering::Relaxed)).sum::<usize>(), 50);
        drop(shares);
        assert_eq!(bodies.0.held.load(Ordering::Relaxed), 0);
    }
}
