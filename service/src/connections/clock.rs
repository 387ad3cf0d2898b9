//! The clock over the heads of a connection's requests.
//!
//! HTTP starts it for each head and drops it when that is there. A clock of tokio's that is started anew each time is entered into a
//! list that all share, and may wake the thread that waits for sockets; one that is kept is only put forward.

use hyper::rt::{Sleep, Timer};
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

/// The clock of a connection, kept from head to head.
#[derive(Clone, Debug, Default)]
pub(super) struct Clock(Arc<Mutex<Option<Kept>>>);

type Kept = Pin<Box<tokio::time::Sleep>>;

impl Clock {
    fn kept(&self) -> MutexGuard<'_, Option<Kept>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Timer for Clock {
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Sleep>> {
        self.sleep_until(Instant::now() + duration)
    }

    fn sleep_until(&self, deadline: Instant) -> Pin<Box<dyn Sleep>> {
        let kept = self.kept().take();
        let sleep = match kept {
            Some(mut sleep) => {
                sleep.as_mut().reset(deadline.into());
                sleep
            }
            None => Box::pin(tokio::time::sleep_until(deadline.into())),
        };
        Box::pin(Runs { clock: self.clone(), sleep: Some(sleep) })
    }
}

/// The clock while it runs; it is given back when this is dropped.
#[derive(Debug)]
struct Runs {
    clock: Clock,
    sleep: Option<Kept>,
}

impl Future for Runs {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        self.sleep.as_mut().map_or(Poll::Ready(()), |sleep| sleep.as_mut().poll(context))
    }
}

impl Sleep for Runs {}

impl Drop for Runs {
    fn drop(&mut self) {
        *self.clock.kept() = self.sleep.take();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_clock_that_is_kept_counts_from_when_it_is_started_anew() {
        let clock = Clock::default();
        let (short, long) = (Duration::from_millis(20), Duration::from_secs(60));
        let mut started = clock.sleep(short);
        // It is in the list of all.
        assert!(is_pending(&mut started).await);
        drop(started);
        assert!(clock.kept().is_some());
        let mut started = clock.sleep(long);
        assert!(clock.kept().is_none());
        tokio::time::sleep(2 * short).await;
        assert!(is_pending(&mut started).await, "its first time is over, and not its second");
        drop(started);
        let begun = Instant::now();
        clock.sleep(short).await;
        assert!(begun.elapsed() >= short);
    }

    async fn is_pending(sleep: &mut Pin<Box<dyn Sleep>>) -> bool {
        std::future::poll_fn(|context| Poll::Ready(sleep.as_mut().poll(context).is_pending())).await
    }
}
