//! Any bytes as a suite, its corpus, its queries and its judgments (between zero bytes): errors, never a panic.

#![no_main]

use libfuzzer_sys::fuzz_target;
use modeldeploy_compiler::suite::Suite;
use std::sync::LazyLock;
use tempfile::TempDir;

/// One for all inputs: making and removing folders would take longer than reading suites.
static FOLDER: LazyLock<TempDir> = LazyLock::new(|| tempfile::tempdir().expect("a folder"));

fuzz_target!(|bytes: &[u8]| {
    let folder = &*FOLDER;
    let mut parts = bytes.splitn(4, |&byte| byte == 0);
    for name in ["suite.toml", "corpus.jsonl", "queries.tsv", "judgments.tsv"] {
        std::fs::write(folder.path().join(name), parts.next().unwrap_or_default()).expect("a file");
    }
    match Suite::read(&folder.path().join("suite.toml")) {
        Ok(suite) => drop(suite.documents(8)),
        Err(errors) => assert!(!errors.is_empty()),
    }
});
