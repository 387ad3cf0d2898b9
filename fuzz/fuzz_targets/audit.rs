//! Any bytes as a program that is asked for its models: refused, or read; and a bill and a list of crates by themselves.

#![no_main]

use libfuzzer_sys::fuzz_target;
use modeldeploy_audit::{Bill, audit, crates, crates_section};

fuzz_target!(|bytes: &[u8]| {
    if let Ok(audited) = audit(bytes) {
        let named = audited.models().count() + audited.indexes().count();
        assert!(audited.bill.is_some() || named == 0);
        assert!(audited.held.iter().all(|held| audited.holds(&held.digest) && held.size <= 64 * bytes.len() as u64));
        assert!(audited.beside.iter().all(|pack| audited.reads(&pack.digest) && !audited.holds(&pack.digest)));
    }
    if let Ok(bill) = Bill::decode(bytes) {
        assert_eq!(Bill::decode(&bill.encode()), Ok(bill));
    }
    if let Ok(listed) = crates(bytes) {
        assert_eq!(crates(&crates_section(&listed)), Ok(listed));
    }
});
