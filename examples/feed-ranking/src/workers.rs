//! Models run beside the threads that answer sockets: of as many requests at once as there are processors, the others wait their turn.

use axum::http::StatusCode;
use modeldeploy_service::Refusal;
use std::num::NonZeroUsize;
use std::sync::LazyLock;
use std::thread::available_parallelism;
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

/// How long a request waits for its turn.
const PATIENCE: Duration = Duration::from_secs(5);

static TURNS: LazyLock<Semaphore> =
    LazyLock::new(|| Semaphore::new(available_parallelism().map_or(1, NonZeroUsize::get)));

/// Runs what computes. If the client goes before its turn, it is not run.
///
/// # Errors
///
/// 429 if its turn does not come in time.
pub(crate) async fn run<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Refusal> {
    let turn = timeout(PATIENCE, TURNS.acquire()).await.map_err(|_| {
        Refusal::new(
            StatusCode::TOO_MANY_REQUESTS,
            format!("too much waits before it: no turn came within {PATIENCE:?}"),
        )
    })?;
    let _turn = turn.expect("the turns are never closed");
    spawn_blocking(work).await.map_err(|_| Refusal::internal("a model ended without an answer"))
}
