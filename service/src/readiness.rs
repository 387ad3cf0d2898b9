//! Whether the service takes requests, and word for those who wait to hear that it no longer does.

use tokio::sync::watch;

/// Whether the service takes requests. Cloning shares it.
#[derive(Clone, Debug)]
pub(crate) struct Readiness(watch::Sender<bool>);

impl Readiness {
    /// It does.
    pub(crate) fn new() -> Readiness {
        Readiness(watch::Sender::new(true))
    }

    /// From now on it does not.
    pub(crate) fn stop(&self) {
        self.0.send_replace(false);
    }

    pub(crate) fn is_ready(&self) -> bool {
        *self.0.borrow()
    }

    /// Ends once it does not.
    pub(crate) fn stopped(&self) -> impl Future<Output = ()> + Send + use<> {
        let mut news = self.0.subscribe();
        async move {
            // An error says that nobody is left who could stop it.
            if news.wait_for(|is_ready| !is_ready).await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }
}
