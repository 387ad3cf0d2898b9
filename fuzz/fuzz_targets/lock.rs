//! Any text as `Model.lock`: an error, or a lock that is written and read again as it was.

#![no_main]

use libfuzzer_sys::fuzz_target;
use modeldeploy_format::lock::Lock;

fuzz_target!(|text: &str| {
    if let Ok(lock) = Lock::parse(text) {
        assert_eq!(Lock::parse(&lock.to_text()), Ok(lock));
    }
});
