//! Any text as `Model.lock`, and as the division of a pack: an error, or what is written and read again as it was.

#![no_main]

use libfuzzer_sys::fuzz_target;
use modeldeploy_format::lock::Lock;
use modeldeploy_format::pack::Division;

fuzz_target!(|text: &str| {
    if let Ok(division) = text.parse::<Division>() {
        assert_eq!(division.to_string().parse(), Ok(division));
    }
    if let Ok(lock) = Lock::parse(text) {
        assert_eq!(Lock::parse(&lock.to_text()), Ok(lock));
    }
});
