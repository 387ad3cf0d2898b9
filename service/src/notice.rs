//! What an operator is told while a service runs: lines of its log.

use crate::logs::TARGET;
use std::fmt::Arguments;

/// Something happened as it was meant to.
pub(crate) fn info(line: Arguments<'_>) {
    tracing::info!(target: TARGET, "{line}");
}

/// Something is not as it should be, and the service goes on.
pub(crate) fn warn(line: Arguments<'_>) {
    tracing::warn!(target: TARGET, "{line}");
}
