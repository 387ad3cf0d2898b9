//! Any bytes as the body of a request: an error that says something, or a request.

#![no_main]

#[path = "../requests.rs"]
mod requests;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    assert_ne!(requests::decode(input), Some(Err(String::new())));
});
