//! A connection that is woken while it is asked is asked once more at once.
//!
//! HTTP/1.1 reads a request's body only when it is asked for it, and wakes itself then: by way of the runtime's queues that would be one
//! more round for each request, and the waking of a thread that finds nothing to do.

use futures_util::task::AtomicWaker;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Context, Poll, Wake, Waker};

/// Nobody asks the connection: who wakes it wakes its task.
const AWAY: u8 = 0;
/// It is being asked.
const ASKED: u8 = 1;
/// It was woken meanwhile.
const WOKEN: u8 = 2;

/// Asks a connection, and hears what wakes it.
#[derive(Debug)]
pub(super) struct Again {
    bell: Arc<Bell>,
    /// The bell, as a waker.
    waker: Waker,
}

#[derive(Debug)]
struct Bell {
    state: AtomicU8,
    task: AtomicWaker,
}

impl Again {
    pub(super) fn new() -> Again {
        let bell = Arc::new(Bell { state: AtomicU8::new(AWAY), task: AtomicWaker::new() });
        Again { waker: bell.clone().into(), bell }
    }

    /// Polls a future, and once more if that was woken by then.
    pub(super) fn poll<F: Future>(&self, mut future: Pin<&mut F>, context: &mut Context<'_>) -> Poll<F::Output> {
        self.bell.task.register(context.waker());
        for _ in 0..2 {
            self.bell.state.store(ASKED, Ordering::SeqCst);
            let polled = future.as_mut().poll(&mut Context::from_waker(&self.waker));
            let state = self.bell.state.swap(AWAY, Ordering::SeqCst);
            if polled.is_ready() || state == ASKED {
                return polled;
            }
        }
        // Others have their turn, too.
        context.waker().wake_by_ref();
        Poll::Pending
    }
}

impl Wake for Bell {
    fn wake(self: Arc<Bell>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Bell>) {
        let was = self.state.compare_exchange(ASKED, WOKEN, Ordering::SeqCst, Ordering::SeqCst);
        if was == Err(AWAY) {
            self.task.wake();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::poll_fn;
    use std::pin::pin;
    use std::sync::atomic::AtomicUsize;

    /// Counts how often it is woken.
    #[derive(Default)]
    struct Count(AtomicUsize);

    impl Wake for Count {
        fn wake(self: Arc<Count>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    #[test]
    fn what_wakes_itself_is_asked_twice_and_only_then_its_task_is_woken() {
        for (wakes, ends_at, asked, woken, is_ready) in
            [(0, 9, 1, 0, false), (1, 9, 2, 0, false), (1, 2, 2, 0, true), (9, 9, 2, 1, false)]
        {
            let (count, mut polls) = (Arc::new(Count::default()), 0);
            let waker = count.clone().into();
            let future = poll_fn(|context| {
                polls += 1;
                if polls <= wakes {
                    context.waker().wake_by_ref();
                }
                if polls == ends_at { Poll::Ready(()) } else { Poll::Pending }
            });
            let polled = Again::new().poll(pin!(future), &mut Context::from_waker(&waker));
            let got = (polls, count.0.load(Ordering::SeqCst), polled.is_ready());
            assert_eq!(got, (asked, woken, is_ready), "{wakes} {ends_at}");
        }
    }

    #[test]
    fn what_wakes_it_later_wakes_its_task() {
        let (count, again, mut kept) = (Arc::new(Count::default()), Again::new(), None);
        let waker = count.clone().into();
        let future = poll_fn(|context| {
            kept = Some(context.waker().clone());
            Poll::<()>::Pending
        });
        assert!(again.poll(pin!(future), &mut Context::from_waker(&waker)).is_pending());
        kept.expect("a waker").wake();
        assert_eq!(count.0.load(Ordering::SeqCst), 1);
    }
}
