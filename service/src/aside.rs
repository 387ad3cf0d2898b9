//! What may hold a thread of connections for milliseconds is done aside, while another thread goes on with the connections.
//!
//! Reading a long body and writing a long answer are such work. Whoever finds in the midst of a request that such work comes next says so
//! by [`rest`]; the [door](crate::door) before every route listens to it, and has all that follows of that request done [`aside`].

use std::cell::Cell;
use std::future::poll_fn;
use std::task::Poll;
use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::task::block_in_place;

/// Bodies of more bytes than this are read aside. Others, a text or a few, are not worth another thread's waking.
pub(crate) const LONG_BODY: usize = 16 * 1024;

/// Answers of more numbers than this are written aside: in JSON each takes some 20 ns.
pub(crate) const LONG_ANSWER: usize = 4096;

thread_local! {
    /// Whether what this thread polls has asked for it.
    static ASKED: Cell<bool> = const { Cell::new(false) };
}

/// Has the rest of the request that asks done aside, if it `is_long`.
pub(crate) async fn rest(is_long: bool) {
    let mut is_asked = !is_long;
    poll_fn(|context| {
        if std::mem::replace(&mut is_asked, true) {
            return Poll::Ready(());
        }
        ASKED.set(true);
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// Polls, and says whether the rest is to be done [`aside`].
pub(crate) fn heard<T>(poll: impl FnOnce() -> T) -> (T, bool) {
    ASKED.set(false);
    let polled = poll();
    (polled, ASKED.take())
}

/// Does what may take long while another thread goes on with what else this one has; where there can be none, here and now.
pub(crate) fn aside<T>(work: impl FnOnce() -> T) -> T {
    let has_others = Handle::try_current().is_ok_and(|it| it.runtime_flavor() == RuntimeFlavor::MultiThread);
    if has_others { block_in_place(work) } else { work() }
}
