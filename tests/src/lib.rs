//! The house rules live in `tidy.rs`; this library is empty.
