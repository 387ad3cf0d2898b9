//! A body read whole, within its limits of bytes and time.
//!
//! Most bodies come with their head, in one piece: such a one is handed on as it came, without a copy, and no clock is started for it.

use crate::bodies::{Full, Share};
use axum::body::{Body, Bytes, HttpBody};
use axum::http::Version;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::time::{Sleep, sleep};

/// The bytes of a body to come, each taken from its share of the room for all bodies.
#[derive(Debug)]
pub(crate) struct Reading {
    body: Body,
    share: Share,
    /// The first piece, as it came.
    first: Bytes,
    /// All of them, once there is a second.
    all: Vec<u8>,
    most: usize,
    time: Duration,
    /// Whether what it waits for is on its way: in HTTP/1.1 the first wait says nothing.
    is_asked: bool,
    clock: Option<Pin<Box<Sleep>>>,
}

/// Why a body was not read to its end.
#[derive(Debug)]
pub(crate) enum Broken {
    TooLong,
    /// There is no room for it beside the others.
    Full,
    Late,
    Other(axum::Error),
}

impl Reading {
    /// Reads the body of a request in that version of HTTP, of at most so many bytes, which are all to come within that time.
    pub(crate) fn new(version: Version, body: Body, share: Share, (most, time): (usize, Duration)) -> Reading {
        let is_asked = version > Version::HTTP_11;
        Reading { body, share, first: Bytes::new(), all: vec![], most, time, is_asked, clock: None }
    }

    /// The share, to be held until the request is answered.
    pub(crate) fn into_share(self) -> Share {
        self.share
    }

    /// What was not read.
    pub(crate) fn into_rest(self) -> Body {
        self.body
    }

    fn add(&mut self, piece: Bytes) -> Result<(), Broken> {
        self.share.take(piece.len()).map_err(|Full| Broken::Full)?;
        let before = if self.all.is_empty() { self.first.len() } else { self.all.len() };
        if piece.len() > self.most - before {
            return Err(Broken::TooLong);
        }
        if before == 0 {
            self.first = piece;
            return Ok(());
        }
        if self.all.is_empty() {
            self.all.extend_from_slice(&self.first);
        }
        self.all.extend_from_slice(&piece);
        Ok(())
    }

    fn whole(&mut self) -> Bytes {
        let first = std::mem::take(&mut self.first);
        if self.all.is_empty() { first } else { std::mem::take(&mut self.all).into() }
    }

    fn wait(&mut self, context: &mut Context<'_>) -> Poll<Result<Bytes, Broken>> {
        // A connection of HTTP/1.1 reads a body only once it is asked for it: the rest may be there.
        if !std::mem::replace(&mut self.is_asked, true) {
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        let clock = self.clock.get_or_insert_with(|| Box::pin(sleep(self.time)));
        clock.as_mut().poll(context).map(|()| Err(Broken::Late))
    }
}

impl Future for Reading {
    type Output = Result<Bytes, Broken>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<Bytes, Broken>> {
        let this = self.get_mut();
        // What its head promises.
        if this.body.size_hint().lower() > this.most as u64 {
            return Poll::Ready(Err(Broken::TooLong));
        }
        while !this.body.is_end_stream() {
            match Pin::new(&mut this.body).poll_frame(context) {
                Poll::Ready(Some(Ok(frame))) => {
                    // What comes in trailers is nobody's.
                    let added = frame.into_data().map_or(Ok(()), |piece| this.add(piece));
                    if let Err(broken) = added {
                        return Poll::Ready(Err(broken));
                    }
                }
                Poll::Ready(Some(Err(error))) => return Poll::Ready(Err(Broken::Other(error))),
                Poll::Ready(None) => break,
                Poll::Pending => return this.wait(context),
            }
        }
        Poll::Ready(Ok(this.whole()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bodies::Bodies;
    use futures_util::{StreamExt, stream};
    use http_body_util::StreamBody;
    use hyper::body::Frame;
    use std::convert::Infallible;

    const FAR: Duration = Duration::from_secs(60);

    /// A body that comes in these pieces; between them it waits.
    fn body(pieces: &[&'static [u8]]) -> Body {
        let pieces: Vec<_> = pieces.iter().map(|&piece| Bytes::from_static(piece)).collect();
        let frames = stream::iter(pieces).then(async |piece| {
            tokio::task::yield_now().await;
            Ok::<_, Infallible>(Frame::data(piece))
        });
        Body::new(StreamBody::new(Box::pin(frames)))
    }

    async fn read(body: Body, most: usize, room: usize) -> Result<Bytes, String> {
        let read = Reading::new(Version::HTTP_11, body, Bodies::new(room).share(), (most, FAR)).await;
        read.map_err(|broken| format!("{broken:?}"))
    }

    #[tokio::test]
    async fn a_body_in_one_piece_is_handed_on_where_it_lies() {
        let piece = Bytes::from(vec![7; 1000]);
        let whole = read(Body::from(piece.clone()), 1000, 1000).await.expect("a body");
        assert_eq!((whole.as_ptr(), whole.len()), (piece.as_ptr(), 1000));
    }

    #[tokio::test]
    async fn a_body_in_pieces_is_put_together_within_its_limits() {
        for (pieces, most, room, expected) in [
            (&[][..], 0, 0, Ok("")),
            (&["", "a", "", "bc", "d"], 4, 4, Ok("abcd")),
            (&["ab", "cd"], 3, 9, Err("TooLong")),
            (&["abcd"], 3, 9, Err("TooLong")),
            (&["ab", "cd"], 9, 3, Err("Full")),
        ] {
            let pieces: Vec<&[u8]> = pieces.iter().map(|piece| piece.as_bytes()).collect();
            let got = read(body(&pieces), most, room).await;
            assert_eq!(got.as_deref().map_err(String::as_str), expected.map(str::as_bytes), "{pieces:?}");
        }
    }

    #[tokio::test]
    async fn a_body_that_does_not_end_is_late_and_one_that_breaks_says_why() {
        for version in [Version::HTTP_11, Version::HTTP_2] {
            let endless = Body::new(StreamBody::new(stream::pending::<Result<Frame<Bytes>, Infallible>>()));
            let limits = (9, Duration::from_millis(1));
            let late = Reading::new(version, endless, Bodies::new(9).share(), limits).await;
            assert!(matches!(late, Err(Broken::Late)), "{version:?} {late:?}");
        }
        let broken = stream::iter([Ok(Frame::data(Bytes::from_static(b"a"))), Err(std::io::Error::other("it broke"))]);
        let other = read(Body::new(StreamBody::new(broken)), 9, 9).await;
        assert!(other.as_ref().is_err_and(|why| why.contains("it broke")), "{other:?}");
    }
}
