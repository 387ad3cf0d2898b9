//! The body of an answer of gRPC whose code comes in trailers: the request ends with them, and not with the head.

use super::layer::{Seen, code_in};
use super::{Code, Record, Status};
use axum::body::{Body, Bytes, HttpBody};
use hyper::body::{Frame, SizeHint};
use pin_project_lite::pin_project;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

pin_project! {
    /// A body; if it is dropped before its trailers, its client has gone.
    pub(super) struct Trailed {
        #[pin]
        body: Body,
        seen: Option<(Seen, Record)>,
    }

    impl PinnedDrop for Trailed {
        fn drop(this: Pin<&mut Self>) {
            end(this.project().seen, Code::CANCELLED);
        }
    }
}

impl Trailed {
    pub(super) fn around(body: Body, seen: Seen, record: Record) -> Body {
        Body::new(Trailed { body, seen: Some((seen, record)) })
    }
}

fn end(seen: &mut Option<(Seen, Record)>, code: Code) {
    if let Some((seen, record)) = seen.take() {
        seen.end(Status::Grpc(code), record);
    }
}

impl HttpBody for Trailed {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let this = self.project();
        // After trailers there is nothing, whatever a stream would still say.
        if this.seen.is_none() {
            return Poll::Ready(None);
        }
        let frame = ready!(this.body.poll_frame(context));
        let code = match &frame {
            Some(Ok(frame)) => frame.trailers_ref().map(|trailers| code_in(trailers).unwrap_or(Code::UNKNOWN)),
            // Clients take an answer without a code for this one.
            Some(Err(_)) | None => Some(Code::UNKNOWN),
        };
        if let Some(code) = code {
            end(this.seen, code);
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
