//! How many processors the process may use: known once, for a sandbox forbids to ask.

use std::sync::OnceLock;

/// Their number, by the process's affinity and its control group.
pub(crate) fn processors() -> usize {
    static NUMBER: OnceLock<usize> = OnceLock::new();
    *NUMBER.get_or_init(|| std::thread::available_parallelism().map_or(1, |threads| threads.get()))
}
